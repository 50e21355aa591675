"""Files with the same content on the page: one result that says where else it is, and a button that shows each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from at_hand import program, serving
from waiting import eventually, shows, texts_become

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
BEST = "#pages > li:first-child"
COPIES = ["old/invoice.pdf", "older/invoice.pdf", "z <b>.pdf"]


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, sample_docs: Path) -> Iterator[str]:
    """A server of an invoice that is filed four times, and of a menu that is filed twice."""
    from docsearch.indexer import pipeline

    if program() is None:
        pytest.skip("needs a browser: none of chromium, chromium-browser and google-chrome is on the PATH")
    folder = tmp_path_factory.mktemp("filed")
    for source, names in (
        ("invoice-20418.pdf", ["invoice.pdf", *COPIES]),
        ("canteen-menu.png", ["menu.png", "menus/today.png"]),
    ):
        for name in names:
            (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(sample_docs / source, folder / "docs" / name)
    pipeline.index_documents([folder / "docs"], folder / "index")
    with serving(folder / "index", "--read-only") as address:
        yield address


def test_copies_are_one_result_and_each_on_request(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=invoice+total")
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice.pdf")
    shows(page, "q=invoice+total")
    titles = page.locator("#pages .title")
    once = titles.all_text_contents()
    assert not set(COPIES) & set(once)
    page.get_by_role("button", name="Show every copy").click()
    shows(page, "copies=all")
    eventually(page, lambda: set(titles.all_text_contents()), lambda every: {"invoice.pdf", *COPIES} <= every)
    expect(page.locator("#pages .copies")).to_have_count(0)
    page.go_back()
    expect(page.locator("#pages .title", has_text="z <b>.pdf")).to_have_count(0)
    expect(titles).to_have_text(once)


def test_other_places_are_listed_and_opened_by_keyboard(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=invoice+total")
    summary = page.locator(f"{BEST} summary")
    expect(summary).to_have_text("also at 3 other places")
    expect(page.locator(f"{BEST} .copies a").first).to_be_hidden()
    page.locator(f"{BEST} .card").focus()
    page.keyboard.press("Tab")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"{BEST} .copies a")).to_have_text(COPIES)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#summary strong")).to_have_text("invoice")
    expect(page.locator(f"{BEST} .title")).to_have_text(COPIES[1])
    shows(page, "in=older%2Finvoice.pdf")
    texts_become(page.locator("#pages .title"), {COPIES[1]})
    page.go_back()
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice.pdf")


def test_a_single_other_place_is_named(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=menu")
    expect(page.locator(f"{BEST} .copies")).to_have_text("also at menus/today.png")
    page.fill("#query", "canteen")
    shows(page, "q=canteen")
    expect(page.locator(f"{BEST} .copies a")).to_have_attribute("href", "/?q=canteen&in=menus%2Ftoday.png")


def test_the_viewer_lists_copies(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=invoice+total")
    page.locator(f"{BEST} .card").click()
    section = page.locator(".viewer section", has_text="Copies")
    section.locator("summary").press("Enter")
    expect(section.locator("a")).to_have_text(COPIES)
    section.locator("a").last.click()
    expect(page.locator(".viewer")).to_be_hidden()
    expect(page.locator(f"{BEST} .title")).to_have_text("z <b>.pdf")


def test_a_chosen_copy_is_shown_itself(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=invoice+total&in=invoice.pdf")
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice.pdf")
    page = visit(f"{filed}?q=invoice+total&in=older%2Finvoice.pdf")
    expect(page.locator(f"{BEST} .title")).to_have_text("older/invoice.pdf")
