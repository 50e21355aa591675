"""States of the web page for the accessibility check and the screenshots."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

DESK = (1280, 860)
PHONE = (360, 740)
GONE = ("status of 404", "status of 422")
"""What Chromium reports when a document is deleted whose pages were still on their way."""
BEST = "#pages > li:first-child .card"


@dataclass(frozen=True, slots=True)
class State:
    """The page at `search` of the server's address; `before` prepares it for loading, `reach` brings it there."""

    search: str
    reach: Callable[[Page], None]
    before: Callable[[Page], None] = lambda _: None
    size: tuple[int, int] = DESK


def empty(page: Page) -> None:
    """Mock an empty index."""
    allowed = {"uploads_allowed": True, "marks_allowed": True}
    about = {"model": "pixel", "pages": 0, "documents": 0, "failed": 0, "snapshot": "0", **allowed}
    page.route("**/v1/documents?*", lambda route: route.fulfill(json={"total": 0, "documents": []}))
    page.route("**/v1/index", lambda route: route.fulfill(json=about))
    page.route("**/v1/uploads", lambda route: route.fulfill(json={"uploads": []}))


def _silent(page: Page) -> None:
    page.route("**/v1/search", lambda _: None)


def _gone(page: Page) -> None:
    for path in ("**/v1/search", "**/readyz"):
        page.route(path, lambda route: route.abort())


def _refusing(page: Page) -> None:
    error = {"error": "this index's model accepts text queries only"}
    page.route("**/v1/search", lambda route: route.fulfill(status=400, json=error))


def _locked(page: Page) -> None:
    page.route("**/v1/**", lambda route: route.fulfill(status=401, json={"error": "this needs the server's token"}))


def _copied(page: Page) -> None:
    """Let the first two hits have copies."""

    def answer(route: Route) -> None:
        found = route.fetch().json()
        first, second, *_ = found["answers"][0]["hits"]
        first["also"] = ["board/annual-report.pdf", "mail/2024-03/annual-report-2023.pdf", "old/report.pdf"]
        second["also"] = ["mail/2024-03/annual-report-2023.pdf"]
        route.fulfill(json=found)

    page.route("**/v1/search", answer)


def _copies(page: Page) -> None:
    _results(page)
    page.locator("#pages > li:first-child summary").click()


def _shows(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).first.wait_for()


def _results(page: Page) -> None:
    page.locator("#words .chip").first.wait_for()
    page.locator(f"{BEST} .marks[data-word=all]").wait_for(state="attached")


def _viewer(page: Page) -> None:
    page.locator(BEST).click()
    page.locator(".heat[data-word=all]").wait_for()
    page.locator(".viewer .chip").first.wait_for()
    page.locator(".thumbnails li:last-child .mini > img").wait_for()


def _word(page: Page) -> None:
    _viewer(page)
    page.locator(".viewer .chip").first.hover()
    page.locator(".heat[data-word='0']").wait_for()


def _region(page: Page) -> None:
    _viewer(page)
    page.keyboard.press("r")


def _allowing_marks(page: Page) -> None:
    """Let the read-only server offer marks, and have the best page marked as right."""

    def index(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "marks_allowed": True})

    page.route("**/v1/index", index)
    page.route("**/v1/marks", lambda route: route.fulfill(status=204))


def _marked(page: Page) -> None:
    _viewer(page)
    page.keyboard.press("y")
    page.locator(".judge [aria-pressed=true]").wait_for()


def _two_collections(page: Page) -> None:
    """Let the server have two collections, without another index."""
    page.route("**/v1/collections", lambda route: route.fulfill(json={"collections": NAMED, "apart": None}))


def _filters(page: Page) -> None:
    _results(page)
    page.locator("#show-filters").click()
    page.get_by_label("pdf", exact=True).check()
    page.locator(".filter-chip").wait_for()
    page.locator("#filter-glob").fill("*20*")
    # Not the answer to the filter before, which may come as late.
    with page.expect_response(lambda response: "*20*" in (response.request.post_data or "")):
        page.keyboard.press("Enter")
    page.locator(".filter-chip").nth(1).wait_for()
    page.locator("#pages:not(.stale)").wait_for()


