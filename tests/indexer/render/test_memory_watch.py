"""Where the system limits no process's memory, a page that needs too much fails alone, too: simulated on Linux."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from docsearch.indexer.discover import Document
from docsearch.indexer.render.memory_watch import MemoryWatch
from docsearch.indexer.render.renderer import PageFailed, PageRendered, Renderer

LIMIT_MB = 256
WAIT_S = 300
SLEEPS = [sys.executable, "-c", "input()"]


@pytest.fixture
def unlimited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of documents; render processes use a fake pymupdf, and have no module `resource`."""
    pytest.importorskip("psutil")  # before there is no module `resource`, which it needs
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking/resource.py").write_text("raise ImportError", "utf-8")
    monkeypatch.syspath_prepend(Path(__file__).parent / "faulty")
    monkeypatch.syspath_prepend(tmp_path / "lacking")
    return tmp_path


def test_a_page_that_fills_memory_fails_alone(unlimited: Path) -> None:
    file = unlimited / "a.pdf"
    file.write_text("%PDF\nok\nfill\nok", "utf-8")
    with Renderer(dpi=72, max_pixels=100_000, page_timeout_s=WAIT_S, memory_limit_mb=LIMIT_MB) as renderer:
        events = list(renderer.render([(Document("a.pdf", file, 1, 1), frozenset())]))
    assert [event.image.ref.page for event in events if isinstance(event, PageRendered)] == [1, 3]
    (failed,) = (event for event in events if isinstance(event, PageFailed))
    assert (failed.page, failed.reason) == (2, f"rendering the page needs more than {LIMIT_MB} MB of memory")


def test_a_small_process_is_left_alone_and_its_end_ends_the_watch() -> None:
    pytest.importorskip("psutil")
    with subprocess.Popen(SLEEPS, stdin=subprocess.PIPE) as child:
        watch = MemoryWatch(child, LIMIT_MB)
        time.sleep(0.2)
        assert child.poll() is None
        child.communicate(b"\n")
    assert (child.returncode, watch.exceeded) == (0, False)


def test_without_psutil_a_warning_says_that_nothing_is_watched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with subprocess.Popen(SLEEPS, stdin=subprocess.PIPE) as child, caplog.at_level(logging.WARNING):
        watch = MemoryWatch(child, 0)
        deadline = time.monotonic() + WAIT_S
        while not caplog.records:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.communicate(b"\n")
    assert (child.returncode, watch.exceeded) == (0, False)
    assert "not limited" in caplog.text
