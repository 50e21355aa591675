"""Two-stage search against exact search: what stage 1 loses, and the time it saves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from docsearch.evaluation.metrics import mean, ndcg, overlap

from .. import composed, eval_dev, indexes
from ..eval_dev import Question
from ..setting import Refused, Row, Setting
from ..timing import summary_ms, timed

if TYPE_CHECKING:
    from docsearch.engine.records import Hit
    from docsearch.engine.searcher import Searcher

DISTRACTORS = "diverse"
"""A corpus without questions: its pages are distractors."""
CANDIDATES = (50, 100, 200, 400)
TOP = 10
TIMED_QUERIES = 20


def run(setting: Setting) -> Iterator[Row]:
    """Ask eval-dev's questions over eval-dev and diverse together, then with composed pages added."""
    folders = [eval_dev.documents(setting), setting.corpus(DISTRACTORS)]
    asked = [question for question in eval_dev.questions(setting) if question.scope == "corpus"]
    real = indexes.ready(setting, f"{eval_dev.NAME}-{DISTRACTORS}", folders)
    yield from compared(real, asked)
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
        crowded = shutil.copytree(real, Path(folder) / "index")
        composed.add(crowded)
        yield from compared(crowded, asked)


def compared(index: Path, asked: Sequence[Question]) -> Iterator[Row]:
    """Rows for exact search and for each number of candidates."""
    from docsearch.engine.searcher import open_searcher

    with open_searcher(index) as searcher:
        exact = answers(searcher, asked, candidates=None)
        exact_ndcg = quality(asked, exact)
        if not exact_ndcg:
            raise Refused("exact search finds no relevant page at all: there is nothing to compare with")
        common: Row = {"pages": len(searcher.snapshot), "queries": len(asked)}
        yield {
            "what": "exact",
            "candidates": None,
            "ndcg@5": round(exact_ndcg, 4),
            "of_exact": 1.0,
            "recall_of_top10": 1.0,
            **latency(searcher, asked, candidates=None),
            **common,
        }
        for candidates in CANDIDATES:
            staged = answers(searcher, asked, candidates=candidates)
            own_ndcg = quality(asked, staged)
            yield {
                "what": "two stages",
                "candidates": candidates,
                "ndcg@5": round(own_ndcg, 4),
                "of_exact": round(own_ndcg / exact_ndcg, 4),
                "recall_of_top10": round(mean_overlap(staged, exact), 4),
                **latency(searcher, asked, candidates=candidates),
                **common,
            }


def answers(searcher: Searcher, asked: Sequence[Question], *, candidates: int | None) -> list[list[Hit]]:
    """The top 10 hits of each question, from `candidates` pages of stage 1, or exact for None."""
    queries = [question.as_query() for question in asked]
    found = searcher.search_many(queries, k=TOP, candidates=candidates, exact=candidates is None)
    return [hits for _, hits in found]


def quality(asked: Sequence[Question], found: Sequence[Sequence[Hit]]) -> float:
    """Mean nDCG@5."""
    return mean([ndcg(eval_dev.pages(hits), q.relevant, 5) for q, hits in zip(asked, found, strict=True)])


def mean_overlap(staged: Sequence[Sequence[Hit]], exact: Sequence[Sequence[Hit]]) -> float:
    """The mean share of the exact top 10 that is among the top 10 of two-stage search."""
    shares = [
        overlap([hit.ref for hit in own], [hit.ref for hit in want])
        for own, want in zip(staged, exact, strict=True)
        if want
    ]
    return mean(shares)


def latency(searcher: Searcher, asked: Sequence[Question], *, candidates: int | None) -> Row:
    """Time of one query at a time in an open index whose caches are warm."""
    texts = [question.text for question in asked[:TIMED_QUERIES]]
    ask = partial(searcher.search, k=TOP, candidates=candidates, exact=candidates is None)
    return summary_ms([timed(partial(ask, text)) for text in texts])
