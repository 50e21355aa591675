"""Retrieval quality on eval-dev: nDCG@5 and recall by scope and suite, image-only documents apart; by pictures alone,
by text layers alone, and by both, which is the default.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from docsearch.evaluation.metrics import mean, ndcg, success

from .. import eval_dev, indexes
from ..setting import Row, Setting

if TYPE_CHECKING:
    from docsearch.engine.records import Mode
    from docsearch.engine.searcher import Searcher

SCOPES = ("corpus", "document")
ALL = "all"
IMAGE_ONLY = "on image-only documents"
HITS = 10


def run(setting: Setting) -> Iterator[Row]:
    """Ask every question in each of its scopes and in each mode; one row for each group of questions."""
    from docsearch.engine.searcher import open_searcher

    with open_searcher(indexes.ready(setting, eval_dev.NAME, [eval_dev.documents(setting)])) as searcher:
        for mode in searcher.modes:
            yield from _rows(searcher, eval_dev.questions(setting), mode)


def _rows(searcher: Searcher, asked: Sequence[eval_dev.Question], mode: Mode) -> Iterator[Row]:
    search = str(searcher.info()["search"])
    groups: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    found = searcher.search_many([question.as_query() for question in asked], k=HITS, mode=mode)
    for question, (_, hits) in zip(asked, found, strict=True):
        ranked, relevant = eval_dev.pages(hits), question.relevant
        figures = (ndcg(ranked, relevant, 5), success(ranked, relevant, 1), success(ranked, relevant, 5))
        groups[question.scope, question.suite].append(figures)
        groups[question.scope, ALL].append(figures)
        if question.image_only:
            groups[question.scope, IMAGE_ONLY].append(figures)
    for scope in SCOPES:
        suites = sorted({suite for s, suite in groups if s == scope} - {ALL, IMAGE_ONLY})
        for suite in (*suites, ALL, IMAGE_ONLY):
            if figures_of := groups.get((scope, suite)):
                gains, firsts, fives = (mean(column) for column in zip(*figures_of, strict=True))
                yield {
                    "what": suite,
                    "scope": scope,
                    "queries": len(figures_of),
                    "ndcg@5": round(gains, 4),
                    "recall@1": round(firsts, 4),
                    "recall@5": round(fives, 4),
                    "search": search,
                    "mode": mode,
                }
