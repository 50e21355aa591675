"""Answers that overtake each other: the page shows what was asked for last, whichever answer comes last."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docsearch.evaluation import marks
from page_states import ASKED, BEST
from waiting import PAINTED, eventually, has_ended, is_sharp, shows

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]
PDF = {"name": "report.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-"}
UPLOAD = {"doc_id": None, "error": None, "pages_done": 0, "pages_total": None, "place": 0, "collection": None}
KEYS = """(frame, keys) => {
  for (const key of keys) frame.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}"""
HOLD_BACK = "window.goBack = history.back.bind(history); history.back = () => { window.isAsked = true; }"
HOLD_SLOW = """() => {
  window.slow = [];
  const { setTimeout: later } = window;
  window.setTimeout = (task, time, ...rest) => time === 150 ? window.slow.push(task) : later(task, time, ...rest);
}"""
NOTE_DECODED = """() => {
  window.decoded = [];
  const { decode } = HTMLImageElement.prototype;
  HTMLImageElement.prototype.decode = async function () {
    await decode.call(this);
    window.decoded.push(this.naturalWidth);
  };
}"""
TYPE = """(input, text) => {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def hold(page: Page, path: str, part: str = "") -> list[Route]:
    """Hold the requests for a path whose address or body has this part; the list has those that were sent."""
    held: list[Route] = []

    def decide(route: Route) -> None:
        if part in route.request.url + (route.request.post_data or ""):
            held.append(route)
        else:
            route.fallback()

    page.route(path, decide)
    return held


def one(page: Page, held: list[Route]) -> Route:
    """Wait until a request is held, and return it."""
    return eventually(page, lambda: list(held), bool)[0]


def test_documents_of_an_earlier_filter_do_not_replace_the_list(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=menu")
    rows = page.locator("#document-list .document")
    expect(rows).to_have_count(6)
    page.get_by_role("button", name="Filters").click()
    held = hold(page, "**/v1/documents?*", "where=")
    page.get_by_role("group", name="Kind").get_by_label("png").check()
    late = one(page, held)
    page.get_by_role("button", name="Remove the filter Kind: png").click()
    shows(page, "/?q=menu")
    expect(rows).to_have_count(6)
    late.continue_()
    has_ended(late.request)
    expect(page.locator(".filter-chip")).to_have_count(0)
    expect(rows).to_have_count(6)


def test_a_page_that_was_turned_on_at_once_is_shown_without_an_error(visit: Visit, address: str) -> None:
    page = visit(address + ASKED)
    page.locator(BEST).click()
    expect(page.locator(".thumbnails .mini > img")).to_have_count(9)  # these stand in for the pages that follow
    page.locator(".frame").evaluate(KEYS, ["ArrowRight"] * 3)
    expect(page.locator(".viewer .pages-of")).to_have_text("9 of 14")
    is_sharp(page)


def test_a_less_sharp_image_does_not_replace_a_sharper_one(visit: Visit, address: str) -> None:
    page = visit(address + ASKED)
    page.locator(BEST).click()
    is_sharp(page)
    held = hold(page, "**/pages/6.png?*", "width=1400")
    page.locator(".frame").evaluate(KEYS, ["+", "+"])
    late = one(page, held)
    page.locator(".frame").evaluate(KEYS, ["+"] * 4)
    image = page.locator(".frame .sheet > img")
    sharpest = eventually(page, lambda: image.evaluate("image => image.naturalWidth"), lambda width: width > 1400)
    page.evaluate(NOTE_DECODED)
    late.continue_()
    eventually(page, lambda: page.evaluate("window.decoded"), lambda widths: 1400 in widths)
    page.evaluate(PAINTED)
    expect(image).to_have_js_property("naturalWidth", sharpest)


def test_what_is_typed_before_the_browser_has_gone_back_is_kept(visit: Visit, address: str) -> None:
    page = visit(address + ASKED)
    page.evaluate(HOLD_BACK)
    page.locator(BEST).click()
    expect(page.locator(".frame")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()
    assert page.evaluate("window.isAsked")
    page.fill("#query", "invoice total")
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice-20418.pdf")
    expect(page.locator(".viewer")).to_be_hidden()
    page.evaluate("window.goBack()")
    expect(page).to_have_url(f"{address}?q=invoice+total")
    expect(page.locator("#query")).to_have_value("invoice total")
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice-20418.pdf")
    page.go_back()
    expect(page.locator("#query")).to_have_value("revenue chart 2023")
    shows(page, ASKED)
    expect(page.locator(f"{BEST} .title")).to_have_text("annual-report-2023.pdf")


def test_a_search_that_was_given_up_shows_no_placeholders(visit: Visit, address: str) -> None:
    page = visit(address, expected=("503",))
    expect(page.locator(".welcome")).to_be_visible()
    page.evaluate(HOLD_SLOW)
    refusal = {"error": "256 questions wait already"}
    page.route("**/v1/search", lambda route: route.fulfill(status=503, headers={"Retry-After": "3600"}, json=refusal))
    page.fill("#query", "invoice")
    expect(page.locator("#banner")).to_contain_text("busy")
    page.keyboard.press("Escape")
    expect(page).to_have_url(address)
    assert page.evaluate("window.slow.length") == 1
    page.evaluate("window.slow[0]()")
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def test_cards_that_come_back_are_highlighted_again(visit: Visit, address: str) -> None:
    page = visit(address + ASKED)
    best = page.locator(BEST)
    expect(best.locator(".marks")).to_have_attribute("data-word", "all")
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("group", name="Kind").get_by_label("png").check()
    expect(best).to_have_count(0)
    page.get_by_role("button", name="Remove the filter Kind: png").click()
    expect(best.locator(".title")).to_have_text("annual-report-2023.pdf")
    expect(best.locator(".marks")).to_have_attribute("data-word", "all")
    expect(best.locator(".matched .found")).to_have_text(["revenue", "chart", "2023"])


def test_a_word_that_is_pointed_at_twice_is_loaded_once(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+2023")
    expect(page.locator(f"{BEST} .marks")).to_have_attribute("data-word", "all")
    words = page.locator("#words .chip")
    expect(words).to_have_count(2)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    held = hold(page, "**/v1/heatmap.png?*", "word=1")
    words.nth(1).hover()
    one(page, held)
    page.mouse.move(5, 5)
    words.nth(1).hover()
    words.nth(0).hover()  # images are loaded in the order in which they were asked for: these are the last
    for route in held:
        route.continue_()
    page.unroute_all()
    expect(page.locator(f"{BEST} .marks")).to_have_attribute("data-word", "0")
    expect(page.locator(f"{BEST} .marks img[data-word='1']")).to_have_count(1)
    asked_for_word = [url for url in asked if "word=1" in url]
    assert len(asked_for_word) == len(set(asked_for_word))


def test_a_press_that_spans_an_answer_is_a_click(visit: Visit, address: str) -> None:
    """On a document while its number of hits changes, and on a value of a filter while the counts arrive."""
    page = visit(f"{address}?q=battery")
    shows(page, "q=battery")
    page.get_by_role("button", name="strategy-slides-2024.pdf").hover()
    page.mouse.down()
    page.locator("#query").evaluate(TYPE, "strategy")
    shows(page, "q=strategy")
    page.mouse.up()
    shows(page, "in=strategy-slides-2024.pdf")

    page.get_by_role("button", name="Filters").click()
    panel, kind = page.locator("#filter-panel"), page.get_by_role("group", name="Kind")
    expect(panel).to_have_attribute("aria-busy", "false")
    held = hold(page, "**/v1/facets*")
    kind.get_by_label("png").check()
    eventually(page, lambda: len(held), lambda count: count == 2)
    expect(page.locator("#pages")).to_have_attribute("aria-busy", "false")
    kind.get_by_label("pdf").hover()
    page.mouse.down()
    for route in held:
        route.continue_()
    page.unroute_all()
    expect(panel).to_have_attribute("aria-busy", "false")
    page.mouse.up()
    expect(page.locator(".filter-chip .text")).to_have_text(["Kind: png", "Kind: pdf"])


def test_the_last_mark_is_the_one_that_is_kept(serve: Callable[..., str], visit: Visit, tmp_path: Path) -> None:
    page = visit(serve() + ASKED)
    page.locator(BEST).click()
    expect(page.locator(".judge")).to_be_visible()
    held = hold(page, "**/v1/marks*", '"right":true')
    page.keyboard.press("y")
    late = one(page, held)
    page.keyboard.press("n")
    late.continue_()
    has_ended(late.request)
    eventually(page, lambda: [mark.right for mark in marks.read(tmp_path / "index")], lambda kept: kept == [False])
    expect(page.locator(".judge button", has_text="No")).to_have_attribute("aria-pressed", "true")


def test_marks_of_an_earlier_query_are_of_no_account(visit: Visit, address: str) -> None:
    def allow(page: Page) -> None:
        page.route("**/v1/index", lambda route: route.fulfill(json={**route.fetch().json(), "marks_allowed": True}))
        page.route("**/v1/marks?*", lambda route: route.fulfill(json={"marks": []}))

    page = visit(address + ASKED, before=allow, expected=("ERR_FAILED",))
    held = hold(page, "**/v1/marks?*", "query=revenue")
    page.locator(BEST).click()
    late = one(page, held)
    page.keyboard.press("Escape")
    expect(page).to_have_url(address + ASKED)
    page.fill("#query", "invoice total")
    shows(page, "q=invoice+total")
    with page.expect_response("**/v1/marks?*"):
        page.locator(BEST).click()
    late.abort()
    has_ended(late.request)
    expect(page.locator(".judge")).to_be_visible()
    expect(page.locator(".judge .note")).to_be_empty()


def test_a_list_of_uploads_from_before_one_was_sent_is_not_about_it(serve: Callable[..., str], visit: Visit) -> None:
    page = visit(serve())
    expect(page.locator("#add")).to_be_visible()
    sent: list[dict[str, object]] = []
    held: list[tuple[Route, list[dict[str, object]]]] = []

    def accept(route: Route) -> None:
        sent.append({**UPLOAD, "upload": f"u{len(sent)}", "name": "report.pdf", "state": "waiting"})
        route.fulfill(status=202, json=sent[-1])

    def report(route: Route) -> None:
        if len(sent) == 1:
            held.append((route, list(sent)))
        else:
            route.fulfill(json={"uploads": sent})

    page.route("**/v1/documents?name=*", accept)
    page.route("**/v1/uploads", report)
    page.set_input_files("#document-files", PDF)
    [(late, before), *_] = eventually(page, lambda: list(held), bool)
    page.set_input_files("#document-files", PDF)
    expect(page.locator(".upload-state")).to_have_text(["waiting…", "waiting…"])
    late.fulfill(json={"uploads": before})
    expect(page.locator(".upload-state")).to_have_text(["next in line", "next in line"])


def test_an_upload_whose_answer_comes_after_it_was_listed_is_shown_once(
    serve: Callable[..., str], visit: Visit
) -> None:
    sent, listed = [], []
    page = visit(serve(), before=lambda page: page.route("**/v1/uploads", lambda route: listed.append(route)))
    page.route("**/v1/documents?name=*", lambda route: sent.append(route))
    first = eventually(page, lambda: list(listed), bool)[0]
    page.set_input_files("#document-files", PDF)
    upload = {**UPLOAD, "upload": "u1", "name": "report.pdf", "state": "waiting"}
    posted = eventually(page, lambda: list(sent), bool)[0]
    first.fulfill(json={"uploads": [upload]})
    expect(page.locator(".upload-state")).to_have_text(["sending…", "next in line"])
    posted.fulfill(status=202, json=upload)
    expect(page.locator(".upload-state")).to_have_text(["waiting…"])
    page.evaluate(PAINTED)
    expect(page.locator(".upload-title")).to_have_text(re.compile("^Adding 1 document$"))
