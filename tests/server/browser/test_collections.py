"""Several indexes on one page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from at_hand import program, serving
from page_states import GONE
from waiting import shows, texts_become

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
BEST = "#pages > li:first-child .card"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sample_docs: Path) -> Path:
    """A folder with the indexes `reports` and `sales`; both have the invoice, under one path."""
    from docsearch.indexer import pipeline

    if program() is None:
        pytest.skip("needs a browser: none of chromium, chromium-browser and google-chrome is on the PATH")
    folder = tmp_path_factory.mktemp("collections")
    for index, names in {
        "reports": ("annual-report-2023.pdf", "invoice-20418.pdf"),
        "sales": ("invoice-20418.pdf", "terms-of-sale.pdf"),
    }.items():
        (folder / f"docs-{index}").mkdir()
        for name in names:
            shutil.copy(sample_docs / name, folder / f"docs-{index}" / name)
        pipeline.index_documents([folder / f"docs-{index}"], folder / index)
    return folder


@contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    names = ("--name", "Reports", "--name", "Sales papers")
    with serving(folder / "reports", "--index", str(folder / "sales"), *names, *options) as address:
        yield address


@pytest.fixture(scope="module")
def both(made: Path) -> Iterator[str]:
    with served(made, "--read-only") as address:
        yield address


def test_one_or_all_are_searched(visit: Visit, both: str) -> None:
    page = visit(f"{both}?q=invoice+total")
    expect(page.locator("#collection option")).to_have_text(["All collections", "Reports", "Sales papers"])
    expect(page.locator("#collection")).to_have_value("")
    expect(page.locator("#pages .of-collection").first).to_be_visible()
    expect(page.locator("#document-list .document")).to_have_count(5)
    page.locator("#collection").select_option("Sales papers")
    expect(page.locator("#document-list .document")).to_have_count(3)
    expect(page.locator(f"{BEST} .of-collection")).to_have_text("Sales papers")
    shows(page, "collection=Sales+papers")
    texts_become(page.locator("#pages .of-collection"), {"Sales papers"})
    page.reload()
    expect(page.locator("#collection")).to_have_value("Sales papers")
    shows(page, "collection=Sales+papers")
    page.go_back()
    expect(page.locator("#collection")).to_have_value("")
    expect(page.locator("#document-list .document")).to_have_count(5)


def test_a_page_of_any_collection_is_opened_with_its_heat_map(visit: Visit, both: str) -> None:
    page = visit(f"{both}?q=terms+of+sale")
    expect(page.locator(f"{BEST} .title")).to_have_text("terms-of-sale.pdf")
    expect(page.locator(f"{BEST} .sheet > img")).to_be_visible()
    page.locator(BEST).click()
    expect(page.locator(".heat")).to_have_attribute("data-word", "all")
    expect(page.locator(".viewer .pages-of")).to_have_text("1 of 1")
    expect(page).to_have_url(re.compile("doc=Sales[+]papers%2F"))
    page.reload()
    expect(page.locator(".frame .sheet > img")).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator("#summary")).to_contain_text("like page 1")
    expect(page.locator("#pages .of-collection").first).to_be_visible()


def test_documents_with_one_path_are_told_apart(visit: Visit, both: str) -> None:
    page = visit(both)
    rows = page.locator("#document-list .document", has_text="invoice")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Reports › invoice-20418.pdf")
    rows.nth(1).click()
    expect(page.locator("#collection")).to_have_value("Sales papers")
    expect(page.locator("#summary")).to_contain_text("All 2 pages of invoice-20418.pdf")


@pytest.fixture
def own(made: Path, tmp_path: Path) -> Iterator[str]:
    """A server of copies that one test may change."""
    shutil.copytree(made, tmp_path / "made")
    with served(tmp_path / "made") as address:
        yield address


def test_a_document_goes_to_the_collection_that_is_chosen(
    own: str, visit: Visit, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    page = visit(own, expected=GONE)
    expect(page.locator("#add")).to_be_visible()
    page.set_input_files("#document-files", make_pdf(tmp_path / "new.pdf", ["lighthouse keeper"]))
    dialog = page.get_by_role("dialog", name="Which collection do they go to?")
    dialog.get_by_role("button", name="Sales papers").click()
    expect(page.locator(".upload.done .upload-state")).to_have_text("1 page")
    page.fill("#query", "lighthouse keeper")
    expect(page.locator(f"{BEST} .title")).to_have_text("new.pdf")
    expect(page.locator(f"{BEST} .of-collection")).to_have_text("Sales papers")
    page.get_by_role("button", name="Open new.pdf").click()
    expect(page.locator(".frame .sheet > img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()
    page.locator("#document-list .document", has_text="new").focus()
    page.keyboard.press("Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#document-list")).not_to_contain_text("new")


def test_collections_that_cannot_be_searched_as_one_are_searched_one_at_a_time(visit: Visit, both: str) -> None:
    def apart(page: Page) -> None:
        def answer(route: sync_api.Route) -> None:
            route.fulfill(json={**route.fetch().json(), "apart": "made with another model"})

        page.route("**/v1/collections", answer)

    page = visit(f"{both}?q=invoice", before=apart)
    expect(page.locator("#collection")).to_have_value("Reports")
    expect(page.locator("#collection option").first).to_be_disabled()
    shows(page, "collection=Reports")
    texts_become(page.locator("#pages .of-collection"), {"Reports"})
