"""One file filed fifty times: what its copies take from other pages, among the hits and among the candidates."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from docsearch.evaluation.metrics import mean, ndcg

from .. import eval_dev, indexes
from ..eval_dev import Question
from ..setting import Row, Setting
from ..timing import summary_ms, timed

if TYPE_CHECKING:
    from docsearch.engine.records import Hit
    from docsearch.engine.searcher import Searcher

COPIES = 50
PAGES_MAX = 60
"""A document with more pages is not copied: what is measured would be a collection of one document."""
TOP = 10
CANDIDATES = 200
TIMED_QUERIES = 30


def run(setting: Setting) -> Iterator[Row]:
    """Ask eval-dev's questions, then again with COPIES copies of the document of most hits."""
    from docsearch.engine.searcher import open_searcher

    asked = [question for question in eval_dev.questions(setting) if question.scope == "corpus"]
    real = indexes.ready(setting, eval_dev.NAME, [eval_dev.documents(setting)])
    with open_searcher(real) as searcher:
        path = most_found(searcher, asked)
        yield from rows("without copies", searcher, asked, all_copies=False)
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
        directory = shutil.copytree(real, Path(folder) / "index")
        add_copies(directory, path)
        with open_searcher(directory) as searcher:
            yield from rows(f"{COPIES} copies", searcher, asked, all_copies=False)
            yield from rows(f"{COPIES} copies, each a hit", searcher, asked, all_copies=True)


def rows(what: str, searcher: Searcher, asked: Sequence[Question], *, all_copies: bool) -> Iterator[Row]:
    """A row for exact search and one for two stages."""
    for candidates in (None, CANDIDATES):
        search = partial(
            searcher.search_many, k=TOP, candidates=candidates, exact=candidates is None, all_copies=all_copies
        )
        found = [hits for _, hits in search([question.as_query() for question in asked])]
        texts = [question.text for question in asked[:TIMED_QUERIES]]
        one = partial(searcher.search, k=TOP, candidates=candidates, all_copies=all_copies)
        times = [timed(partial(one, text, exact=candidates is None)) for text in texts]
        proposed = None if candidates is None else candidates_of(searcher, asked, all_copies=all_copies)
        yield {
            "what": what,
            "candidates": candidates,
            "pages": len(searcher.snapshot),
            "ndcg@5": round(mean([ndcg(once(hits), q.relevant, 5) for q, hits in zip(asked, found, strict=True)]), 4),
            "distinct_hits": round(mean([float(len(set(eval_dev.pages(hits)))) for hits in found]), 2),
            "distinct_candidates": proposed,
            **summary_ms(times),
        }


def once(hits: Sequence[Hit]) -> list[eval_dev.Page]:
    """The pages of hits; one that was there already counts as another, irrelevant one."""
    seen: set[eval_dev.Page] = set()
    found = []
    for page in eval_dev.pages(hits):
        found.append(page if page not in seen else ("copy of " + page[0], page[1]))
        seen.add(page)
    return found


def candidates_of(searcher: Searcher, asked: Sequence[Question], *, all_copies: bool) -> float:
    """How many distinct pages stage 1 proposes, on average: what reranking can show."""
    found = searcher.search_many(
        [question.as_query() for question in asked], k=CANDIDATES, candidates=CANDIDATES, all_copies=all_copies
    )
    return round(mean([float(len(set(eval_dev.pages(hits)))) for _, hits in found]), 1)


def most_found(searcher: Searcher, asked: Sequence[Question]) -> str:
    """The path of the document that most hits are from, of those with at most PAGES_MAX pages."""
    short = {row.path for row in searcher.snapshot.documents().values() if (row.page_count or 0) <= PAGES_MAX}
    found = Counter(
        hit.ref.path
        for _, hits in searcher.search_many([question.as_query() for question in asked], k=TOP)
        for hit in hits
        if hit.ref.path in short
    )
    return min(found, key=lambda path: (-found[path], path))


def add_copies(directory: Path, path: str) -> None:
    """Add copies of a document to the index, with the stored vectors: as indexing the file again would."""
    from docsearch.engine.compression.codecs import decode
    from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
    from docsearch.engine.store import open_snapshot, open_writer

    with open_snapshot(directory) as snapshot:
        row = snapshot.document(path=path)
        assert row is not None
        rows = np.flatnonzero(snapshot.paths() == path)
        order = rows[np.argsort([ref.page for ref in snapshot.refs(rows)])]
        numbers = [ref.page for ref in snapshot.refs(order)]
        parts = [decode(block.coded) for each in order for block in snapshot.blocks(rows=np.array([each]))]
        boxes = np.concatenate([snapshot.boxes(each) for each in order.tolist()])
        words, single, sizes = snapshot.words(order).values, snapshot.dense_vectors(order), snapshot.sizes(order)
        fingerprint = snapshot.fingerprint
    vectors = Ragged.of([part.astype(np.float16) for part in parts])
    with open_writer(directory, fingerprint=fingerprint) as writer:
        for number in range(COPIES):
            name = f"zz copies/{number:02}/{path}"
            doc_id = writer.begin_document(name, row.sha256, row.size, row.mtime_ns, row.page_count).doc_id
            refs = tuple(PageRef(doc_id, name, page) for page in numbers)
            stored = PageVectors(refs, vectors, boxes, single)
            writer.add_pages(PagesToStore(stored, [""] * len(refs), sizes, words))
            writer.finish_document(doc_id, len(refs))
