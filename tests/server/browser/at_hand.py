"""For browser tests and screenshots: documents, a server in a process of its own, and the machine's browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DOCUMENTS = (
    "annual-report-2023.pdf",
    "canteen-menu.png",
    "invoice-20418.pdf",
    "quick-start-soil-kit.pdf",
    "strategy-slides-2024.pdf",
)
"""The documents of sample_docs that the tests use."""
END_WITHIN_S = 30
WAIT_MS = 30_000
"""Timeout for a page, long enough for a busy machine."""


def program() -> str | None:
    """The path of the machine's browser; None if it has none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser, headless."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)

    # Chromium's own sandbox refuses to run as root, as tests in containers do.
    options = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=options)
        yield browser
        browser.close()


@contextmanager
def serving(index: Path, *options: str) -> Iterator[str]:
    """`docsearch serve` of an index; yields its address."""
    command = [sys.executable, "-m", "docsearch", "serve", "--index", str(index), "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            assert " answers at " in line, line
            yield line.partition(" answers at ")[2].partition(" ")[0]
        finally:
            process.terminate()
            process.wait(END_WITHIN_S)
