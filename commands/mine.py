"""`docsearch mine`: mines hard negatives from an index, as training rows for `docsearch train`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .interrupts import interruptible
from .options import DEFAULT_INDEX, AsJson, IndexDirectory, Quiet
from .output import message, plural, print_json
from .output_files import check_file
from .progress import ProgressBar, progress_bar

if TYPE_CHECKING:
    from ..training.finetune.mining import Mined

OUT_SUFFIXES = (".jsonl",)


def mine(
    queries: Annotated[
        Path | None,
        typer.Argument(metavar="[QUERIES.jsonl]", help="Questions, each with the path and page of an answer."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="OUT.jsonl", help="Training rows for 'docsearch train'.")
    ] = Path("triples.jsonl"),
    index: IndexDirectory = DEFAULT_INDEX,
    negatives: Annotated[int, typer.Option(min=1, help="Hard negatives per row.")] = 4,
    depth: Annotated[int, typer.Option(min=1, help="Take negatives from this many top-ranked pages.")] = 50,
    margin: Annotated[
        float,
        typer.Option(
            max=1,
            help="Negatives score at least this fraction below the labelled page; if negative, they may score above.",
        ),
    ] = 0.05,
    from_text: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Instead of QUERIES: use N lines of the pages' text as questions (weak labels)."
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make training rows: questions, their pages, and hard negatives.

    A row of QUERIES is {"query": "notice period", "path": "lease.pdf", "page": 3}, with path and page as 'docsearch
    query --json' prints them. Unlabelled pages that rank high become negatives, unless they score so close to the
    labelled page that they may be answers, too. Lines of text as questions teach a model to read pages, not to answer
    questions.

    Examples:

        docsearch mine questions.jsonl -o triples.jsonl --index office.index

        docsearch mine --from-text 2000 -o triples.jsonl --index office.index
    """
    if (queries is None) == (from_text is None):
        raise UsageError("give either QUERIES.jsonl or --from-text N")
    check_file(out, OUT_SUFFIXES, index, what="training rows", inputs=[queries] if queries else [])
    from ..engine.searcher import open_searcher
    from ..training.finetune import mining

    with interruptible(lambda: f"{out} is as it was"), open_searcher(index) as searcher:
        if queries is not None:
            labels = mining.read_labels(queries, searcher.snapshot)
        else:
            assert from_text is not None, "either queries or from_text is given"
            labels = mining.labels_from_text(searcher.snapshot, from_text)
        text, total = "{task.completed:,}/{task.total:,} rows · ETA", sum(map(len, labels.values()))
        with progress_bar(text=text, total=total, time_left=True, quiet=quiet, lines=True) as bar:
            mined = mining.mine(searcher, labels, negatives=negatives, depth=depth, margin=margin)
            report = mining.write(_counted(mined, bar), out, index)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        without = f", {report.without_negatives:,} of them without any" if report.without_negatives else ""
        message(
            f"{plural(report.rows, 'row')} written to {out}, {plural(report.negatives, 'negative')}{without}; "
            f"the labelled page ranks first in {report.labelled_first:.0%}"
        )


def _counted(rows: Iterable[Mined], bar: ProgressBar) -> Iterator[Mined]:
    """The rows as they are, each counted on the bar."""
    for row in rows:
        yield row
        bar.advance()
