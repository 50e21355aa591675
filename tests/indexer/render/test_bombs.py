"""Small documents that would take much time or memory cost themselves only, and end within the limits."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import bombs
import pymupdf
import pytest

from docsearch.indexer.discover import Document
from docsearch.indexer.render import libreoffice
from docsearch.indexer.render.process import START_TIMEOUT_S, TEXT_TIMEOUT_S
from docsearch.indexer.render.renderer import DocumentDone, DocumentFailed, PageRendered, Renderer, RenderEvent

PAGE_TIMEOUT_S, CONVERSION_TIMEOUT_S = 15.0, 60.0
PAGES_DRAWN = 20
"""Pages of each document that are drawn: one of ordinary pages takes as long as it has pages."""
PAGES_MAX = 1_000_000
DOCUMENT_S = CONVERSION_TIMEOUT_S + (PAGES_DRAWN + 2) * (PAGE_TIMEOUT_S + TEXT_TIMEOUT_S) + START_TIMEOUT_S
"""What the limits let a document take: to convert it, to open it twice, and each page with its text."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", bombs.KINDS)
def test_a_bomb_costs_itself_only(kind: str, tmp_path: Path) -> None:
    if kind == "office" and libreoffice.program() is None:
        pytest.skip("needs LibreOffice")
    files = bombs.write(tmp_path, kind)
    assert len(files) >= 20
    good = tmp_path / "good.pdf"
    document = pymupdf.open()
    document.new_page().insert_text((72, 100), "turbine")
    document.save(good)
    with Renderer(dpi=40, max_pixels=1_000_000, page_timeout_s=PAGE_TIMEOUT_S, memory_limit_mb=512) as renderer:
        renderer._converter._timeout_s = CONVERSION_TIMEOUT_S  # two minutes for each would be long
        for file in files:
            asked = [
                (Document(each.name, each, 1, 1), frozenset(range(PAGES_DRAWN + 1, 10**6))) for each in (file, good)
            ]
            started = time.monotonic()
            events = list(renderer.render(asked))
            seconds = time.monotonic() - started
            assert seconds < DOCUMENT_S, f"{file.name} took {seconds:.0f} s"
            assert "turbine" in "".join(text_of(event) for event in events), f"after {file.name}"
            ends = Counter(event.document.path for event in events if isinstance(event, DocumentDone | DocumentFailed))
            assert ends == {file.name: 1, "good.pdf": 1}


def text_of(event: RenderEvent) -> str:
    return event.image.text if isinstance(event, PageRendered) else ""
