"""`docsearch query`: a question in, a table of pages out, and on request pictures of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .options import DEFAULT_INDEX, AsJson, Device, IndexDirectory, ScoringDevice, note, plural, print_json, readable

if TYPE_CHECKING:
    from ..engine.records import U8, Hit


def query(
    text: Annotated[str, typer.Argument(help="What to look for, in words; may be left out beside --image.")] = "",
    index: IndexDirectory = DEFAULT_INDEX,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits to show.")] = 10,
    candidates: Annotated[
        int | None, typer.Option(min=1, help="Pages that the first stage hands to the second; by default as measured.")
    ] = None,
    device: ScoringDevice = Device.auto,
    exact: Annotated[bool, typer.Option("--exact", help="Score every page, with no first stage.")] = False,
    path: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Only documents whose path matches, or of this file name.")
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="PICTURE", help="A picture to look for; the index's model has to see pictures."),
    ] = None,
    as_json: AsJson = False,
    heatmap: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Draw the best hit's page and where on it the match is.")
    ] = None,
    save_pages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the hits' pages as PNG files into this folder.")
    ] = None,
) -> None:
    """Find the pages that answer a question.

    Scores are between 0 and 1. --heatmap and --save-pages draw the pages again from the documents, so these have to be
    where they were indexed.

    Examples:

        docsearch query "revenue chart 2023"

        docsearch query "notice period" --path "contracts/*.pdf" -k 3 --json

        docsearch query "revenue chart 2023" --heatmap hit.png --save-pages hits/

        docsearch query "the same form, filled in" --image form.png
    """
    text = readable(text).strip()
    if not text and image is None:
        raise UsageError('the question is empty; ask for something, like: docsearch query "revenue chart 2023"')
    from ..engine.searcher import open_index

    pixels = None if image is None else _read(image)
    with open_index(index, device=device.value) as searcher:
        spec = searcher.encoder.spec
        if letter := spec.unread(text):
            note(f"{spec.name} does not read {letter!r} and the like; 'docsearch models' lists models that may")
        hits = searcher.search(text, k=k, candidates=candidates, exact=exact, path=path, image=pixels)
        if as_json:
            for hit in hits:
                print_json(_as_object(hit))
        elif hits:
            _print_table(hits)
        else:
            note("no page matches" + (f" in documents that match {path}" if path else ""))
        if not hits or (heatmap is None and save_pages is None):
            return
        from . import pictures

        if heatmap is not None:
            pictures.save_heatmap(heatmap, text, hits[0], searcher, index, image=pixels)
            note(f"{heatmap}: {hits[0].ref.path}, page {hits[0].ref.page}")
        if save_pages is not None:
            saved = pictures.save_pages(save_pages, hits, searcher.snapshot, index)
            note(f"{save_pages}: {plural(saved, 'page')} saved")


def _read(picture: Path) -> U8:
    from .pictures import read_picture  # it brings numpy and the renderers along

    return read_picture(picture)


def _as_object(hit: Hit) -> dict[str, object]:
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "path": hit.ref.path,
        "page": hit.ref.page,
        "doc_id": hit.ref.doc_id,
    }


def _print_table(hits: list[Hit]) -> None:
    """Print a table in a terminal, and the same columns with tabs between them anywhere else."""
    if not sys.stdout.isatty():
        print("rank\tscore\tfile\tpage")
        for hit in hits:
            print(f"{hit.rank}\t{hit.score:.3f}\t{hit.ref.path}\t{hit.ref.page}")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rank", justify="right")
    table.add_column("score", justify="right")
    table.add_column("file", overflow="fold")
    table.add_column("page", justify="right")
    for hit in hits:
        table.add_row(str(hit.rank), f"{hit.score:.3f}", Text(hit.ref.path), str(hit.ref.page))
    Console().print(table)
