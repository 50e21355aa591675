"""Filters on the page: values of columns, chips, the address, and with the keyboard alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from at_hand import DOCUMENTS, program, serving
from waiting import eventually, fits_in_width, shows, texts_become

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, sample_docs: Path) -> Iterator[str]:
    """A server of documents in two folders, with a column `team` of the user's own."""
    from docsearch.indexer import pipeline

    if program() is None:
        pytest.skip("needs a browser: none of chromium, chromium-browser and google-chrome is on the PATH")
    folder = tmp_path_factory.mktemp("filtered")
    for number, name in enumerate(DOCUMENTS):
        place = folder / "docs" / ("sales" if name.startswith("invoice") else "")
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample_docs / name, place / name)
        said = {"team": f"it's {'A' if number % 2 else 'B'}", "rank": number, "matter": "harbour"}
        (place / f"{name}.json").write_text(json.dumps(said))
    pipeline.index_documents([folder / "docs"], folder / "index")
    with serving(folder / "index", "--read-only") as address:
        yield address


def open_filters(page: Page) -> None:
    """Open the panel, and wait for its values."""
    page.get_by_role("button", name="Filters").click()
    counted(page)


def counted(page: Page) -> None:
    """Wait until the panel shows the counts of the filters in use."""
    expect(page.locator("#filter-panel")).to_have_attribute("aria-busy", "false")


def test_values_are_chosen_and_removed(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=menu")
    open_filters(page)
    kind = page.get_by_role("group", name="Kind")
    kind.get_by_label("png").check()
    expect(page.locator("#document-list .document")).to_have_count(2)  # all documents, and the picture
    shows(page, "filter=kind%3A%22png%22")
    texts_become(page.locator("#pages .title"), {"canteen-menu.png"})
    counted(page)
    kind.get_by_label("pdf").check()  # one of both
    expect(page.locator("#document-list .document")).to_have_count(6)
    counted(page)
    page.get_by_role("group", name="Team").get_by_label("it's A").check()
    expect(page.locator("#document-list .document")).to_have_count(3)
    expect(page.locator(".filter-chip .text")).to_have_text(["Kind: png", "Kind: pdf", "Team: it's A"])
    page.get_by_role("button", name="Remove the filter Kind: pdf").click()
    expect(page.locator("#document-list .document")).to_have_count(2)
    page.go_back()
    expect(page.locator(".filter-chip")).to_have_count(3)
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#document-list .document")).to_have_count(6)
    expect(page.locator(".filter-chip")).to_have_count(0)


def test_a_column_of_the_user_with_one_value_is_offered(visit: Visit, filed: str) -> None:
    page = visit(filed)
    open_filters(page)
    page.get_by_role("group", name="Matter").get_by_label("harbour").check()
    expect(page.locator(".filter-chip .text")).to_have_text(["Matter: harbour"])
    expect(page.locator("#document-list .document")).to_have_count(6)


def test_a_path_that_is_being_typed_stays_when_the_counts_arrive(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=menu")
    open_filters(page)
    kind = page.get_by_role("group", name="Kind")
    asked: list[Route] = []
    page.route("**/v1/facets*", lambda route: asked.append(route))  # these are slow to come
    kind.get_by_label("pdf").check()
    expect(page.locator(".filter-chip")).to_have_count(1)
    field = page.get_by_label("Path or file name")
    field.press_sequentially("sal")
    eventually(
        page, lambda: len(asked), lambda count: count == 2
    )  # for all columns, and for this one without the filter
    for route in asked:  # now they come
        route.continue_()
    page.unroute("**/v1/facets*")
    counted(page)
    expect(field).to_be_focused()
    field.press_sequentially("es/*")
    expect(field).to_have_value("sales/*")
    page.keyboard.press("Enter")
    expect(page.locator(".filter-chip .text")).to_have_text(["Kind: pdf", "Path: sales/*"])
    page.get_by_role("button", name="Remove the filter Path: sales/*").click()
    expect(field).to_have_value("")


def test_an_address_restores_filters(visit: Visit, filed: str) -> None:
    page = visit(f'{filed}?filter=folder:"sales/"&filter=rank:2&filter=has_text:true')
    expect(page.locator(".filter-chip .text")).to_have_text(["Folder: sales/", "Rank: 2", "Text layer: yes"])
    expect(page.locator("#pages .title")).to_have_text(["sales/invoice-20418.pdf"])
    expect(page.locator(".section-title")).to_have_text("1 of 5 documents have these values")
    page = visit(f'{filed}?filter=folder:"./"&filter=nonsense&filter=path:[1]')
    expect(page.locator(".filter-chip .text")).to_have_text(["Folder: no folder"])
    expect(page.locator("#pages .title")).to_have_count(4)


def test_a_path_is_a_filter(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=total")
    open_filters(page)
    page.get_by_label("Path or file name").fill("sales/*.pdf")
    page.keyboard.press("Enter")
    expect(page.locator(".filter-chip .text")).to_have_text(["Path: sales/*.pdf"])
    expect(page.locator("#document-list .document")).to_have_count(2)
    shows(page, "filter=path")
    texts_become(page.locator("#pages .title"), {"sales/invoice-20418.pdf"})


def test_filters_that_leave_nothing_say_so(visit: Visit, filed: str) -> None:
    page = visit(f'{filed}?filter=kind:"png"&filter=folder:"sales/"')
    expect(page.locator(".no-match h2")).to_have_text("No document has these values")
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.locator(".welcome")).to_be_visible()


def test_filters_need_no_mouse(visit: Visit, filed: str) -> None:
    page = visit(f"{filed}?q=total")
    expect(page.locator("#pages .title").first).to_be_visible()
    page.get_by_role("button", name="Filters").focus()
    page.keyboard.press("Enter")
    counted(page)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("type", "checkbox")
    page.keyboard.press("Space")
    chip = page.locator(".filter-chip")
    expect(chip).to_have_count(1)
    focused = page.locator(":focus")
    counted(page)
    expect(focused).to_have_attribute("type", "checkbox")  # it stays where it was
    expect(focused).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("#filter-panel")).to_be_hidden()
    expect(page.get_by_role("button", name="Filters")).to_be_focused()
    page.keyboard.press("Tab")
    expect(chip).to_be_focused()
    page.keyboard.press("Enter")
    expect(chip).to_have_count(0)
    expect(page.get_by_role("button", name="Filters")).to_be_focused()


def test_filters_fit_on_a_phone(visit: Visit, filed: str) -> None:
    page = visit(f'{filed}?q=total&filter=team:"it%27s A"', width=390, height=844, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Filters").tap()
    expect(page.get_by_role("group", name="Team").get_by_label("it's A")).to_be_checked()
    fits_in_width(page)
