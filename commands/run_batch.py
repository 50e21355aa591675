"""What `docsearch batch` does once its arguments are read: answers the queries of a file, and says how it went."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import UsageError
from .answer_files import ANSWER_SUFFIXES, AnswerFile, RunSettings, unanswered
from .indexes import opened
from .interrupts import interruptible
from .output import message, plural
from .output_files import check_file
from .progress import progress_bar
from .query_arguments import check_candidates
from .query_files import QueryRow, read_queries
from .reranking import check_rerank_hits, give_pictures, tell_undrawn, third_stage
from .shard_search import check as check_ray
from .shard_search import open_to_search

if TYPE_CHECKING:
    from ..engine.hits import Hits
    from ..engine.ranking.third_stage import ThirdStage
    from ..engine.records import Mode, Query
    from ..engine.searcher import Searcher

FLUSH_INTERVAL_S = 1.0
"""How much work a killed run can lose."""


@dataclass(frozen=True, slots=True)
class BatchArguments:
    """The arguments of `docsearch batch`, as its help describes them."""

    file: Path
    out: Path
    indexes: tuple[Path, ...]
    k: int
    candidates: int | None
    device: str
    exact: bool
    all_copies: bool
    mode: Mode | None
    rerank: str | None
    rerank_hits: int | None
    where: str | None
    snippets: bool
    ray: str | None
    replicas: int
    partial: bool
    resume: bool
    quiet: bool


@dataclass(slots=True)
class Tally:
    """What a run has answered so far, in queries; `resumed` were answered by earlier ones."""

    resumed: int = 0
    done: int = 0
    without_hits: int = 0
    without_good_match: int = 0
    incomplete: int = 0
    started: float = field(default_factory=time.monotonic)

    def count(self, hits: Hits) -> None:
        """Count one more answer."""
        self.done += 1
        self.without_hits += not hits
        self.without_good_match += bool(hits) and hits.no_good_match
        self.incomplete += bool(hits.missing_shards)

    def summary(self, out: Path) -> str:
        """The line that ends a run whose answers are in `out`."""
        seconds = time.monotonic() - self.started
        rate = f" ({self.done / seconds:.1f} queries/s)" if self.done and seconds > 0 else ""
        kept = f"; {self.resumed:,} were already there" if self.resumed else ""
        nothing = f"; {self.without_hits:,} without hits" if self.without_hits else ""
        weak = f"; {self.without_good_match:,} without a good match" if self.without_good_match else ""
        lost = f"; {self.incomplete:,} without the pages of lost shards" if self.incomplete else ""
        answers = plural(self.done, "answer")
        return f"{answers} written to {out} in {seconds:.1f} s{rate}{kept}{nothing}{weak}{lost}"


def run(asked: BatchArguments) -> None:
    """Answer the queries of a file into another one. Raises UsageError and what `open_searcher` does."""
    _check(asked)
    total, conditions = _examined(asked.file)
    stage = third_stage(asked.rerank, asked.rerank_hits, asked.device)
    tally = Tally()
    with open_to_search(
        asked.indexes, device=asked.device, ray=asked.ray, replicas=asked.replicas, partial=asked.partial
    ) as searcher:
        give_pictures(stage, searcher, opened(asked.indexes))
        _check_conditions(searcher, asked.where, conditions)
        settings = _settings(asked, searcher, stage)
        answers = AnswerFile(asked.out, settings, resume=asked.resume)
        with interruptible(lambda: _kept(answers, total)), answers:
            _answer(asked, settings.mode, searcher, stage, answers, tally, total)
    if not asked.quiet:
        tell_undrawn(stage)
        message(tally.summary(asked.out))


def _check(asked: BatchArguments) -> None:
    """Raise UsageError for arguments that do not go together, and for files that cannot be written."""
    if asked.snippets and asked.out.suffix.lower() == ".trec":
        raise UsageError("--snippets has no place in .trec files, whose columns are fixed; leave one of them out")
    check_candidates(asked.candidates, exact=asked.exact)
    check_rerank_hits(asked.rerank, asked.rerank_hits)
    check_ray(asked.indexes, asked.ray, asked.replicas, partial=asked.partial)
    for index in asked.indexes:
        check_file(asked.out, ANSWER_SUFFIXES, index, what="answers", inputs=[asked.file])


def _examined(file: Path) -> tuple[int, dict[str, str]]:
    """How many queries a file has, and the place of each of their conditions, read before the search begins.

    Raises UsageError for a row that cannot be read or asks too long a question, and where there is none.
    """
    from ..engine.records import QUESTION_MAX_CHARS

    total = 0
    conditions: dict[str, str] = {}
    for row in read_queries(file):
        total += 1
        if len(row.text) > QUESTION_MAX_CHARS:
            place = row.place or f"{file}: question {row.query_id}"
            raise UsageError(f"{place} has {len(row.text):,} characters; the limit is {QUESTION_MAX_CHARS:,}")
        if row.where is not None:
            conditions.setdefault(row.where, row.place)
    if total == 0:
        raise UsageError(f"{file}: the file contains no queries")
    return total, conditions


def _check_conditions(searcher: Searcher, where: str | None, conditions: Mapping[str, str]) -> None:
    """Raise UsageError for a condition that does not fit the index: of all rows, or of those at the places given."""
    if where is not None:
        searcher.check_where(where)
    for condition, place in conditions.items():
        try:
            searcher.check_where(condition)
        except UsageError as err:
            raise UsageError(f"{place}: {err}") from err


def _settings(asked: BatchArguments, searcher: Searcher, stage: ThirdStage | None) -> RunSettings:
    """What the answers say of how they were made."""
    return RunSettings(
        asked.k,
        asked.candidates,
        asked.exact,
        asked.all_copies,
        asked.mode or searcher.default_mode,
        searcher.snapshot.generation,
        rerank=f"{asked.rerank}, {stage.count} hits" if stage is not None else None,
        where=asked.where,
        snippets=True if asked.snippets else None,
    )


def _answer(
    asked: BatchArguments,
    mode: Mode,
    searcher: Searcher,
    stage: ThirdStage | None,
    answers: AnswerFile,
    tally: Tally,
    total: int,
) -> None:
    """Answer those of `total` queries that have no answer yet, in their order, and count them."""
    from ..engine.records import Query

    in_progress: deque[QueryRow] = deque()  # read, and not yet answered

    def queries() -> Iterator[Query]:
        for row in unanswered(read_queries(asked.file), answers):
            in_progress.append(row)
            yield Query(str(row.query_id), row.text, row.path, where=row.where)

    tally.resumed = answers.count
    flushed = tally.started
    text = "{task.completed:,}/{task.total:,} queries · ETA"
    with progress_bar(
        text=text, total=total, completed=tally.resumed, time_left=True, quiet=asked.quiet, lines=True
    ) as bar:
        found = searcher.search_many(
            queries(),
            k=asked.k,
            candidates=asked.candidates,
            exact=asked.exact,
            all_copies=asked.all_copies,
            mode=mode,
            rerank=stage,
            where=asked.where,
        )
        for _, hits in found:
            answers.write(in_progress.popleft(), hits)
            tally.count(hits)
            bar.advance()
            if time.monotonic() - flushed > FLUSH_INTERVAL_S:
                answers.flush()
                flushed = time.monotonic()


def _kept(answers: AnswerFile, total: int) -> str:
    if not answers.count:
        return "nothing was written"
    if not answers.partial.exists():
        return "all answers are written"
    return (
        f"{answers.count:,} of {total:,} answers are kept in {answers.partial}, and the same command with --resume "
        "continues from there"
    )