def _with_a_model(page: Page) -> None:
    """Let the server answer questions, with an answer that is made up here."""

    def index(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "answers_by": "localhost:11434"})

    def answer(route: Route) -> None:
        found = page.request.post(
            f"{route.request.url.partition('/v1/')[0]}/v1/search", data={"query": ASKED_WORDS, "k": 4}
        )
        hits = found.json()["answers"][0]["hits"]
        pages = [{**hit, "number": number} for number, hit in enumerate(hits, 1)]
        cited = [{"number": 1, "found": True}, {"number": 2, "found": True}, {"number": 7, "found": False}]
        events = [{"pages": pages, "model": "llama3.2"}, {"piece": ANSWER}]
        events.append({"pages": pages, "citations": cited, "error": None, "note": None})
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        route.fulfill(content_type="text/event-stream", body=body)

    page.route("**/v1/index", index)
    page.route("**/v1/ask", answer)


def _answer(page: Page) -> None:
    _results(page)
    page.locator("#show-answer").click()
    page.locator("#answer .strong").click()
    page.locator(".answer-text .remark").wait_for()


def _taking_uploads(page: Page) -> None:
    """Let the read-only server take uploads, and be in the middle of them."""

    def index(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "uploads_allowed": True})

    page.route("**/v1/index", index)
    page.route("**/v1/uploads", lambda route: route.fulfill(json={"uploads": UPLOADS[::-1]}))


def _uploading(page: Page) -> None:
    _shows("#uploads .upload:nth-child(3)")(page)
    page.set_input_files("#document-files", {"name": "notes.bin", "mimeType": "text/plain", "buffer": b"only text"})
    page.locator(".upload.failed").wait_for()


def _keys(page: Page) -> None:
    _shows(".welcome")(page)
    page.locator("#help").click()
    page.locator("dialog.wide").wait_for()


def _documents(page: Page) -> None:
    _shows(".welcome")(page)
    page.locator("#show-documents").click()


ASKED = "?q=revenue+chart+2023"
ASKED_WORDS = "revenue chart 2023"
ANSWER = (
    "Revenue rose by 15.2 % to £86.3 million in 2023 [1], and the fourth quarter was the strongest, at £24.5 million "
    "[1][2].\n\nThe order book is said to be full [7]."
)
NAMED = [
    {"model": "pixel", "pages": 14, "documents": 1, "failed": 0, "snapshot": "0", "name": name}
    | {"uploads_allowed": False, "marks_allowed": False, "answers_by": None}
    for name in ("Reports", "Sales papers")
]
UPLOADS = [
    {"upload": f"{at}", "name": name, "pages_done": 7, "pages_total": 24, "doc_id": None, "error": None}
    | {"state": "waiting" if at else "indexing", "place": at, "collection": None}
    for at, name in enumerate(
        ("minutes-2024-03.pdf", "a-name-that-is-too-long-for-its-place-2024-final.pdf", "scan.tif")
    )
]
STATES = {
    "welcome": State("", _shows("#pages > li:nth-child(5) img")),
    "empty": State("", _shows(".welcome"), empty),
    "results": State(ASKED, _results),
    "copies": State(ASKED, _copies, _copied),
    "document": State("?in=strategy-slides-2024.pdf", _shows("#pages > li:nth-child(8) img")),
    "waiting": State(ASKED, _shows(".skeleton"), _silent),
    "no-good-match": State("?q=zebra+quantum+llama", _shows(".no-match p")),
    "no-match": State("?q=xyzzyplugh", _shows(".no-match")),
    "refused": State(ASKED, _shows(".no-match"), _refusing),
    "gone": State(ASKED, _shows(".no-match"), _gone),
    "token": State("", _shows("#token"), _locked),
    "keys": State("", _keys),
    "filters": State(ASKED, _filters, _two_collections),
    "answer": State(ASKED, _answer, _with_a_model),
    "uploading": State("", _uploading, _taking_uploads),
    "api": State("docs", _shows("section.route")),
    "viewer": State(ASKED, _viewer),
    "word": State(ASKED, _word),
    "marked": State(ASKED, _marked, _allowing_marks),
    "region": State(ASKED, _region),
    "phone": State(ASKED, _results, size=PHONE),
    "phone-documents": State("", _documents, size=PHONE),
    "phone-viewer": State(ASKED, _viewer, size=PHONE),
    "phone-filters": State(ASKED, _filters, _two_collections, size=PHONE),
    "phone-answer": State(ASKED, _answer, _with_a_model, size=PHONE),
}
