"""Stage 1 of models with one vector per page, compared with FAISS's indexes: build time, latency, recall."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..drawn_dense import PATCH_DIM, Drawn, write
from ..setting import Refused, Row, Setting, Skipped
from ..timing import summary_ms, timed
from .large import PAGES_VARIABLE, gigabytes

if TYPE_CHECKING:
    from docsearch.engine.records import F32, I64
    from docsearch.engine.store import Snapshot

PAGES, DIM = 100_000, 2048
QUESTIONS, COUNT = 40, 200
SHARES = (0.001, 0.02, 0.5)
"""Shares of the pages that filtered questions are asked among."""
HNSW_PAGES = 100_000
"""Largest HNSW index: building it with this many pages takes minutes."""
CELLS, NPROBE = 512, 64
"""Of 100,000 pages; fewer where there are not as many to learn cells from."""
TRAINED_EVERY = 4
"""One page of so many is learned from."""
TRAINED_PER_CELL = 39
"""Below as many pages per cell, FAISS warns that cells are badly learned."""
TOLERANCE = 1e-3
"""Largest error of a score: pages have length 1 and are stored as float16."""
RECALL_TOLERANCE = 0.02
"""How far recall on so few questions may lie below the measured recall that the index reports."""


def run(setting: Setting) -> Iterator[Row]:
    """Write an index of random pages, search it, add a page, then search FAISS's indexes of the same vectors."""
    from docsearch.engine.retrieval.dense import EXACT_PAGES
    from docsearch.engine.store import open_snapshot

    pages = int(os.environ.get(PAGES_VARIABLE, PAGES))
    needed = 3 * pages * DIM * 2
    if shutil.disk_usage(setting.cache.parent).free < needed:
        raise Skipped(f"{pages:,} pages need {needed >> 30} GiB of disk")
    setting.cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
        directory, drawn = Path(folder) / "index", Drawn(pages, DIM)
        write(directory, drawn)
        asked = drawn.questions(QUESTIONS)
        with open_snapshot(directory) as snapshot:
            truth = exact(snapshot, asked)
            for what in ("made", "opened"):
                yield opened(snapshot, directory, what, asked, truth)
            yield from among(snapshot, asked, truth)
        add_page(directory, asked[0])
        with open_snapshot(directory) as snapshot:
            yield opened(snapshot, directory, "opened with one more page", asked, exact(snapshot, asked))
            yield from peers(snapshot, asked, truth, pages)
        few = Path(folder) / "few"
        write(few, Drawn(EXACT_PAGES - 1, DIM))
        with open_snapshot(few) as snapshot:
            yield opened(snapshot, few, "opened, no codes", asked, exact(snapshot, asked))


def opened(snapshot: Snapshot, directory: Path, what: str, asked: F32, truth: F32) -> Row:
    """The row of the engine's search of all pages. Raises Refused for a wrong score, or less recall than it reports."""
    from docsearch.engine.retrieval.dense import DenseIndex, open_dense_index

    found: list[DenseIndex | None] = []
    took = timed(lambda: found.append(open_dense_index(snapshot)))
    (singles,) = found
    assert singles is not None
    answers, times = answered(lambda question: singles.nearest(question, count=COUNT), asked)
    for answer, scores in zip(answers, truth, strict=True):
        if not np.allclose(answer.scores, scores[answer.pages], atol=TOLERANCE):
            raise Refused("a score is not the inner product of the question and the page")
    recall = kept([answer.pages for answer in answers], truth)
    if recall < singles.recall - RECALL_TOLERANCE:
        raise Refused(f"{recall:.4f} of the exact top {COUNT} are found, the index reports {singles.recall}")
    return {
        "what": f"docsearch, {what}",
        "pages": len(snapshot),
        "s": round(took, 2),
        f"recall@{COUNT}": round(recall, 4),
        "stated": singles.recall,
        "times": singles.oversampling,
        "cache_gb": gigabytes(directory / "cache"),
        **summary_ms(times),
    }


