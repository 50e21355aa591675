"""Marking pages as right or wrong in the viewer, with the mouse and with the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docsearch.evaluation import marks
from page_states import ASKED, BEST
from waiting import eventually

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")

if TYPE_CHECKING:
    from playwright.sync_api import Page

RIGHT, WRONG = ".judge button:has-text('Yes')", ".judge button:has-text('No')"


@pytest.mark.slow
def test_a_page_is_marked_with_buttons_and_keys(
    serve: Callable[..., str], visit: Callable[..., Page], tmp_path: Path
) -> None:
    expect = sync_api.expect
    page = visit(serve() + ASKED)

    def kept(wanted: list[tuple[str, bool]]) -> None:
        """Wait until the server has these marks."""
        eventually(
            page,
            lambda: [(mark.query, mark.right) for mark in marks.read(tmp_path / "index")],
            lambda found: found == wanted,
        )

    page.locator(BEST).click()
    page.locator(RIGHT).click()
    expect(page.locator(RIGHT)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#announcer")).to_have_text("Marked as the right page")
    kept([("revenue chart 2023", True)])
    page.keyboard.press("n")
    expect(page.locator(WRONG)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(RIGHT)).to_have_attribute("aria-pressed", "false")
    kept([("revenue chart 2023", False)])
    page.keyboard.press("]")
    expect(page.locator(WRONG)).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".viewer .rank")).to_have_text(re.compile("^result 2 of"))
    page.reload()
    expect(page.locator(".viewer .rank")).to_have_text(re.compile("^result 2 of"))
    page.keyboard.press("[")
    expect(page.locator(WRONG)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    expect(page.locator("#announcer")).to_have_text("Mark taken back")
    kept([])


@pytest.mark.slow
def test_a_read_only_server_offers_no_marks(visit: Callable[..., Page], address: str) -> None:
    page = visit(address + ASKED)
    page.locator(BEST).click()
    page.locator(".viewer .chip").first.wait_for()
    sync_api.expect(page.locator(".judge")).to_be_hidden()
