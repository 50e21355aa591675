from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from waiting import eventually, is_sharp, settled_box, shows

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]
BEST = "#pages > li:first-child .card"


def open_best(page: Page) -> None:
    """Open the best page, and wait for the page itself and its highlights."""
    page.locator(BEST).click()
    is_sharp(page)
    expect(page.locator(".heat")).to_have_attribute("data-word", "all")


def marked(page: Page) -> np.ndarray:
    """Which pixels of the sheet are highlighter yellow, (H, W) bool."""
    with Image.open(io.BytesIO(page.locator(".frame .sheet").screenshot())) as picture:
        red, green, blue = np.asarray(picture.convert("RGB")).astype(int).transpose(2, 0, 1)
    return (red > 200) & (green > 150) & (blue < 60)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_highlights_follow_the_word_that_is_pointed_at(visit: Visit, address: str, scheme: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023", color_scheme=scheme)
    open_best(page)
    expect(page.locator(".viewer .chip")).to_have_count(3)
    seen = {}
    for word in ("revenue", "2023"):
        page.locator(".viewer .chip", has_text=word).hover()
        expect(page.locator(".heat")).to_have_attribute("data-word", {"revenue": "0", "2023": "2"}[word])
        expect(page.locator(".heat img.shown")).to_have_count(1)
        seen[word] = marked(page)
    assert seen["revenue"].any()
    assert seen["2023"].any()
    # Where one word stands the other does not, but for the rims of neighbours.
    assert (seen["revenue"] & seen["2023"]).sum() < 0.1 * min(seen["revenue"].sum(), seen["2023"].sum())
    page.mouse.move(300, 5)
    expect(page.locator(".heat")).to_have_attribute("data-word", "all")


def test_the_page_image_under_the_highlights_is_unchanged(visit: Visit, address: str) -> None:
    """In the dark theme, too, white stays white; highlights are multiplied into the page."""
    page = visit(f"{address}?q=notice+period", color_scheme="dark")
    open_best(page)
    page.keyboard.press("m")
    expect(page.locator(".heat")).to_be_hidden()
    with Image.open(io.BytesIO(page.locator(".frame .sheet").screenshot())) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels.min(axis=2) > 250).mean() > 0.5
    assert not marked(page).any()


def test_pages_and_results_are_stepped_through(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    open_best(page)
    where, rank = page.locator(".viewer .pages-of"), page.locator(".viewer .rank")
    expect(where).to_have_text("6 of 14")
    page.get_by_role("button", name="Next page").click()
    expect(where).to_have_text("7 of 14")
    page.keyboard.press("ArrowLeft")
    expect(where).to_have_text("6 of 14")
    page.keyboard.press("]")
    expect(rank).to_have_text(re.compile("^result 2 of "))
    expect(page).not_to_have_url(re.compile("page=6(&|$)"))
    page.get_by_role("button", name="Previous result").click()
    expect(where).to_have_text("6 of 14")
    page.locator(".thumbnails button", has_text="9").click()
    expect(where).to_have_text("9 of 14")
    expect(page.locator(".thumbnails [aria-current]")).to_have_attribute("aria-label", "Page 9")


def test_navigation_stops_at_the_ends_of_a_document(visit: Visit, address: str) -> None:
    page = visit(f"{address}?in=invoice-20418.pdf")
    page.locator(BEST).click()
    expect(page.get_by_role("button", name="Previous page")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".viewer .pages-of")).to_have_text("1 of 2")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Next page")).to_be_disabled()


