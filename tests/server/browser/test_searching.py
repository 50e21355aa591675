from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from waiting import eventually, has_ended, shows, texts_become

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]
BEST = "#pages > li:first-child .card"


def marked(page: Page) -> np.ndarray:
    """Which pixels of the best result's thumbnail are highlighter yellow, (H, W) bool."""
    with Image.open(io.BytesIO(page.locator(f"{BEST} .sheet").screenshot())) as picture:
        red, green, blue = np.asarray(picture.convert("RGB")).astype(int).transpose(2, 0, 1)
    return (red > 200) & (green > 150) & (blue < 60)


def test_results_appear_while_typing(visit: Visit, address: str) -> None:
    page = visit(address)
    page.locator("#query").press_sequentially("revenue chart 2023", delay=40)
    shows(page, "q=revenue+chart+2023")
    expect(page.locator(f"{BEST} .title")).to_have_text("annual-report-2023.pdf")
    expect(page.locator(f"{BEST} .where")).to_contain_text("page 6")
    expect(page.locator(f"{BEST} .score")).to_have_text(re.compile(r"^0\.[89]\d$"))
    expect(page.locator("#summary .time")).to_have_text(re.compile(r"^\d+ ms$"))
    expect(page.locator(f"{BEST} .sheet > img")).to_be_visible()


