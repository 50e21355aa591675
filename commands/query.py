"""`docsearch query`: prints the pages that answer a question, and saves images of them on request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from ..engine.printable import printable
from .options import DEFAULT_INDEX, AsJson, Candidates, Device, Exact, IndexDirectory, ScoringDevice
from .output import message, plural, print_json
from .output_files import check_file, check_folder

if TYPE_CHECKING:
    from ..engine.records import U8, Hit

HEATMAP_SUFFIXES = (".png", ".jpg", ".jpeg", "")


def query(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="Question or keywords; optional with --image.")
    ] = None,
    index: IndexDirectory = DEFAULT_INDEX,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits to show.")] = 10,
    candidates: Candidates = None,
    device: ScoringDevice = Device.auto,
    exact: Exact = False,
    path: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Search only documents with a matching path or file name.")
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="IMAGE", help="Image to search by; needs a model that embeds images as queries."),
    ] = None,
    as_json: AsJson = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(metavar="OUT.png", help="Save the best hit's page with its matches highlighted (.png, .jpg)."),
    ] = None,
    save_pages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the pages of all hits as PNG files in this folder.")
    ] = None,
) -> None:
    """Find the pages that answer a question.

    Scores are between 0 and 1. --heatmap and --save-pages render the pages again, so the documents must still be where
    they were indexed.

    Examples:

        docsearch query revenue chart 2023

        docsearch query "notice period" --path "contracts/*.pdf" -k 3 --json

        docsearch query "revenue chart 2023" --heatmap hit.png --save-pages hits/

        docsearch query "the same form, filled in" --image form.png
    """
    text = " ".join(map(_decoded, words or ())).strip()
    if not text and image is None:
        raise UsageError('the question is empty; ask for something, like: docsearch query "revenue chart 2023"')
    if heatmap is not None:
        check_file(heatmap, HEATMAP_SUFFIXES, index, what="heat map", inputs=[image] if image else [])
    if save_pages is not None:
        check_folder(save_pages, index)
    from ..engine.searcher import open_searcher

    pixels = None if image is None else _read(image)
    with open_searcher(index, device=device.value) as searcher:
        spec = searcher.encoder.spec
        if letter := spec.first_unreadable_letter(text):
            message(
                f"{spec.name} cannot read the script of {letter!r}; that part of the query may be useless "
                "('docsearch models' lists other models)"
            )
        hits = searcher.search(text, k=k, candidates=candidates, exact=exact, path=path, image=pixels)
        if as_json:
            for hit in hits:
                print_json(hit.as_dict())
        elif hits:
            _print_table(hits)
        if not hits:
            unsaved = "; no picture was saved" if heatmap or save_pages else ""
            message("no page matches" + (f" in documents that match {path}" if path else "") + unsaved)
        if not hits or (heatmap is None and save_pages is None):
            return
        from . import pictures

        if heatmap is not None:
            pictures.save_heatmap(heatmap, text, hits[0], searcher, index, image=pixels)
            message(f"{heatmap}: {hits[0].ref.path}, page {hits[0].ref.page}")
        if save_pages is not None:
            saved = pictures.save_pages(save_pages, hits, searcher.snapshot, index)
            message(f"{save_pages}: {plural(saved, 'page')} saved")


def _decoded(argument: str) -> str:
    """An argument whose bytes are not UTF-8, read as Windows-1252; what is neither becomes "�"."""
    raw = argument.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _read(image: Path) -> U8:
    from .pictures import read_image  # imports numpy and the renderers

    return read_image(image)


def _print_table(hits: list[Hit]) -> None:
    """Print a table in a terminal, and tab-separated columns elsewhere."""
    if not sys.stdout.isatty():
        print("rank\tscore\tfile\tpage")
        for hit in hits:
            print(f"{hit.rank}\t{hit.score:.3f}\t{printable(hit.ref.path)}\t{hit.ref.page}")
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
        table.add_row(str(hit.rank), f"{hit.score:.3f}", Text(printable(hit.ref.path)), str(hit.ref.page))
    Console().print(table)
