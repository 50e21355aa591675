from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from waiting import eventually, fits_in_width, is_sharp, settled_box, shows

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
BEST = "#pages > li:first-child .card"
TOKEN = "0123456789abcdef-token"
COUNT_FINGERS = """frame => {
  window.lifted = 0;
  frame.addEventListener("pointerup", () => { window.lifted += 1; });
}"""


def test_everything_is_reachable_by_keyboard(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("revenue chart 2023")
    shows(page, "q=revenue+chart+2023")
    expect(page.locator(f"{BEST} .score")).to_have_text(re.compile(r"^0\.[89]\d$"))
    page.keyboard.press("ArrowDown")
    expect(page.locator(BEST)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#pages > li:nth-child(2) .card")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(BEST)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".frame")).to_be_focused()
    expect(page.locator(".viewer .chip")).to_have_count(3)
    page.keyboard.press("w")
    expect(page.locator(".heat")).to_have_attribute("data-word", "0")
    page.keyboard.press("w")
    page.keyboard.press("w")
    page.keyboard.press("w")
    expect(page.locator(".heat")).to_have_attribute("data-word", "all")
    page.keyboard.press("r")
    expect(page.locator(".region")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    with page.expect_request("**/v1/search") as asked:
        page.keyboard.press("Enter")
    box = asked.value.post_data_json["like"]["box"]
    assert [box[side] for side in ("x0", "y0", "x1", "y1")] == pytest.approx([0.25, 0.33, 0.77, 0.58])
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#picture-query")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".welcome")).to_be_visible()


def test_results_are_walked_through_with_one_hand(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    cards = page.locator("#pages .card")
    shows(page, "q=revenue+chart+2023")
    expect(cards.first).to_be_visible()
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cards.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(cards.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".rank")).to_have_text(re.compile("^result 1 of "))
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".rank")).to_have_text(re.compile("^result 3 of "))
    page.keyboard.press("k")
    expect(page.locator(".rank")).to_have_text(re.compile("^result 2 of "))
    page.keyboard.press("Escape")
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#query")).to_be_focused()
    expect(page.locator("#query")).to_have_value("revenue chart 2023")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    expect(cards.nth(0)).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()


def test_escape_ends_a_region_before_the_viewer(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    page.locator(BEST).click()
    expect(page.locator(".viewer .chip")).to_have_count(3)
    page.keyboard.press("r")
    expect(page.locator(".region")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".region")).to_be_hidden()
    expect(page.locator(".viewer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()


def test_a_narrow_phone_shows_all_without_scrolling_sideways(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023", width=360, height=740, has_touch=True, is_mobile=True)
    expect(page.locator(f"{BEST} .sheet > img")).to_be_visible()
    fits_in_width(page)
    page.locator("#show-documents").tap()
    expect(page.locator("#document-list")).to_be_visible()
    fits_in_width(page)
    page.locator("#show-documents").tap()
    expect(page.locator("#document-list")).to_be_hidden()
    page.locator(BEST).tap()
    expect(page.locator(".viewer .pages-of")).to_have_text("6 of 14")
    expect(page.locator(".frame .sheet > img")).to_be_visible()
    fits_in_width(page)
    for button in page.locator(".viewer .bar button:visible").all():
        box = settled_box(button)
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


def test_fingers_pinch_and_turn_pages(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023", width=360, height=740, has_touch=True, is_mobile=True)
    page.locator(BEST).tap()
    expect(page.locator(".frame .sheet > img")).to_be_visible()
    expect(page.locator(".heat")).to_have_attribute("data-word", "all")
    is_sharp(page)
    fingers = page.context.new_cdp_session(page)
    page.locator(".frame").evaluate(COUNT_FINGERS)
    lifted = 0

    def touch(kind: str, *points: tuple[int, int]) -> None:
        nonlocal lifted
        at = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        if kind == "touchStart":
            lifted += len(at)
        elif kind == "touchEnd":
            eventually(page, lambda: page.evaluate("window.lifted"), lambda count: count == lifted)

    touch("touchStart", (300, 250))
    touch("touchMove", (150, 255))
    touch("touchEnd")
    expect(page.locator(".viewer .pages-of")).to_have_text("7 of 14")
    touch("touchStart", (150, 250), (210, 250))
    touch("touchMove", (120, 250), (240, 250))
    touch("touchEnd")
    expect(page.locator(".zoom")).to_have_text("200%")
    zoomed = settled_box(page.locator(".frame .sheet"))
    touch("touchStart", (300, 250))
    touch("touchMove", (150, 255))
    touch("touchEnd")
    eventually(page, page.locator(".frame .sheet").bounding_box, lambda box: box["x"] < zoomed["x"])
    expect(page.locator(".viewer .pages-of")).to_have_text("7 of 14")  # it moved, and did not turn


def test_a_wrong_token_is_reported_and_the_right_one_opens(serve: Callable[..., str], visit: Visit) -> None:
    page = visit(serve("--token", TOKEN) + "?q=battery", expected=("401",))
    expect(page.get_by_role("dialog")).to_contain_text("This server requires a token")
    for wrong in ("wrong-token-0123456", "tokén"):
        page.fill("#token", wrong)
        page.locator("#token").evaluate("field => field.removeAttribute('aria-invalid')")
        page.keyboard.press("Enter")
        expect(page.locator("#token")).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#token-problem")).to_have_text("This is not the server's token.")
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator(f"{BEST} .title")).to_have_text("quick-start-soil-kit.pdf")
    expect(page.locator(f"{BEST} .sheet > img")).to_be_visible()
    assert TOKEN not in page.evaluate("document.cookie + JSON.stringify(localStorage) + location.href")
    page.reload()
    expect(page.locator(f"{BEST} .title")).to_have_text("quick-start-soil-kit.pdf")


def test_an_unreachable_server_is_polled_until_it_is_back(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=battery", expected=("ERR_FAILED",))
    expect(page.locator(f"{BEST} .score")).to_be_visible()
    for path in ("**/v1/**", "**/readyz"):
        page.route(path, lambda route: route.abort())
    page.fill("#query", "invoice total")
    expect(page.locator("#banner")).to_have_text("The server does not respond. Trying again…")
    for path in ("**/v1/**", "**/readyz"):
        page.unroute(path)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice-20418.pdf")


def test_a_busy_server_is_retried(visit: Visit, address: str) -> None:
    page = visit(address, expected=("503",))
    refusal = {"error": "256 questions wait already"}
    page.route("**/v1/search", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, json=refusal))
    page.fill("#query", "invoice total")
    expect(page.locator("#banner")).to_contain_text("busy")
    page.unroute("**/v1/search")
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice-20418.pdf")
    expect(page.locator("#banner")).to_be_hidden()


def test_an_error_of_the_server_is_shown_in_its_words(visit: Visit, address: str) -> None:
    page = visit(address, expected=("400",))
    page.route("**/v1/search", lambda route: route.fulfill(status=400, json={"error": "words only, please"}))
    page.fill("#query", "invoice")
    expect(page.locator(".no-match")).to_contain_text("Words only, please")


def test_the_theme_is_kept(visit: Visit, address: str) -> None:
    page = visit(address, color_scheme="light")
    body = page.locator("body")
    light = body.evaluate("body => getComputedStyle(body).backgroundColor")
    page.locator("#theme").click()
    expect(body).not_to_have_css("background-color", light)
    dark = body.evaluate("body => getComputedStyle(body).backgroundColor")
    page.reload()
    expect(body).to_have_css("background-color", dark)


def test_the_api_is_described_without_another_host(visit: Visit, address: str) -> None:
    page = visit(f"{address}docs")
    search = page.locator("section.route", has_text="POST /v1/search")
    expect(search.first).to_contain_text("Find the pages that answer one or more queries")
    expect(search.first.locator("dt", has_text="candidates")).to_be_visible()
    page.get_by_role("link", name="GET /v1/facets").click()
    expect(page.locator("section.route", has_text="GET /v1/facets")).to_be_in_viewport()


def test_a_long_name_is_cut_in_its_middle(visit: Visit, address: str) -> None:
    def rename(page: Page) -> None:
        def answer(route: sync_api.Route) -> None:
            found = route.fetch().json()
            found["answers"][0]["hits"][0]["path"] = (
                f"{'a very long name of a folder and of a report ' * 4}final-v3.pdf"
            )
            route.fulfill(json=found)

        page.route("**/v1/search", answer)

    page = visit(f"{address}?q=revenue+chart+2023", before=rename)
    title = page.locator(f"{BEST} .title")
    expect(title.locator(".tail")).to_have_text("final-v3.pdf")
    ends = """title => [title, title.querySelector(".tail")].map((each) => each.getBoundingClientRect().right)"""
    eventually(page, lambda: title.evaluate(ends), lambda found: found[1] <= found[0] + 1)
    is_cut = "head => head.scrollWidth > head.clientWidth"
    eventually(page, lambda: title.locator(".head").evaluate(is_cut), bool)
