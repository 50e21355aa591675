"""`docsearch batch`: answers a file of queries into a file of answers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .answer_files import ANSWER_SUFFIXES, AnswerFile, RunSettings, unanswered
from .indexes import opened
from .interrupts import interruptible
from .options import (
    DEFAULT_INDEX,
    AllCopies,
    Candidates,
    Device,
    Exact,
    IndexDirectories,
    Quiet,
    Rerank,
    RerankHits,
    ScoringDevice,
    SearchMode,
    Where,
)
from .output import message, plural
from .output_files import check_file
from .progress import progress_bar
from .query_files import QueryRow, read_queries
from .reranking import check_rerank_hits, give_pictures, tell_undrawn, third_stage
from .run_query import check_candidates
from .shard_search import Partial, Replicas, SearchOnRay, open_to_search
from .shard_search import check as check_ray

if TYPE_CHECKING:
    from ..engine.records import Query
    from ..engine.searcher import Searcher

FLUSH_INTERVAL_S = 1.0
"""How much work a killed run can lose."""


def batch(
    file: Annotated[Path, typer.Argument(help="Queries: .txt (one per line), .csv, .jsonl or .parquet.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Answers: .jsonl, .csv, .parquet or .trec.", metavar="OUT")],
    indexes: IndexDirectories = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits per query.")] = 10,
    candidates: Candidates = None,
    device: ScoringDevice = Device.auto,
    exact: Exact = False,
    all_copies: AllCopies = False,
    mode: SearchMode = None,
    rerank: Rerank = None,
    rerank_hits: RerankHits = None,
    where: Where = None,
    snippets: Annotated[
        bool,
        typer.Option(
            "--snippets",
            help="Tell of each hit the passage of the page that matches, the page's own number, and the document's "
            "title and date, as 'query --json' does.",
        ),
    ] = False,
    ray: SearchOnRay = None,
    replicas: Replicas = 1,
    partial: Partial = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue after the last answer that is kept.")] = False,
    quiet: Quiet = False,
) -> None:
    """Answer a file of queries.

    Rows have "query", and optionally "query_id" (by default the row's number), "path" and "where" (filters as in 'query
    --path' and --where). In .txt files, blank lines and lines that begin with # are skipped. Answers have "query_id",
    "query", "hits" and "run"; each hit has "path", "page", "score", "doc_id" and "also", the other paths of the same
    file. They also have the "confidence" that the first hit is right, 0 to 1, "no_good_match", "unread_letters", which
    the model does not read, and the "mode"; in .jsonl also "corrections" and "missing_phrases", as in 'query'. A .csv
    file has a row per hit; text that a spreadsheet would take for a formula gets an apostrophe before it.

    Answers are collected in OUT.partial; OUT stays as it was until the last one is there. --resume refuses to go on if
    the queries, -k, --candidates, --exact, --all-copies, --mode, --rerank, --where, --snippets or the index have
    changed ("run" in an answer says with what it was made).

    With --ray, workers on a cluster search the shards of the index, several batches of queries at a time; answers are
    the same, in the order of the queries. An answer without the pages of a lost shard has "missing_shards" and
    "missing_pages" in .jsonl, and is made only with --partial.

    Several --index are searched as one, and each hit has its "index"; in .trec files its name stands before the path.

    Examples:

        docsearch batch questions.txt -o answers.jsonl

        docsearch batch queries.jsonl -o run.trec -k 100 --index office.index

        docsearch batch questions.txt -o answers.csv --where "kind = 'pdf' and pages < 50"

        docsearch batch queries.csv -o answers.jsonl --snippets --resume

        docsearch batch queries.csv -o answers.csv --index office.index --index archive.index

        docsearch batch queries.jsonl -o answers.jsonl --index office.shards --ray head:6379 --replicas 2
    """
    if snippets and out.suffix.lower() == ".trec":
        raise UsageError("--snippets has no place in .trec files, whose columns are fixed; leave one of them out")
    check_candidates(candidates, exact=exact)
    check_rerank_hits(rerank, rerank_hits)
    directories = indexes or [DEFAULT_INDEX]
    check_ray(directories, ray, replicas, partial=partial)
    for index in directories:
        check_file(out, ANSWER_SUFFIXES, index, what="answers", inputs=[file])
    total = 0
    conditions: dict[str, str] = {}
    for row in read_queries(file):  # reports an unreadable row before the search begins
        total += 1
        if row.where is not None:
            conditions.setdefault(row.where, row.place)
    if total == 0:
        raise UsageError(f"{file}: the file contains no queries")
    from ..engine.records import Query

    in_progress: deque[QueryRow] = deque()  # read, and not yet answered

    def queries(rows: Iterator[QueryRow]) -> Iterator[Query]:
        for row in rows:
            in_progress.append(row)
            yield Query(str(row.query_id), row.text, row.path, where=row.where)

    stage = third_stage(rerank, rerank_hits, device.value)
    started = flushed = time.monotonic()
    done = without_hits = without_good_match = incomplete = 0
    with open_to_search(directories, device=device.value, ray=ray, replicas=replicas, partial=partial) as searcher:
        model_read = f"{rerank}, {stage.count} hits" if stage is not None else None
        chosen = mode.value if mode else searcher.default_mode
        give_pictures(stage, searcher, opened(directories))
        _check(searcher, where, conditions)
        generation = searcher.snapshot.generation
        told = True if snippets else None
        run = RunSettings(k, candidates, exact, all_copies, chosen, generation, model_read, where, told)
        answers = AnswerFile(out, run, resume=resume)
        resumed = answers.count
        with interruptible(lambda: _kept(answers, total)), answers:
            rows = unanswered(read_queries(file), answers)
            text = "{task.completed:,}/{task.total:,} queries · ETA"
            with progress_bar(
                text=text, total=total, completed=resumed, time_left=True, quiet=quiet, lines=True
            ) as bar:
                found = searcher.search_many(
                    queries(rows),
                    k=k,
                    candidates=candidates,
                    exact=exact,
                    all_copies=all_copies,
                    mode=run.mode,
                    rerank=stage,
                    where=where,
                )
                for _, hits in found:
                    answers.write(in_progress.popleft(), hits)
                    done += 1
                    without_hits += not hits
                    without_good_match += bool(hits) and hits.no_good_match
                    incomplete += bool(hits.missing_shards)
                    bar.advance()
                    if time.monotonic() - flushed > FLUSH_INTERVAL_S:
                        answers.flush()
                        flushed = time.monotonic()
    if not quiet:
        tell_undrawn(stage)
        seconds = time.monotonic() - started
        rate = f" ({done / seconds:.1f} queries/s)" if done and seconds > 0 else ""
        kept = f"; {resumed:,} were already there" if resumed else ""
        nothing = f"; {without_hits:,} without hits" if without_hits else ""
        weak = f"; {without_good_match:,} without a good match" if without_good_match else ""
        lost = f"; {incomplete:,} without the pages of lost shards" if incomplete else ""
        message(f"{plural(done, 'answer')} written to {out} in {seconds:.1f} s{rate}{kept}{nothing}{weak}{lost}")


def _check(searcher: Searcher, where: str | None, conditions: Mapping[str, str]) -> None:
    """Raise UsageError for a condition that does not fit the index: of all rows, or of those at the places given."""
    if where is not None:
        searcher.check_where(where)
    for condition, place in conditions.items():
        try:
            searcher.check_where(condition)
        except UsageError as err:
            raise UsageError(f"{place}: {err}") from err


def _kept(answers: AnswerFile, total: int) -> str:
    if not answers.count:
        return "nothing was written"
    if not answers.partial.exists():
        return "all answers are written"
    return (
        f"{answers.count:,} of {total:,} answers are kept in {answers.partial}, and the same command with --resume "
        "continues from there"
    )
