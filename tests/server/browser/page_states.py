"""States of the web page for the accessibility check and the screenshots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

DESK = (1280, 860)
PHONE = (360, 740)
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
    page.route("**/v1/documents?offset=*", lambda route: route.fulfill(json={"total": 0, "documents": []}))
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
    page.locator(f"{BEST} svg.marks").wait_for()


def _viewer(page: Page) -> None:
    page.locator(BEST).click()
    page.locator(".heat[data-word=all]").wait_for()
    page.locator(".viewer .chip").first.wait_for()
    page.locator(".thumbnails li:last-child img").wait_for()


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


def _keys(page: Page) -> None:
    _shows(".welcome")(page)
    page.keyboard.press("?")
    page.locator("dialog.wide").wait_for()


def _documents(page: Page) -> None:
    _shows(".welcome")(page)
    page.locator("#show-documents").click()


ASKED = "?q=revenue+chart+2023"
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
    "viewer": State(ASKED, _viewer),
    "word": State(ASKED, _word),
    "marked": State(ASKED, _marked, _allowing_marks),
    "region": State(ASKED, _region),
    "phone": State(ASKED, _results, size=PHONE),
    "phone-documents": State("", _documents, size=PHONE),
    "phone-viewer": State(ASKED, _viewer, size=PHONE),
}