def test_a_page_is_zoomed_and_dragged(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    open_best(page)
    sheet = page.locator(".frame .sheet")
    fitting = settled_box(sheet)
    page.get_by_role("button", name="Zoom in").click()
    page.keyboard.press("+")
    expect(page.locator(".zoom")).to_have_text("169%")
    is_sharp(page, 1400)
    larger = settled_box(sheet)
    assert larger["width"] == pytest.approx(1.69 * fitting["width"], rel=0.01)
    page.mouse.move(400, 400)
    page.mouse.down()
    page.mouse.move(400, 460, steps=3)
    page.mouse.up()
    moved = pytest.approx(larger["y"] + 60, abs=1)
    eventually(page, sheet.bounding_box, lambda box: box["y"] == moved)
    page.mouse.wheel(0, 2000)
    expect(page.locator(".zoom")).to_have_text("Fit")
    eventually(page, sheet.bounding_box, lambda box: box == pytest.approx(fitting, abs=0.5))


def test_the_wheel_zooms_at_the_pointer(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    open_best(page)
    sheet = page.locator(".frame .sheet")
    before = settled_box(sheet)
    at = (before["x"] + 0.4 * before["width"], before["y"] + 0.4 * before["height"])
    page.mouse.move(*at)
    page.mouse.wheel(0, -400)
    expect(page.locator(".zoom")).not_to_have_text("Fit")
    after = settled_box(sheet)
    assert (at[0] - after["x"]) / after["width"] == pytest.approx(0.4, abs=0.01)
    assert (at[1] - after["y"]) / after["height"] == pytest.approx(0.4, abs=0.01)


def test_a_region_finds_similar_pages(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    open_best(page)
    page.get_by_role("button", name="Part of the page").click()
    expect(page.locator(".region")).to_be_focused()
    sheet = settled_box(page.locator(".frame .sheet"))
    page.mouse.move(sheet["x"] + 0.1 * sheet["width"], sheet["y"] + 0.2 * sheet["height"])
    page.mouse.down()
    page.mouse.move(sheet["x"] + 0.9 * sheet["width"], sheet["y"] + 0.6 * sheet["height"], steps=4)
    with page.expect_request("**/v1/search") as asked:
        page.mouse.up()
    like = asked.value.post_data_json["like"]
    assert like["page"] == 6
    assert [like["box"][side] for side in ("x0", "y0", "x1", "y1")] == pytest.approx([0.1, 0.2, 0.9, 0.6], abs=0.02)
    expect(page.locator("#picture-query")).to_contain_text("Like a part of page 6")
    expect(page.locator("#summary")).to_contain_text("pages like a part of page 6")
    shows(page, "like=")
    expect(page.locator(f"{BEST} .title")).to_have_text("annual-report-2023.pdf")
    shown = page.locator("#pages .card").evaluate_all("cards => cards.map((card) => card.getAttribute('href'))")
    assert f"doc={like['document']}&page=5" in " ".join(shown)
    assert not any(address.endswith(f"doc={like['document']}&page=6") for address in shown)
    page.go_back()
    expect(page.locator(".viewer .pages-of")).to_have_text("6 of 14")


def test_similar_pages_are_found_and_the_link_can_be_shared(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    open_best(page)
    page.keyboard.press("l")
    expect(page.locator("#summary")).to_contain_text("pages like page 6")
    shows(page, "like=")
    first = page.locator(BEST).get_attribute("href")
    other = visit(page.url)
    expect(other.locator(BEST)).to_have_attribute("href", first)


def test_the_focus_comes_back_to_the_card(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    open_best(page)
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()
    expect(page.locator(BEST)).to_be_focused()


def test_the_page_with_its_heat_map_comes_before_the_thumbnails(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    held: list[Route] = []
    page.route(lambda url: "/v1/heatmap.png" in url and "width=1000" in url, lambda route: held.append(route))
    page.locator(BEST).click()
    is_sharp(page)
    expect(page.locator(".viewer .chip")).to_have_count(3)
    [heat] = eventually(page, lambda: list(held), bool)
    expect(page.locator(".thumbnails button")).to_have_count(9)
    expect(page.locator(".thumbnails button[data-requested]")).to_have_count(0)
    heat.continue_()
    page.unroute_all()
    expect(page.locator(".heat")).to_have_attribute("data-word", "all")
    expect(page.locator(".thumbnails .marks[data-word=all]")).to_have_count(9)


def test_the_original_is_offered_and_the_text_is_copied(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023", permissions=["clipboard-read", "clipboard-write"])
    open_best(page)
    section = page.locator(".viewer .original")
    address_of = section.get_by_role("link", name="Open the original").get_attribute("href")
    assert re.fullmatch(r"/v1/documents/[0-9a-f]+/file#page=6", address_of)
    found = page.request.get(address.rstrip("/") + address_of.partition("#")[0])
    assert found.headers["content-disposition"] == 'inline; filename="annual-report-2023.pdf"'
    with page.expect_download() as saved:
        section.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "annual-report-2023.pdf"
    section.get_by_role("button", name="Copy text").click()
    expect(section.locator(".note")).to_have_text("Copied.")
    assert "Revenue chart 2023" in page.evaluate("navigator.clipboard.readText()")
    page.goto(f"{address}?in=canteen-menu.png")
    page.locator(BEST).click()
    section.get_by_role("button", name="Copy text").click()
    expect(section.locator(".note")).to_contain_text("it has no text to copy")
