"""`docsearch verify`: checks an index, and measures the recall of two-stage search and the loss of smaller codecs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import DAMAGED, message, print_json

SAMPLE_QUERIES = 50
"""Lines of the documents' own text that are used as queries."""


def verify(
    index: IndexDirectory = DEFAULT_INDEX,
    loss: Annotated[bool, typer.Option("--loss", help="Also measure what codecs with fewer bits would lose.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check every byte of the index, and how much search misses.

    Search by candidates (two stages) is compared with exact search, which scores every page, on lines of the documents'
    own text. Exits with 3 if the index is damaged. Damaged files in its cache are deleted: they are made again.

    Examples:

        docsearch verify

        docsearch verify --index office.index --json

        docsearch verify --loss
    """
    from ..engine.searcher import open_searcher
    from ..engine.store import open_snapshot
    from ..evaluation import codec_loss, stage_recall
    from ..evaluation.sample_queries import sample_queries

    with open_snapshot(index) as snapshot:
        problems = snapshot.verify()
        cache = snapshot.delete_damaged_cache() if not problems else []
    recall: dict[str, object] = {}
    codecs: list[dict[str, object]] = []
    if not problems:
        with open_searcher(index) as searcher:
            stored = searcher.snapshot.codec
            if queries := [query for _, query in sample_queries(searcher.snapshot, SAMPLE_QUERIES)]:
                recall = asdict(stage_recall.measure(searcher, queries))
                codecs = [asdict(each) for each in codec_loss.measure(searcher, queries)] if loss else []
    if as_json:
        print_json({"problems": problems, "cache": cache, "recall": recall, **({"codecs": codecs} if loss else {})})
    else:
        for problem in [*problems, *cache]:
            message(f"damaged: {problem}")
        if not problems:
            print("all checksums are correct, and the catalog agrees with the segments")
        if not problems and not recall:
            print("recall was not measured: no page has a text layer to take sample queries from")
        if recall:
            print(
                f"search by {recall['candidates']} candidates, on {recall['queries']} lines of the documents: it finds "
                f"{recall['recall_at_10']:.1%} of the 10 best pages of exact search, and the same first page for "
                f"{recall['same_first']:.1%} of the lines"
            )
        if loss and recall:
            _print_codecs(codecs, stored)
    if problems:
        if not as_json:
            message("docsearch: the index is damaged; build it again with 'docsearch index' in another folder")
        raise typer.Exit(DAMAGED)


def _print_codecs(codecs: list[dict[str, object]], stored: str) -> None:
    """Print one line per codec: its loss against the vectors as they are stored."""
    if stored != "float16":
        print(f"vectors are stored as {stored}; what that lost against float16 can no longer be measured")
    if not codecs:
        print(f"no codec has fewer bits than {stored}")
    for each in codecs:
        figures = (f"{name.replace('_', ' ')} {_figure(value)}" for name, value in each.items() if name != "codec")
        print(f"{each['codec']} against {stored}: {', '.join(figures)}")


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
