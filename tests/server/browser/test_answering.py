"""The answer beside the results, by a stand-in for a language model."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from at_hand import serving
from stand_in import StandIn, running
from waiting import fits_in_width, shows, texts_become

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
ASKED = "?q=revenue+chart+2023"
NEVER_S = 3600.0
PIECES = ["Revenue was £86.3 million [1].", "\n\nIt rose [2]", ", they say [9]", "."]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[StandIn]:
    with running(StandIn(pieces=list(PIECES))) as behaviour:
        yield behaviour


@pytest.fixture(scope="module")
def answering(endpoint: StandIn, sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    index = tmp_path_factory.mktemp("answering") / "index"
    shutil.copytree(sample_index, index)
    with serving(index, "--read-only", "--llm", endpoint.url, "--llm-model", "stand-in-1") as address:
        yield address


@pytest.fixture(autouse=True)
def reset(endpoint: StandIn) -> None:
    endpoint.pieces, endpoint.status, endpoint.error = list(PIECES), 200, ""
    endpoint.breaks_after, endpoint.wait_s = None, 0.0
    endpoint.requests.clear()


def ask(page: Page) -> None:
    page.get_by_role("button", name="Answer this question").click()
    page.get_by_role("button", name=re.compile("^Ask 127.0.0.1")).click()


def test_an_answer_cites_pages_that_open(visit: Visit, answering: str, endpoint: StandIn) -> None:
    page = visit(f"{answering}{ASKED}")
    expect(page.locator("#pages .title").first).to_be_visible()
    page.get_by_role("button", name="Answer this question").click()
    expect(page.locator("#answer .note")).to_contain_text("sent to 127.0.0.1")
    assert not endpoint.requests
    page.get_by_role("button", name=re.compile("^Ask 127.0.0.1")).click()
    expect(page.locator(".answer-text p").first).to_have_text("Revenue was £86.3 million 1.")
    expect(page.locator(".answer-text .invented")).to_have_text("[9]")
    expect(page.locator(".answer-text .remark")).to_contain_text("[9]: no page that was sent")
    expect(page.locator(".sources .cited")).to_have_count(2)
    assert len(endpoint.requests) == 1  # none before somebody asked
    page.locator(".answer-text .citation").first.click()
    expect(page.locator(".viewer .pages-of")).to_have_text("6 of 14")
    page.keyboard.press("Escape")
    expect(page.locator(".answer-text p").first).to_be_visible()  # it is still there
    expect(page.locator(".viewer")).to_be_hidden()
    page.fill("#query", "invoice total")
    expect(page.locator(".answer-text p")).to_have_count(0)  # it was of another question
    shows(page, "q=invoice+total")


def test_an_error_of_the_model_is_shown_and_can_be_tried_again(visit: Visit, answering: str, endpoint: StandIn) -> None:
    endpoint.status, endpoint.error = 429, "too many requests"
    page = visit(f"{answering}{ASKED}")
    ask(page)
    expect(page.locator("#answer .problem")).to_contain_text("has too much to do")
    endpoint.status = 200
    endpoint.breaks_after = 1
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#answer .problem")).to_contain_text("broke off in the middle")
    expect(page.locator(".answer-text p").first).to_contain_text("£86.3 million")
    endpoint.breaks_after = None
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".answer-text p")).to_have_count(3)  # with the remark, which comes last
    expect(page.locator("#answer .problem")).to_be_hidden()


def test_an_answer_is_stopped(visit: Visit, answering: str, endpoint: StandIn) -> None:
    endpoint.wait_s = NEVER_S
    page = visit(f"{answering}{ASKED}")
    ask(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name=re.compile("^Ask 127.0.0.1"))).to_be_visible()
    expect(page.locator("#answer .problem")).to_be_hidden()


def test_filters_hold_for_the_answer(visit: Visit, answering: str, endpoint: StandIn) -> None:
    page = visit(f'{answering}?q=total&filter=path:"invoice*"')
    ask(page)
    expect(page.locator(".sources .source").first).to_contain_text("invoice-20418.pdf")
    texts_become(page.locator(".sources .cut"), {"invoice-20418.pdf"})


def test_it_fits_on_a_phone(visit: Visit, answering: str) -> None:
    page = visit(f"{answering}{ASKED}", width=390, height=844, has_touch=True, is_mobile=True)
    ask(page)
    expect(page.locator(".answer-text .remark")).to_be_visible()
    fits_in_width(page)


def test_without_a_model_there_is_no_panel(visit: Visit, address: str) -> None:
    page = visit(f"{address}{ASKED}")
    shows(page, "q=revenue")
    expect(page.locator("#pages .title").first).to_be_visible()
    expect(page.locator("#show-answer")).to_be_hidden()
    expect(page.locator("#answer")).to_be_hidden()
