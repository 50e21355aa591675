"""`docsearch index`: indexes documents, with a progress bar for people and a JSON report for scripts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine import threads
from .options import (
    DEFAULT_INDEX,
    AsJson,
    Codec,
    Device,
    IndexDirectory,
    ModelDevice,
    PageRenderer,
    Passwords,
    Quiet,
    Renderer,
)
from .output import INTERRUPTED, SOME_FAILED, describe, message, plural, print_json
from .progress import clock, progress_bar

if TYPE_CHECKING:
    from ..indexer.report import IndexReport, Progress

FAILURES_SHOWN = 10
"""Failures that are listed after a run; 'docsearch failed' lists all."""
WORKERS_MAX = 8
"""The most render processes that are started by default."""


def index(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Folders or files: PDF, PNG, JPEG, WebP, TIFF.")
    ],
    index: IndexDirectory = DEFAULT_INDEX,
    model: Annotated[str, typer.Option(help="Embedding model; 'docsearch models' lists them.")] = "pixel",
    device: ModelDevice = Device.auto,
    codec: Codec = None,
    pool: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Merge similar vectors of a page, to about 1/N of them. By default as in the existing index; 1 (no "
            "pooling) in a new one.",
        ),
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents that are no longer on disk.")] = False,
    password: Passwords = None,
    renderer: Renderer = PageRenderer.mupdf,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that render pages. By default half the processor cores.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Index documents, or update an index.

    Unchanged documents are skipped, changed ones replaced, and moved ones recognised by their content. An interrupted
    run continues where it stopped. Unreadable documents are skipped; 'docsearch failed' lists them.

    Examples:

        docsearch index reports/

        docsearch index reports/ scans/letter.png --index office.index --prune

        docsearch index vault/ --password secret --json

        docsearch index archive/ --codec binary

        docsearch index archive/ --model jinaai/jina-embeddings-v4 --pool 3
    """
    from ..engine.models.registry import find_spec
    from ..engine.searcher import open_searcher
    from ..indexer import pipeline

    if not quiet and (notice := find_spec(model).notice):
        message(notice)
    with progress_bar("scanning documents", text="{task.percentage:>3.0f}%  {task.description}", quiet=quiet) as bar:
        try:
            report = pipeline.index_documents(
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
                on_progress=lambda progress: bar.update(progress.bytes, progress.bytes_total, _progress_line(progress)),
            )
        except KeyboardInterrupt:
            message("docsearch: interrupted; finished pages are saved, and the same command continues from there")
            raise typer.Exit(INTERRUPTED) from None
    with open_searcher(index) as searcher:
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
        message(f"failed: {describe(failure)}")
    if len(report.failed) > FAILURES_SHOWN:
        message(f"... and {len(report.failed) - FAILURES_SHOWN:,} more; 'docsearch failed' lists them all")


def _default_workers() -> int:
    return min(max(threads.available() // 2, 1), WORKERS_MAX)


def _progress_line(progress: Progress) -> str:
    rate = progress.pages / progress.seconds if progress.seconds > 0 else 0.0
    rendered = progress.bytes - progress.bytes_skipped
    eta = "?"
    if rendered > 0 and progress.pages:
        eta = clock(progress.seconds * (progress.bytes_total - progress.bytes) / rendered)
    failed = f" · {progress.failed:,} failed" if progress.failed else ""
    return (
        f"{progress.documents:,}/{progress.documents_total:,} documents · {plural(progress.pages, 'page')} · "
        f"{rate:.1f} pages/s · ETA {eta}{failed}"
    )
