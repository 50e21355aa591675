"""`docsearch export`: the pages of an index with their vectors, for other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.install import install_command
from .interrupts import interruptible
from .options import DEFAULT_INDEX, AsJson, IndexDirectory, Quiet
from .output import print_json

if TYPE_CHECKING:
    from ..engine.store import Snapshot
    from ..exchange.folder import Exported
    from ..exchange.pages import ExportedPages

PAGES_DONE = "{task.completed:,.0f} of {task.total:,.0f} pages"
KEPT = "files that are written are kept, and the same command continues after them"
DEFAULT_COLLECTION = "docsearch"
THUMBNAIL_QUALITY = 80
"""Pillow's quality setting, 1 to 95."""


class ExportFormat(StrEnum):
    """Values of --format."""

    parquet = "parquet"
    npz = "npz"
    lance = "lance"
    qdrant = "qdrant"


class ExportedVectors(StrEnum):
    """Values of --vectors."""

    float16 = "float16"
    stored = "stored"
    none = "none"


def export(
    out: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="Folder to write to; with --format qdrant a server's URL, or a folder for Qdrant's local mode.",
        ),
    ],
    index: IndexDirectory = DEFAULT_INDEX,
    file_format: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help=f"parquet ({install_command('parquet')}), npz (numpy's), lance ({install_command('lance')}), or "
            f"qdrant ({install_command('qdrant')}).",
        ),
    ] = ExportFormat.parquet,
    vectors: Annotated[
        ExportedVectors,
        typer.Option("--vectors", help="Patch vectors as float16, as the index stores them, or none: ids and texts."),
    ] = ExportedVectors.float16,
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="GLOB", help="Export only documents with a matching path or file name."),
    ] = None,
    thumbnails: Annotated[
        int | None,
        typer.Option("--thumbnails", min=16, max=2400, metavar="PIXELS", help="Add a JPEG of each page, so wide."),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option("--collection", help=f"Name of the collection in Qdrant.  [default: {DEFAULT_COLLECTION}]"),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Export pages with their vectors, texts and boxes.

    Other programs read them: a notebook, a data frame, a vector database.

    A killed export continues where it was when the same command is run again.

    Examples:

        docsearch export pages/

        docsearch export arrays/ --format npz --vectors stored --path "2023/*"

        docsearch export pages.lance --format lance

        docsearch export http://localhost:6333 --format qdrant --collection reports
    """
    from ..engine.errors import UsageError
    from ..engine.store import open_snapshot

    if file_format is ExportFormat.qdrant and (thumbnails is not None or vectors is not ExportedVectors.float16):
        raise UsageError("--format qdrant takes neither --thumbnails nor --vectors: its vectors are float16")
    if file_format is not ExportFormat.qdrant:
        if "://" in out:
            raise UsageError(f"{out}: a URL is written to with --format qdrant only; give a folder, or add that option")
        if collection is not None:
            raise UsageError("--collection is for --format qdrant only; leave it out, or add that option")
        if Path(out).exists() and not Path(out).is_dir():
            raise UsageError(f"{out}: a file, but an export is a folder; choose another name")
    collection = collection or DEFAULT_COLLECTION
    with interruptible(lambda: KEPT), open_snapshot(index) as snapshot:
        done = _run(snapshot, index, out, file_format, vectors, path, thumbnails, collection, quiet=quiet)
    if as_json:
        print_json({"out": out, **asdict(done)})
    elif not quiet:
        before = f" ({done.pages_before:,} of them by an earlier run)" if done.pages_before else ""
        print(f"{done.pages:,} pages{before}, {done.bytes / 1e6:,.1f} MB, in {out}")


def _run(
    snapshot: Snapshot,
    index: Path,
    out: str,
    file_format: ExportFormat,
    vectors: ExportedVectors,
    path: str | None,
    thumbnails: int | None,
    collection: str,
    *,
    quiet: bool,
) -> Exported:
    from .progress import progress_bar

    with progress_bar(text=PAGES_DONE, time_left=True, quiet=quiet, lines=True) as bar:

        def on_progress(done: int, total: int) -> None:
            bar.update(done, total, "")

        if file_format is ExportFormat.qdrant:
            from ..exchange import qdrant

            client = qdrant.connect(out)
            try:
                return qdrant.export(snapshot, client, collection, path=path, on_progress=on_progress)
            finally:
                client.close()
        from ..exchange import folder, lance

        pictures, close = _thumbnails(index, thumbnails)
        try:
            if file_format is ExportFormat.lance:
                return lance.export(
                    snapshot,
                    Path(out),
                    vectors=vectors.value,
                    path=path,
                    thumbnails=pictures,
                    on_progress=on_progress,
                )
            return folder.export(
                snapshot,
                Path(out),
                file_format=file_format.value,
                vectors=vectors.value,
                path=path,
                thumbnails=pictures,
                on_progress=on_progress,
            )
        finally:
            close()


def _thumbnails(
    index: Path, width: int | None
) -> tuple[Callable[[ExportedPages], list[bytes | None]] | None, Callable[[], None]]:
    """What makes the JPEGs of pages, None for those that cannot be rendered again, and what ends its process."""
    if width is None:
        return None, lambda: None
    from ..engine import images
    from ..engine.errors import DocsearchError
    from ..engine.records import PageRef
    from ..indexer.page_images import PageImages

    source = PageImages.small(index)

    def picture(ref: PageRef) -> bytes | None:
        try:
            return images.encode_jpeg(source.pixels(ref), width=width, quality=THUMBNAIL_QUALITY)
        except DocsearchError:
            return None

    return (lambda pages: [picture(ref) for ref in pages.refs]), source.close
