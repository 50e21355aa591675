"""Waiting for states of the web page: what Playwright's own expectations cannot say. A deadline only ends a failure."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from at_hand import WAIT_MS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request

T = TypeVar("T")
POLL_MS = 40
PAINTED = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"


def eventually(page: Page, read: Callable[[], T], is_so: Callable[[T], bool]) -> T:
    """Read a value until `is_so` holds for it, and return it. Events of the page are handled in between."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while not is_so(value := read()):
        assert time.monotonic() < deadline, f"still {value!r} after {WAIT_MS} ms"
        page.wait_for_timeout(POLL_MS)
    return value


def texts_become(locator: Locator, wanted: set[str]) -> None:
    """Wait until the texts of the elements, in any order and number, are exactly `wanted`."""
    eventually(locator.page, lambda: set(locator.all_text_contents()), lambda texts: texts == wanted)


def shows(page: Page, *parts: str) -> None:
    """Wait until the address has these parts, in this order, and until the results of its search are shown."""
    from playwright.sync_api import expect

    expect(page).to_have_url(re.compile(".*".join(map(re.escape, parts))))
    expect(page.locator("#pages")).to_have_attribute("aria-busy", "false")


def has_ended(request: Request) -> None:
    """Wait until a request was answered or given up by the page, and until the page has done what follows from that."""
    page = request.frame.page
    eventually(page, lambda: request.timing["responseEnd"] >= 0 or request.failure is not None, bool)
    page.evaluate(PAINTED)


def fits_in_width(page: Page) -> None:
    """Wait until the page does not scroll sideways."""
    eventually(page, lambda: page.evaluate("document.documentElement.scrollWidth - innerWidth"), lambda over: over <= 0)


def is_sharp(page: Page, width: int = 900) -> None:
    """Wait until the viewer shows the page itself, `width` pixels wide, not a thumbnail of it."""
    from playwright.sync_api import expect

    expect(page.locator(".frame .sheet > img")).to_have_js_property("naturalWidth", width)


def settled_box(locator: Locator) -> dict[str, float]:
    """The bounding box of an element, once two frames in a row have the same."""
    page, last = locator.page, None

    def same_twice() -> dict[str, float] | None:
        nonlocal last
        before, last = last, locator.bounding_box()
        return last if last == before else None

    box = eventually(page, same_twice, lambda box: box is not None)
    assert box is not None
    return box
