"""Answers that overtake each other: the page shows what was asked for last, whichever answer comes last."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from waiting import eventually, has_ended, shows

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]
BEST = "#pages > li:first-child .card"


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
