"""Asks a search system every question, one at a time, and measures its answers and their time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter

import numpy as np

from ..engine.ranking.third_stage import ThirdStage
from ..engine.records import F64, QUESTION_MAX_CHARS, Hit, Mode, Query
from ..engine.searcher import Searcher
from . import metrics, significance
from .matching import IndexNames, Matched
from .metrics import METRICS, mean, ranking
from .questions import Judgement, Question, Questions
from .significance import Interval

DEPTH = 100
"""Hits that are asked for, which is what recall@100 needs."""


@dataclass(frozen=True, slots=True)
class System:
    """An index and the options to search it with; the fields are those of `Searcher.search`."""

    name: str
    index: Path
    mode: Mode | None = None
    candidates: int | None = None
    exact: bool = False
    all_copies: bool = False
    rerank: ThirdStage | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a system answered to one question.

    `scores` are of what was found, by id in a run; `values` the metrics; `rank` that of the first relevant item, from
    1, None if it was not found; `best` the first hit.
    """

    question: Question
    matched: Matched
    scores: Mapping[str, float]
    values: Mapping[str, float]
    rank: int | None
    best: Hit | None
    seconds: float

    @property
    def expected(self) -> Judgement:
        """The judgement of the highest grade, of those the first that is in the index."""
        missing = {(each.path, each.page) for each in self.matched.missing}
        return max(
            self.matched.judgements.values(), key=lambda each: (each.grade, (each.path, each.page) not in missing)
        )


@dataclass(frozen=True)
class Measured:
    """A system's outcomes, in the order of the questions, with facts of the index.

    `mode` is the one that was used; `search` says how pages were searched, in words.
    """

    system: System
    outcomes: tuple[Outcome, ...]
    pages: int
    model: str
    mode: Mode
    search: str

    def values(self, name: str) -> list[float]:
        """A metric of every question."""
        return [each.values[name] for each in self.outcomes]

    def matrix(self) -> F64:
        """Every metric of METRICS of every question, (N, M)."""
        return np.array([[each.values[name] for name in METRICS] for each in self.outcomes], np.float64)

    def mean(self, name: str) -> float:
        """The mean of a metric."""
        return mean(self.values(name))

    def interval(self, name: str) -> Interval:
        """The mean of a metric with its bootstrap interval over questions."""
        return self._intervals[name]

    @cached_property
    def _intervals(self) -> dict[str, Interval]:
        return dict(zip(METRICS, significance.intervals(self.matrix()), strict=True))

    def milliseconds(self) -> tuple[float, float]:
        """The median and the 95th percentile of the time of one question, in milliseconds."""
        median, high = np.percentile([1000 * each.seconds for each in self.outcomes], [50, 95]).tolist()
        return median, high

    def missing(self) -> list[Judgement]:
        """The judged pages and documents that are not in the index, each once."""
        return list({(each.path, each.page): each for one in self.outcomes for each in one.matched.missing}.values())

    def judged(self) -> int:
        """How many pages or documents are judged relevant, each counted once."""
        return len({name for one in self.outcomes for name, grade in one.matched.grades.items() if grade > 0})

    def groups(self, column: str) -> dict[str, Measured]:
        """The outcomes by the value of a column, in the order of values; "" are questions without one."""
        found: dict[str, list[Outcome]] = {}
        for each in self.outcomes:
            for value in dict.fromkeys(each.question.columns.get(column, ("",))):
                found.setdefault(value, []).append(each)
        return {value: self._of(found[value]) for value in sorted(found)}

    def _of(self, outcomes: Sequence[Outcome]) -> Measured:
        return Measured(self.system, tuple(outcomes), self.pages, self.model, self.mode, self.search)


def measure(
    searcher: Searcher, questions: Questions, system: System, *, on_question: Callable[[], None] = lambda: None
) -> Measured:
    """Ask `questions` and measure the answers with every metric of METRICS.

    `on_question` is called after each. Of a question of more than QUESTION_MAX_CHARS its beginning is asked. Derived
    files are made before the first question, so that no time includes it.
    Raises UsageError where a question names an ambiguous document.
    """
    names = IndexNames(searcher.snapshot, all_copies=system.all_copies)
    matched = [names.match(question) for question in questions.items]
    searcher.prepare()
    if system.where is not None:
        searcher.check_where(system.where)
    outcomes = []
    for question, judged in zip(questions.items, matched, strict=True):
        started = perf_counter()
        # An iterator: a question with nothing to search for then has no hits, and does not end the run.
        asked = iter([Query(question.query_id, question.text[:QUESTION_MAX_CHARS], judged.path)])
        ((_, hits),) = searcher.search_many(
            asked,
            k=DEPTH,
            candidates=system.candidates,
            exact=system.exact,
            all_copies=system.all_copies,
            mode=system.mode,
            rerank=system.rerank,
            where=system.where,
        )
        seconds = perf_counter() - started
        found = list(hits)
        if question.inside and judged.path is not None:  # as a filter, "a.pdf" also is "old/a.pdf"
            found = names.of_document(found, judged.path)
        scores = names.scores(question, found)
        ranked = ranking(scores)
        values = metrics.values(ranked, judged.grades)
        rank = next((rank for rank, name in enumerate(ranked, 1) if judged.grades.get(name, 0) > 0), None)
        outcomes.append(Outcome(question, judged, scores, values, rank, found[0] if found else None, seconds))
        on_question()
    info = searcher.info()
    search = "every page is scored" if system.exact else str(info["search"])
    mode = system.mode or searcher.default_mode
    return Measured(system, tuple(outcomes), len(searcher.snapshot), searcher.encoder.spec.name, mode, search)
