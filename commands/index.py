"""`docsearch index`: documents in, a committed index out, with a progress bar for people and a report for scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine import threads
from .options import DEFAULT_INDEX, AsJson, Codec, Device, IndexDirectory, note, plural, print_json

if TYPE_CHECKING:
    from ..indexer.report import IndexReport, Progress

FAILURES_SHOWN = 10
SOME_FAILED = 1
INTERRUPTED = 130
WORKERS_MAX = 8


class PageRenderer(StrEnum):
    """What draws the pages of a PDF."""

    mupdf = "mupdf"
    pdfium = "pdfium"


def index(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Folders or files: PDF, PNG, JPEG, WebP, TIFF.")
    ],
    index: IndexDirectory = DEFAULT_INDEX,
    model: Annotated[str, typer.Option(help="Model that embeds the pages; see 'docsearch models'.")] = "pixel",
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.auto,
    codec: Codec = None,
    pool: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Merge a page's similar vectors, to about 1/N of all; by default as the index does, 1 (none) if new.",
        ),
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents that are no longer on disk.")] = False,
    password: Annotated[
        list[str] | None, typer.Option(help="Password to try on encrypted files; may be given several times.")
    ] = None,
    renderer: Annotated[
        PageRenderer, typer.Option(help="What draws the pages: MuPDF (AGPL), or PDFium (the extra 'pdfium').")
    ] = PageRenderer.mupdf,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that draw pages; by default half of the processor cores.")
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Index documents, or bring an index up to date.

    Unchanged documents are skipped, changed ones replaced, moved ones recognised. A run that was stopped goes on
    where it was. A document that cannot be read costs itself only; 'docsearch failed' lists it.

    Examples:

        docsearch index reports/

        docsearch index reports/ scans/letter.png --index office.index --prune

        docsearch index vault/ --password secret --json

        docsearch index archive/ --codec binary

        docsearch index archive/ --model jinaai/jina-embeddings-v4 --pool 3
    """
    from ..engine.models.registry import find_spec
    from ..engine.searcher import open_index
    from ..indexer import pipeline

    if not quiet and (notice := find_spec(model).notice):
        note(notice)
    with _progress(shown=not quiet and sys.stderr.isatty()) as on_progress:
        try:
            report = pipeline.index(
                paths,
                index,
                model=model,
                device=device.value,
                codec=codec,
                pool=pool,
                prune=prune,
                passwords=tuple(password or ()),
                renderer=renderer.value,
                workers=workers or _default_workers(),
                on_progress=on_progress,
            )
        except KeyboardInterrupt:
            note("docsearch: interrupted; what was done is kept, the same command goes on from there")
            raise typer.Exit(INTERRUPTED) from None
    with open_index(index) as searcher:
        searcher.prepare()
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        print(_summary(report))
    if report.failed:
        if not as_json:
            _list_failures(report)
        raise typer.Exit(SOME_FAILED)


def _summary(report: IndexReport) -> str:
    parts = [
        f"{plural(report.documents, 'document')} indexed, {plural(report.pages, 'page')} in {report.seconds:.1f} s"
    ]
    if report.pages and report.seconds > 0:
        parts[0] += f" ({report.pages / report.seconds:.1f} pages/s)"
    parts += [
        f"{count:,} {what}"
        for count, what in (
            (report.skipped, "unchanged"),
            (report.moved, "moved"),
            (report.removed, "removed"),
            (report.vanished, "no longer on disk (--prune removes them)"),
            (len(report.failed), "failed"),
        )
        if count
    ]
    return "; ".join(parts)


def _list_failures(report: IndexReport) -> None:
    for failure in report.failed[:FAILURES_SHOWN]:
        page = "" if failure.page is None else f", page {failure.page}"
        note(f"failed: {failure.path}{page}: {failure.reason}")
    if len(report.failed) > FAILURES_SHOWN:
        note(f"... and {len(report.failed) - FAILURES_SHOWN:,} more; 'docsearch failed' lists them all")


def _default_workers() -> int:
    return min(max(threads.available() // 2, 1), WORKERS_MAX)


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Yield what draws the progress bar on stderr, or None where there is nobody to see it."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%  {task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking at documents", total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.bytes, total=progress.bytes_total, description=_line(progress))

        yield show


def _line(progress: Progress) -> str:
    rate = progress.pages / progress.seconds if progress.seconds > 0 else 0.0
    rendered = progress.bytes - progress.bytes_skipped
    eta = "?"
    if rendered > 0 and progress.pages:
        eta = _clock(progress.seconds * (progress.bytes_total - progress.bytes) / rendered)
    failed = f" · {progress.failed:,} failed" if progress.failed else ""
    return (
        f"{progress.documents:,}/{progress.documents_total:,} documents · {plural(progress.pages, 'page')} · "
        f"{rate:.1f} pages/s · ETA {eta}{failed}"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