def among(snapshot: Snapshot, asked: F32, truth: F32) -> Iterator[Row]:
    """Rows of questions that are filtered to some of the pages."""
    from docsearch.engine.retrieval.dense import open_dense_index

    singles = open_dense_index(snapshot)
    assert singles is not None
    for share in SHARES:
        rows = np.sort(
            np.random.default_rng(1).choice(len(snapshot), max(1, round(share * len(snapshot))), replace=False)
        )
        ask = lambda question, rows=rows: singles.nearest(question, count=COUNT, rows=rows)
        answers, times = answered(ask, asked)
        if not all(np.isin(answer.pages, rows).all() for answer in answers):
            raise Refused("a page is found that the filter excludes")
        recall = kept([np.searchsorted(rows, answer.pages) for answer in answers], truth[:, rows])
        yield {
            "what": "docsearch, among some pages",
            "pages": len(rows),
            f"recall@{COUNT}": round(recall, 4),
            **summary_ms(times),
        }


def peers(snapshot: Snapshot, asked: F32, truth: F32, pages: int) -> Iterator[Row]:
    """Rows of FAISS's indexes, each built in memory and searched one question at a time on all threads."""
    import faiss

    inner, scalar = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer
    cells = faiss.IndexFlatIP(DIM)
    graph = faiss.IndexHNSWSQ(DIM, scalar.QT_8bit, 16, inner)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = 80, 4 * COUNT
    cell_count = min(CELLS, max(1, pages // TRAINED_EVERY // TRAINED_PER_CELL))
    lists = faiss.IndexIVFScalarQuantizer(cells, DIM, cell_count, scalar.QT_8bit, inner)
    lists.nprobe, lists.parallel_mode = min(NPROBE, cell_count), 1
    for name, index, most in (
        ("FAISS flat, float16", faiss.IndexScalarQuantizer(DIM, scalar.QT_fp16, inner), pages),
        ("FAISS RaBitQ fast scan, not re-scored", faiss.IndexRaBitQFastScan(DIM, inner), pages),
        (f"FAISS IVF {cell_count}, 8 bits, {lists.nprobe} probes", lists, pages),
        ("FAISS HNSW 16, 8 bits, efSearch 800", graph, min(pages, HNSW_PAGES)),
    ):
        took = timed(lambda index=index, most=most: fill(index, snapshot, most))
        answers, times = answered(lambda question, index=index: index.search(question[None], COUNT)[1][0], asked)
        yield {
            "what": name,
            "pages": most,
            "s": round(took, 2),
            f"recall@{COUNT}": round(kept(answers, truth[:, :most]), 4),
            **summary_ms(times),
        }
        index.reset()


def fill(index: Any, snapshot: Snapshot, pages: int) -> None:
    """Train an index on some of the pages, evenly spaced, and add all."""
    from docsearch.engine.retrieval.flat_scan import Float16

    plain = Float16(DIM)
    index.train(plain.decode(snapshot.dense_vectors(np.arange(0, pages, TRAINED_EVERY))))
    for start in range(0, pages, 8192):
        index.add(plain.decode(snapshot.dense_vectors(np.arange(start, min(start + 8192, pages)))))


def answered(ask: Callable[[F32], Any], asked: F32) -> tuple[list[Any], list[float]]:
    """The answers to the questions and their times in seconds, after one warm-up question."""
    ask(asked[0])
    answers: list[Any] = []
    times = [timed(lambda question=question: answers.append(ask(question))) for question in asked]
    return answers, times


def exact(snapshot: Snapshot, asked: F32) -> F32:
    """The exact score of every page, (Q, N)."""
    blocks = [
        asked @ snapshot.dense_vectors(np.arange(start, min(start + 8192, len(snapshot)))).astype(np.float32).T
        for start in range(0, len(snapshot), 8192)
    ]
    return np.concatenate(blocks, axis=1)


def kept(found: list[I64], truth: F32) -> float:
    """Mean recall of the exact first pages."""
    count = min(COUNT, truth.shape[1])
    first = np.argpartition(-truth, count - 1, axis=1)[:, :count]
    return float(np.mean([np.isin(want, own).mean() for own, want in zip(found, first, strict=True)]))


def add_page(directory: Path, single: F32) -> None:
    """Commit a document of one page."""
    from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
    from docsearch.engine.store import open_writer

    with open_writer(directory, fingerprint=None) as writer:
        doc_id = writer.begin_document("more.pdf", "more", 1, 1, 1).doc_id
        patch = Ragged.of([np.zeros((1, PATCH_DIM), np.float16)])
        page = PageVectors(
            (PageRef(doc_id, "more.pdf", 1),), patch, np.zeros((1, 4), np.uint16), single[None].astype(np.float16)
        )
        writer.add_pages(PagesToStore(page, [""], np.ones((1, 2))))
        writer.finish_document(doc_id, 1)
