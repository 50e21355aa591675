"""Some 1,600 broken, odd and hostile files all end in pages or a reason, in one run, in bounded time and memory."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import (
    DocumentDone,
    DocumentFailed,
    DocumentOpened,
    PageFailed,
    PageRendered,
    Renderer,
)

MAX_PIXELS = 4_000_000
SECONDS_BETWEEN_EVENTS_MAX = 100
PARENT_GROWTH_MAX_KIB = 200 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("renderer", ["mupdf", "pdfium"])
def test_every_hostile_file_ends_in_pages_or_a_reason(corpora: Path, renderer: str) -> None:
    rows = [json.loads(line) for line in (corpora / "robust/manifest.jsonl").read_text().splitlines()]
    passwords = dict.fromkeys(row["known_password"] for row in rows if row["known_password"] is not None)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    page_count: dict[str, int] = {}
    accounted: dict[str, int] = {}
    untried: set[str] = set()
    failed: dict[str, str] = {}
    done: set[str] = set()
    text_seen = False
    last = time.monotonic()
    with Renderer(dpi=110, max_pixels=MAX_PIXELS, renderer=renderer, passwords=passwords) as opened:
        for event in opened.render(_documents(corpora / "robust", [row["file"] for row in rows])):
            assert time.monotonic() - last < SECONDS_BETWEEN_EVENTS_MAX
            last = time.monotonic()
            path = event.document.path
            match event:
                case DocumentOpened(page_count=count):
                    page_count[path], accounted[path] = count, 0
                case PageRendered(image=image):
                    height, width, _ = image.pixels.shape
                    assert 1 <= height * width <= MAX_PIXELS
                    text_seen |= bool(image.text)
                    accounted[path] += 1
                case PageFailed(reason=reason):
                    assert reason
                    accounted[path] += 1
                    if "not tried" in reason:
                        untried.add(path)
                case DocumentFailed(reason=reason):
                    assert reason
                    failed[path] = reason
                case DocumentDone():
                    done.add(path)
    assert done | failed.keys() == {row["file"] for row in rows}
    assert not done & failed.keys()
    assert all(accounted[path] == page_count[path] for path in done - untried)
    assert text_seen
    readable = {row["file"] for row in rows if row["mupdf_first_page"] == "ok"}
    assert renderer != "mupdf" or len(readable - done) <= 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < PARENT_GROWTH_MAX_KIB


def _documents(folder: Path, names: list[str]) -> Iterator[tuple[Document, frozenset[int]]]:
    for name in names:
        yield Document(name, folder / name, 0, 0), frozenset()
