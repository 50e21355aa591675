"""`docsearch import`: fills an index with vectors that were made elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .export import PAGES_DONE
from .interrupts import interruptible
from .options import DEFAULT_INDEX, AsJson, Codec, IndexDirectory, Quiet
from .output import print_json

KEPT = "pages that are committed are kept, and the same command continues after them"


def import_vectors(
    source: Annotated[Path, typer.Argument(help="Parquet file, or folder of Parquet files.")],
    index: IndexDirectory = DEFAULT_INDEX,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Model that made the vectors, as 'docsearch models' names it. An export says so itself."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="A name of your own for a model that docsearch does not know; questions are then asked from Python, "
            "with an encoder of that name.",
        ),
    ] = None,
    codec: Codec = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Fill an index from Parquet files with pages and vectors.

    'docsearch export' writes such files. Columns are path, page (from 1) and vectors, a list of lists of numbers for
    each page; text, width, height, boxes, words and single are taken where there are any. A killed import
    continues when it is run again.

    Examples:

        docsearch import pages/ --index copy.index

        docsearch import vectors.parquet --index reports.index --name my-model-v1
    """
    from ..engine.errors import UsageError
    from ..engine.models.registry import find_spec
    from ..exchange import importing
    from ..indexer import properties
    from .progress import progress_bar

    if model is not None and name is not None:
        raise UsageError("--model and --name exclude each other")
    fingerprint = find_spec(model).fingerprint if model is not None else {"name": name} if name is not None else None
    with (
        interruptible(lambda: KEPT),
        progress_bar(text=PAGES_DONE, time_left=True, quiet=quiet, lines=True) as bar,
    ):
        done = importing.run(
            source,
            index,
            fingerprint=fingerprint,
            codec=codec,
            columns=properties.columns,
            on_progress=lambda pages, total: bar.update(pages, total, ""),
        )
    if as_json:
        print_json({"index": str(index), **asdict(done)})
    elif not quiet:
        before = f" ({done.pages_before:,} more were there)" if done.pages_before else ""
        print(f"{done.pages:,} pages of {done.documents:,} documents added{before}")
