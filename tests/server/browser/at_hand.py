"""For browser tests and screenshots: documents, a server in a process of its own, and the machine's browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
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
START_WITHIN_S, END_WITHIN_S = 180, 60
POLL_S = 0.05
WAIT_MS = 120_000
"""Deadline of each expectation. It only ends a failure, so a busy machine has time."""


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
        browser = playwright.chromium.launch(executable_path=program(), args=options, timeout=WAIT_MS)
        yield browser
        browser.close()


@contextmanager
def serving(index: Path, *options: str) -> Iterator[str]:
    """`docsearch serve` of an index; yields its address. What the server said is written to stderr at the end."""
    command = [sys.executable, "-m", "docsearch", "serve", "--index", str(index), "--port", "0", *options]
    with tempfile.TemporaryDirectory() as scratch:
        # A file, since a pipe that nobody reads blocks the server once it is full, and reading one waits for ever.
        said = Path(scratch) / "stderr"
        try:
            with said.open("w") as stderr, subprocess.Popen(command, stderr=stderr) as process:
                try:
                    yield _address(process, said)
                finally:
                    _end(process)
        finally:
            sys.stderr.write(said.read_text("utf-8", errors="replace"))


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    """Wait until a server answers; its address."""
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        has_ended = process.poll() is not None
        for line in said.read_text("utf-8", errors="replace").splitlines(keepends=True):
            if " answers at " in line and line.endswith("\n"):
                return line.partition(" answers at ")[2].split()[0]
        assert not has_ended, f"the server ended with status {process.returncode} before it answered"
        assert time.monotonic() < deadline, f"the server does not answer after {START_WITHIN_S} s"
        time.sleep(POLL_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server, and fail if it does not end by itself."""
    process.terminate()
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
