"""What `docsearch batch` does once its arguments are read: answers the queries of a file, and says how it went."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..engine.errors import UsageError
from .answer_files import ANSWER_SUFFIXES, AnswerFile, RunSettings, unanswered
from .indexes import opened
from .interrupts import interruptible
from .output import message, plural
from .output_files import check_file
from .progress import progress_bar
from .query_arguments import check_candidates
from .query_files import COLUMNS, QueryRow, read_queries
from .reranking import check_rerank_hits, give_pictures, tell_undrawn, third_stage
from .shard_search import check as check_ray
from .shard_search import open_to_search

if TYPE_CHECKING:
    from ..engine.hits import Hits
    from ..engine.ranking.third_stage import ThirdStage
    from ..engine.records import Mode, Query
    from ..engine.searcher import Searcher

    Search = Callable[[Iterable[QueryRow], Mode, int], Iterator[tuple[Query, Hits]]]
    """Searches for some rows in a mode, each for a number of hits; answers come in their order."""

VARIED_ROWS = 128
"""Of a file whose rows differ in mode or number of hits, so many are read before they are answered."""
UNUSED_MAX, UNUSED_SHOWN = 1000, 8
"""Columns that mean nothing: how many are counted, and how many are named."""
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
    examined = _examined(asked.file)
    if examined.unused and not asked.quiet:
        message(_ignored(asked.file, examined.unused))
    stage = third_stage(asked.rerank, asked.rerank_hits, asked.device)
    tally = Tally()
    with open_to_search(
        asked.indexes, device=asked.device, ray=asked.ray, replicas=asked.replicas, partial=asked.partial
    ) as searcher:
        give_pictures(stage, searcher, opened(asked.indexes))
        _check_conditions(searcher, asked.where, examined)
        settings = _settings(asked, searcher, stage)
        answers = AnswerFile(asked.out, settings, resume=asked.resume)
        with interruptible(lambda: _kept(answers, examined.total)), answers:
            _answer(asked, settings.mode, searcher, stage, answers, tally, examined)
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


@dataclass(slots=True)
class Examined:
    """What a file asks for, read before the search begins: how many queries, and the place of the first row that has
    each condition and each mode. `varies` says whether a row has a mode or number of hits of its own; `unused` are
    columns that mean nothing.
    """

    total: int = 0
    conditions: dict[str, str] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    varies: bool = False
    unused: set[str] = field(default_factory=set)


def _examined(file: Path) -> Examined:
    """Raises UsageError for a row that cannot be read or asks too long a question, and where there is none."""
    from ..engine.records import QUESTION_MAX_CHARS

    found = Examined()
    for row in read_queries(file):
        found.total += 1
        if len(row.text) > QUESTION_MAX_CHARS:
            place = row.place or f"{file}: question {row.query_id}"
            raise UsageError(f"{place} has {len(row.text):,} characters; the limit is {QUESTION_MAX_CHARS:,}")
        if row.where is not None:
            found.conditions.setdefault(row.where, row.place)
        if row.mode is not None:
            found.modes.setdefault(row.mode, row.place)
        found.varies |= row.mode is not None or row.k is not None
        if len(found.unused) < UNUSED_MAX:
            found.unused |= row.unused
    if found.total == 0:
        raise UsageError(f"{file}: the file contains no queries")
    return found


def _ignored(file: Path, unused: Collection[str]) -> str:
    """The line that tells of columns that change nothing."""
    names = sorted(unused)
    shown = ", ".join(names[:UNUSED_SHOWN]) + (", …" if len(names) > UNUSED_SHOWN else "")
    what = "the columns {} are not read" if len(names) > 1 else "the column {} is not read"
    return f"docsearch: {file}: {what.format(shown)}; a batch reads {', '.join(COLUMNS)}"


def _check_conditions(searcher: Searcher, where: str | None, examined: Examined) -> None:
    """Raise UsageError for a condition or a mode that does not fit the index: of all rows, or of one."""
    from ..engine.modes import check_mode

    if where is not None:
        searcher.check_where(where)

    def check_its_mode(mode: str) -> None:
        check_mode(mode, searcher.snapshot, searcher.modes, searcher.encoder.spec.name)

    for told, check in ((examined.conditions, searcher.check_where), (examined.modes, check_its_mode)):
        for value, place in told.items():
            try:
                check(value)
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
    examined: Examined,
) -> None:
    """Answer those queries of the file that have no answer yet, in their order, and count them."""

    def search(rows: Iterable[QueryRow], mode: Mode, k: int) -> Iterator[tuple[Query, Hits]]:
        return searcher.search_many(
            map(_query, rows),
            k=k,
            candidates=asked.candidates,
            exact=asked.exact,
            all_copies=asked.all_copies,
            mode=mode,
            rerank=stage,
            where=asked.where,
        )

    tally.resumed = answers.count
    flushed = tally.started
    text = "{task.completed:,}/{task.total:,} queries · ETA"
    rows = unanswered(read_queries(asked.file), answers)
    with progress_bar(
        text=text, total=examined.total, completed=tally.resumed, time_left=True, quiet=asked.quiet, lines=True
    ) as bar:
        found = _in_groups if examined.varies else _together
        for row, hits in found(rows, search, mode, asked.k):
            answers.write(row, hits)
            tally.count(hits)
            bar.advance()
            if time.monotonic() - flushed > FLUSH_INTERVAL_S:
                answers.flush()
                flushed = time.monotonic()


def _together(rows: Iterable[QueryRow], search: Search, mode: Mode, k: int) -> Iterator[tuple[QueryRow, Hits]]:
    """The answers to rows that are all asked in the same way."""
    in_progress: deque[QueryRow] = deque()  # read, and not yet answered

    def noted() -> Iterator[QueryRow]:
        for row in rows:
            in_progress.append(row)
            yield row

    for _, hits in search(noted(), mode, k):
        yield in_progress.popleft(), hits


def _in_groups(rows: Iterable[QueryRow], search: Search, mode: Mode, k: int) -> Iterator[tuple[QueryRow, Hits]]:
    """The answers to rows of which some have a mode or a number of hits of their own, in the order of the rows.

    Of VARIED_ROWS at a time, those that are asked in the same way are searched together.
    """
    waiting = iter(rows)
    while some := list(islice(waiting, VARIED_ROWS)):
        alike: dict[tuple[Mode, int], list[int]] = {}
        for place, row in enumerate(some):
            alike.setdefault((cast("Mode", row.mode or mode), row.k or k), []).append(place)
        found: dict[int, Hits] = {}
        for (its_mode, its_k), places in alike.items():
            answered = search((some[place] for place in places), its_mode, its_k)
            found.update(zip(places, (hits for _, hits in answered), strict=True))
        for place, row in enumerate(some):
            yield row, found[place]


def _query(row: QueryRow) -> Query:
    from ..engine.records import Query

    return Query(str(row.query_id), row.text, row.path, where=row.where)


def _kept(answers: AnswerFile, total: int) -> str:
    if not answers.count:
        return "nothing was written"
    if not answers.partial.exists():
        return "all answers are written"
    return (
        f"{answers.count:,} of {total:,} answers are kept in {answers.partial}, and the same command with --resume "
        "continues from there"
    )
