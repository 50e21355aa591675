"""The share of the time between its first and its last batch in which the encoder computes, in one indexing run.

The encoder is a stand-in that takes a fixed time for each page, as a GPU does while the processor is free, and
returns as many vectors as jina-embeddings-v4. Everything else is real: child processes draw the pages, and they are
stored durably.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from ..setting import Refused, Row, Setting

MS_PER_PAGE = 28.0
"""What jina-embeddings-v4 took for a page on an H200, in batches of 8."""
VECTORS, DIM, SINGLE_DIM = 1024, 128, 1024
DOCUMENTS, PAGES = 12, 50
DPI = 48.0
"""Low, so that two cores draw pages faster than the stand-in encodes them."""
WORKERS = 2


def run(_setting: Setting) -> Iterator[Row]:
    """Index the same documents with all stages in turns on one thread, and each on a thread of its own; twice."""
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "documents"
        write_documents(documents)
        for attempt in range(2):
            for what, stages in (("in turns, on one thread", in_turns()), ("each stage on its own thread", None)):
                yield row(what, documents, Path(folder) / f"{what}{attempt}", stages)


def write_documents(folder: Path) -> None:
    """Write PDFs with a few lines of text on each page."""
    import pymupdf

    folder.mkdir()
    for number in range(DOCUMENTS):
        with pymupdf.open() as document:
            for page in range(PAGES):
                lines = [f"Document {number}, page {page}, line {line}" for line in range(30)]
                document.new_page().insert_text((72, 72), lines)
            document.save(folder / f"{number}.pdf")


def row(what: str, documents: Path, directory: Path, stages: type[Any] | None) -> Row:
    """Index `documents` and say how busy the encoder was from its first batch to its last."""
    from docsearch.indexer import pipeline

    encoder = StandIn()
    started = time.perf_counter()
    with mock.patch.object(pipeline, "Stages", stages or pipeline.Stages):
        report = pipeline.index_documents([documents], directory, encoder=encoder, workers=WORKERS)
    seconds = time.perf_counter() - started
    if report.pages != DOCUMENTS * PAGES or report.failed:
        raise Refused(f"{report.pages} pages of {DOCUMENTS * PAGES} were indexed")
    span = encoder.calls[-1][1] - encoder.calls[0][0]
    waits = [later[0] - earlier[1] for earlier, later in itertools.pairwise(encoder.calls)]
    computing = sum(end - start for start, end in encoder.calls)
    return {
        "what": what,
        "pages": report.pages,
        "seconds": round(seconds, 2),
        "encoder_busy_percent": round(100 * computing / span, 1),
        "longest_wait_ms": round(1000 * max(waits)),
    }


class StandIn:
    """A page encoder that waits `MS_PER_PAGE` for each page; `calls` has when each batch began and ended."""

    def __init__(self) -> None:
        from docsearch.engine.models.encoder import EncoderSpec

        self.spec = EncoderSpec(
            name="stand-in",
            revision="1",
            summary="waits",
            licence="Apache-2.0",
            parameters=0,
            dim=DIM,
            single_dim=SINGLE_DIM,
            vocabulary=0,
            render_dpi=DPI,
            max_pixels=10**7,
        )
        self.calls: list[tuple[float, float]] = []
        page = np.random.default_rng(0).standard_normal((VECTORS, DIM)).astype(np.float32)
        self._page = (page / np.linalg.norm(page, axis=1, keepdims=True)).astype(np.float16)
        self._boxes = np.tile(np.array([0, 0, 65535, 65535], np.uint16), (VECTORS, 1))

    def encode_pages(self, pages: Sequence[Any]) -> Any:
        """The same vectors for every page, after the time that these pages take."""
        from docsearch.engine.models.encoder import EmbeddedPages
        from docsearch.engine.records import PageVectors, Ragged

        count = len(pages)
        start = time.perf_counter()
        time.sleep(MS_PER_PAGE / 1000 * count)
        self.calls.append((start, time.perf_counter()))
        refs = tuple(page.ref for page in pages)
        single = np.ones((count, SINGLE_DIM), np.float16)
        vectors = PageVectors(refs, Ragged.of([self._page] * count), np.tile(self._boxes, (count, 1)), single)
        return EmbeddedPages(vectors, words=None)


def in_turns() -> type[Any]:
    """Stages that take turns on one thread, only drawing ahead, as docsearch indexed before they had threads."""
    from docsearch.indexer import stages
    from docsearch.indexer.render.renderer import DocumentDone, DocumentFailed, PageRendered, Renderer

    class InTurns(stages.Stages):
        def run(self, renderer: Renderer, documents: Iterator[stages.ToRender]) -> None:
            batch = stages.Batch()
            for event in renderer.render(documents):
                if isinstance(event, PageRendered):
                    batch.pages.append(self._books.as_indexed(event))
                elif isinstance(event, DocumentDone | DocumentFailed):
                    batch.ended.append(event)
                else:
                    self._books.handle(event)
                if batch.is_ready(self.batch_pages):
                    self._books.store(self._encoded(batch))
                    batch = stages.Batch()
            self._books.store(self._encoded(batch))

    return InTurns
