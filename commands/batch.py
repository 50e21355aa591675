"""`docsearch batch`: a file of queries in, a file of answers out."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .options import DEFAULT_INDEX, Device, IndexDirectory, ScoringDevice, note, plural
from .query_files import AnswerFile, QueryRow, left_to_ask, read_queries

if TYPE_CHECKING:
    from ..engine.searcher import Query

FLUSH_AFTER_S = 1.0


def batch(
    file: Annotated[Path, typer.Argument(help="Queries: .txt (one a line), .csv, .jsonl or .parquet.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Answers: .jsonl, .parquet or .trec.", metavar="OUT")],
    index: IndexDirectory = DEFAULT_INDEX,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits a query.")] = 10,
    candidates: Annotated[
        int | None, typer.Option(min=1, help="Pages that the first stage hands to the second; by default as measured.")
    ] = None,
    device: ScoringDevice = Device.auto,
    exact: Annotated[bool, typer.Option("--exact", help="Score every page, with no first stage.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last complete answer in OUT.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Answer a file of queries.

    Rows have "query", and may have "query_id" (else the row's number) and "path", a filter like 'query --path'.
    Answers have "query_id", "query" and "hits", each hit with "path", "page", "score" and "doc_id".

    Examples:

        docsearch batch questions.txt -o answers.jsonl

        docsearch batch queries.jsonl -o run.trec -k 100 --index office.index

        docsearch batch queries.csv -o answers.jsonl --resume
    """
    if file.resolve() == out.resolve():
        raise UsageError(f"{out}: the answers would overwrite the queries; give another -o")
    total = sum(1 for _ in read_queries(file))  # a row that cannot be read is found before anything is searched
    if total == 0:
        raise UsageError(f"{file}: no queries in it")
    from ..engine.searcher import Query, open_index

    asked: deque[QueryRow] = deque()

    def queries(rows: Iterator[QueryRow]) -> Iterator[Query]:
        for row in rows:
            asked.append(row)
            yield Query(str(row.query_id), row.text, row.path)

    started = flushed = time.monotonic()
    done = 0
    with open_index(index, device=device.value) as searcher, AnswerFile(out, resume=resume) as answers:
        before = len(answers.answered)
        rows = left_to_ask(read_queries(file), answers)
        with _progress(total, before, shown=not quiet and sys.stderr.isatty()) as step:
            for _, hits in searcher.search_many(queries(rows), k=k, candidates=candidates, exact=exact):
                answers.write(asked.popleft(), hits)
                done += 1
                step()
                if time.monotonic() - flushed > FLUSH_AFTER_S:
                    answers.flush()
                    flushed = time.monotonic()
    if not quiet:
        seconds = time.monotonic() - started
        rate = f" ({done / seconds:.1f} queries/s)" if done and seconds > 0 else ""
        kept = f"; {before:,} were there already" if before else ""
        note(f"{plural(done, 'answer')} written to {out} in {seconds:.1f} s{rate}{kept}")


@contextmanager
def _progress(total: int, done: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """Yield what moves a progress bar on stderr one query on, or does nothing where there is nobody to see it."""
    if not shown:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("queries · ETA"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda: bar.advance(task)