def test_matching_words_are_highlighted_on_the_thumbnail(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+zebra")
    expect(page.locator(f"{BEST} .matched .found")).to_have_text(["revenue"])
    expect(page.locator(f"{BEST} .matched .missing")).to_have_text(["zebra"])
    expect(page.locator(f"{BEST} .marks")).to_have_attribute("data-word", "all")
    eventually(page, lambda: marked(page).any(), bool)


def test_pointing_at_a_word_leaves_only_its_highlights(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+2023")
    words = page.locator("#words .chip")
    expect(words).to_have_count(2)
    words.nth(1).hover()
    expect(page.locator(f"{BEST} .marks")).to_have_attribute("data-word", "1")
    expect(page.locator(f"{BEST} .marks img.shown")).to_have_count(1)
    page.mouse.move(5, 5)
    expect(page.locator(f"{BEST} .marks")).to_have_attribute("data-word", "all")


def test_a_late_answer_does_not_replace_a_newer_one(visit: Visit, address: str) -> None:
    page = visit(address)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if json.loads(route.request.post_data or "{}")["query"] == "canteen":
            held.append(route)
        else:
            route.continue_()

    page.route("**/v1/search", hold_the_first)
    page.fill("#query", "canteen")
    [first] = eventually(page, lambda: list(held), bool)
    page.fill("#query", "invoice")
    shows(page, "q=invoice")
    titles = page.locator("#pages .title")
    expect(titles.first).to_have_text("invoice-20418.pdf")
    shown = titles.all_text_contents()
    first.continue_()
    has_ended(first.request)
    expect(titles).to_have_text(shown)
    expect(page.locator("#banner")).to_be_hidden()


def test_a_document_can_be_searched_alone(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=battery")
    expect(page.locator(f"{BEST} .title")).to_have_text("quick-start-soil-kit.pdf")
    page.fill("#filter", "strat")
    expect(page.locator("#document-list li")).to_have_count(2)
    page.get_by_role("button", name="strategy-slides-2024.pdf").click()
    shows(page, "in=strategy-slides-2024.pdf")
    texts_become(page.locator(".pages .title"), {"strategy-slides-2024.pdf"})
    page.go_back()
    expect(page.locator(f"{BEST} .title")).to_have_text("quick-start-soil-kit.pdf")


def test_a_document_chosen_without_a_query_shows_all_its_pages(visit: Visit, address: str) -> None:
    page = visit(f"{address}?in=strategy-slides-2024.pdf")
    expect(page.locator(".pages .card")).to_have_count(8)
    expect(page.locator("#summary")).to_contain_text("All 8 pages")


def test_a_url_restores_what_it_showed(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    page.locator(BEST).click()
    page.locator(".viewer .chip", has_text="2023").click()
    expect(page.locator(".heat")).to_have_attribute("data-word", "2")
    expect(page).to_have_url(re.compile("page=6&word=2"))
    other = visit(page.url)
    expect(other.locator(".viewer .pages-of")).to_have_text("6 of 14")
    expect(other.locator(".heat")).to_have_attribute("data-word", "2")
    expect(other.locator(".viewer .chip[aria-pressed=true] .text")).to_have_text("2023")
    expect(other.locator(".rank")).to_have_text(re.compile("^result 1 of "))


def test_back_undoes_a_query_as_a_whole_and_closes_the_viewer(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=battery")
    expect(page.locator(f"{BEST} .title")).to_have_text("quick-start-soil-kit.pdf")
    page.locator("#query").fill("")
    page.locator("#query").press_sequentially("invoice total", delay=90)
    shows(page, "q=invoice+total")
    expect(page.locator(f"{BEST} .title")).to_have_text("invoice-20418.pdf")
    page.locator(BEST).click()
    expect(page.locator(".viewer")).to_be_visible()
    page.go_back()
    expect(page.locator(".viewer")).to_be_hidden()
    expect(page.locator("#query")).to_have_value("invoice total")
    page.go_back()
    expect(page.locator("#query")).to_have_value("battery")
    expect(page.locator(f"{BEST} .title")).to_have_text("quick-start-soil-kit.pdf")


def test_a_query_without_matches_is_reported(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=თბილისი")
    expect(page.locator(".no-match h2")).to_have_text("Nothing matches “თბილისი”")
    shows(page, "q=")
    expect(page.locator(".pages .card")).to_have_count(0)


def test_words_that_match_badly_are_reported(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=Zebras+quantum+llamas")
    expect(page.locator(".no-match h2")).to_have_text("No page matches well")
    missing = "“Zebras”, “quantum”, “llamas” were not recognised on the pages below."
    expect(page.locator(".no-match")).to_contain_text(missing)


def test_letters_that_the_model_does_not_read_are_named(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=ბანკი")
    expect(page.locator("#summary")).to_contain_text("pixel does not read these letters: ბანკი")
    expect(page.locator(".no-match")).to_contain_text("pixel does not read these letters: ბანკი")
    page = visit(f"{address}?q=revenue+ბანკი")
    expect(page.locator("#summary")).to_contain_text("pixel does not read these letters: ბანკი")


def test_the_start_page_suggests_queries_that_find_something(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator(".welcome .lead")).to_contain_text("29 pages of 5 documents")
    prompt = page.locator(".prompt").first
    expect(prompt).to_have_text("annual report 2023")
    prompt.click()
    expect(page.locator(f"{BEST} .title")).to_have_text("annual-report-2023.pdf")


def test_an_image_file_is_searched_by(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator(".welcome")).to_be_visible()
    at = page.request.get(f"{address}v1/documents").json()["documents"]
    menu = next(doc for doc in at if doc["path"] == "canteen-menu.png")
    picture = page.request.get(f"{address}v1/documents/{menu['id']}/pages/1.png?width=700").body()
    page.set_input_files("#picture-file", {"name": "menu.png", "mimeType": "image/png", "buffer": picture})
    expect(page.locator("#picture-query")).to_contain_text("An image")
    expect(page.locator(f"{BEST} .title")).to_have_text("canteen-menu.png")
    page.locator("#picture-query button").click()
    expect(page.locator(".welcome")).to_be_visible()


def test_an_image_can_be_pasted(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator(".welcome")).to_be_visible()
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(400, 300);
          canvas.getContext("2d").fillRect(40, 40, 100, 100);
          const data = new DataTransfer();
          data.items.add(new File([await canvas.convertToBlob()], "pasted.png", { type: "image/png" }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true }));
        }"""
    )
    expect(page.locator("#picture-query img")).to_be_visible()
    expect(page).to_have_url(re.compile("picture=1"))


def test_a_result_shows_the_passage_of_its_text_that_matches(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue+chart+2023")
    passage = page.locator(f"{BEST} .snippet")
    expect(passage).to_contain_text("Revenue chart 2023")
    words = passage.locator("mark")
    eventually(
        page,
        lambda: {text.lower() for text in words.all_text_contents()},
        lambda marked: {"revenue", "chart", "2023"} <= marked,
    )
    page.fill("#query", "zebra")
    shows(page, "q=zebra")
    expect(page.locator(f"{BEST} .title")).to_be_visible()
    expect(page.locator(f"{BEST} .snippet mark")).to_have_count(0)


def test_pages_are_found_by_meaning_only_where_the_index_has_it(visit: Visit, address: str) -> None:
    page = visit(f"{address}?q=revenue&mode=semantic")
    expect(page).not_to_have_url(re.compile("mode="))
    shows(page, "q=revenue")
    expect(page.locator("#mode")).to_be_hidden()
    asked: list[str | None] = []

    def has_it(page: Page) -> None:
        page.route("**/v1/index", lambda route: route.fulfill(json={**route.fetch().json(), "semantic": True}))
        page.route("**/v1/search", by_words)

    def by_words(route: Route) -> None:
        body = dict(route.request.post_data_json)
        asked.append(body.pop("mode", None))
        answer = route.fetch(post_data=body).json()
        answer["answers"][0]["try_mode"] = None if asked[-1] else "semantic"
        route.fulfill(json=answer)

    page = visit(f"{address}?q=zebra+quantum+llama", before=has_it)
    expect(page.locator("#mode")).to_have_value("")
    page.get_by_role("button", name="Search by meaning, too").click()
    expect(page.locator("#mode")).to_have_value("semantic")
    expect(page).to_have_url(re.compile(r"mode=semantic"))
    expect(page.locator(".no-match button")).to_have_count(0)
    page.locator("#mode").select_option("")
    expect(page).not_to_have_url(re.compile(r"mode="))
    expect(page.get_by_role("button", name="Search by meaning, too")).to_be_visible()
    shows(page, "q=zebra")
    assert asked[0] is None
    assert asked[1] == "semantic"
    assert asked[-1] is None
