"""`docsearch mine`: an index and questions with their pages in, rows with hard negatives for `docsearch train` out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..engine.errors import UsageError
from .options import DEFAULT_INDEX, AsJson, IndexDirectory, note, plural, print_json


def mine(
    queries: Annotated[
        Path | None,
        typer.Argument(metavar="[QUERIES.jsonl]", help="Questions, each with path and page of an answer."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT.jsonl", help="Rows for 'docsearch train'.")] = Path(
        "triples.jsonl"
    ),
    index: IndexDirectory = DEFAULT_INDEX,
    negatives: Annotated[int, typer.Option(min=1, help="Pages that do not answer, for each row.")] = 4,
    depth: Annotated[int, typer.Option(min=1, help="Best pages of a question that negatives are taken from.")] = 50,
    margin: Annotated[
        float,
        typer.Option(max=1, help="Negatives score this share less than the page; below 0: they may score more."),
    ] = 0.05,
    from_text: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Instead of QUERIES: N lines of the pages' text as questions (weak)."),
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Make training rows from an index: questions, their pages, and pages that only look like answers.

    A row of QUERIES is {"query": "notice period", "path": "lease.pdf", "page": 3}, path and page as 'docsearch query
    --json' prints them. What search ranks high and nobody labelled becomes a negative, unless it scores so well that
    it may be an answer, too. Lines of text as questions teach a model to read pages, not to answer questions.

    Examples:

        docsearch mine questions.jsonl -o triples.jsonl --index office.index

        docsearch mine --from-text 2000 -o triples.jsonl --index office.index
    """
    if (queries is None) == (from_text is None):
        raise UsageError("give either QUERIES.jsonl or --from-text N")
    from ..engine.searcher import open_index
    from ..training.finetune import mining

    with open_index(index) as searcher:
        if queries is not None:
            labels = mining.read_labels(queries, searcher.snapshot)
        else:
            assert from_text is not None, "one of the two is given"
            labels = mining.labels_from_text(searcher.snapshot, from_text)
        mined = mining.mine(searcher, labels, negatives=negatives, depth=depth, margin=margin)
        report = mining.write(mined, out, index)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        lonely = f", {report.without_negatives:,} of them without any" if report.without_negatives else ""
        note(
            f"{plural(report.rows, 'row')} written to {out}, {plural(report.negatives, 'negative')}{lonely}; "
            f"the labelled page comes first in {report.labelled_first:.0%}"
        )
