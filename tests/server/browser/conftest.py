"""A real server of sample documents, and a real browser for its web page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from at_hand import DOCUMENTS, WAIT_MS, launched, program, serving
from disturbed import disturb

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

WIDTH, HEIGHT = 1280, 860


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory, sample_docs: Path) -> Path:
    """An index of some of the sample documents, made once by the embedded model."""
    from docsearch.indexer import pipeline

    if program() is None:
        pytest.skip("needs a browser: none of chromium, chromium-browser and google-chrome is on the PATH")
    folder = tmp_path_factory.mktemp("page")
    pipeline.index_documents([sample_docs / name for name in DOCUMENTS], folder / "index")
    return folder / "index"


@pytest.fixture(scope="session")
def address(sample_index: Path) -> Iterator[str]:
    """A read-only server that all tests share."""
    with serving(sample_index, "--read-only") as address:
        yield address


@pytest.fixture
def serve(sample_index: Path, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """`serve("--token", …)` starts a server of a copy of the index for one test."""
    with ExitStack() as running:

        def start(*options: str) -> str:
            shutil.copytree(sample_index, tmp_path / "index", dirs_exist_ok=True)
            return running.enter_context(serving(tmp_path / "index", *options))

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; one per module, since Playwright's event loop must not run beside those of other tests."""
    with launched() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`visit(address)` opens a page in a browser context of its own, prepared by `before`.

    Until the test ends there may be no console messages but the `expected` ones, and no requests to other hosts.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_(
        address: str,
        *,
        width: int = WIDTH,
        height: int = HEIGHT,
        expected: tuple[str, ...] = (),
        before: Callable[[Page], None] = lambda _: None,
        **how: object,
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **how)
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        disturb(page)

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and not any(part in message.text for part in expected):
                problems.append(message.text)

        def on_request(request: Request) -> None:
            if request.url.startswith("http") and urlsplit(request.url).netloc != urlsplit(address).netloc:
                problems.append(f"asked for {request.url}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", on_request)
        before(page)
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            page.evaluate("0")  # its answer comes after all messages of the page
    found = tuple(problems)  # what closing a context breaks off is no fault of the page
    for context in contexts:
        context.close()
    assert not found
