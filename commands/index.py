"""`docsearch index`: indexes documents, with a progress bar for people and a JSON report for scripts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine import threads
from ..engine.errors import UsageError
from .index_report import accepted_failures, list_failures, plan_lines, summary, unexpected_failures
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
from .output import INTERRUPTED, SOME_FAILED, message, plural, print_json
from .progress import clock, progress_bar

if TYPE_CHECKING:
    from ..indexer.report import Progress

WORKERS_MAX = 8
"""The most render processes that are started by default."""


def index(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Folders or files, of the kinds that --kinds names.")
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
    rehash: Annotated[
        bool,
        typer.Option("--rehash", help="Read every document, also those whose size and modification time are the same."),
    ] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="GLOB",
            help="Leave out files and folders of this path or name; can be given several times.",
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kinds",
            metavar="KIND,...",
            help="Kinds of files to read: pdf, image, xps, ebook, text, web, mail, code, or all. By default all but "
            "code.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what would be read, without reading or changing anything."),
    ] = False,
    known_failures: Annotated[
        str | None,
        typer.Option(
            "--known-failures",
            metavar="ok|FILE",
            help="Exit with 0 if nothing failed except as in earlier runs (ok), or except what FILE lists, as "
            "'docsearch failed --json' prints it.",
        ),
    ] = None,
    password: Passwords = None,
    renderer: Renderer = PageRenderer.mupdf,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes that render pages. By default half the processor cores that this process may use."
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Index documents, or update an index.

    Unchanged documents are skipped, changed ones replaced, and moved ones recognised by their content. A document of
    the same size and modification time counts as unchanged; --rehash compares the content. An interrupted run continues
    where it stopped. Unreadable documents are skipped; 'docsearch failed' lists them. Documents that --exclude leaves
    out stay if they are in the index; 'docsearch remove' takes them out.

    Hidden files and folders, and folders of tools such as node_modules, are left out. A .docsearchignore file, with
    patterns as in .gitignore, leaves out more of its folder, and takes in again what begins with "!".

    Examples:

        docsearch index reports/

        docsearch index reports/ scans/letter.png --index office.index --prune

        docsearch index reports/ --exclude drafts --exclude '*.tmp.pdf' --dry-run

        docsearch index photos/ --kinds pdf,image

        docsearch index reports/ --known-failures ok --quiet

        docsearch index vault/ --password secret --json

        docsearch index archive/ --codec binary

        docsearch index archive/ --model jinaai/jina-embeddings-v4 --pool 3
    """
    from ..engine.models.registry import find_spec
    from ..engine.searcher import open_searcher
    from ..indexer import pipeline
    from ..indexer.plan import plan

    excluded = tuple(exclude or ())
    if dry_run:
        if rehash:
            raise UsageError("--dry-run reads no document, so --rehash would change nothing; leave one of them out")
        planned = plan(paths, index, exclude=excluded, kinds=kinds, renderer=renderer.value)
        if as_json:
            print_json(asdict(planned))
        elif not quiet:
            print(plan_lines(planned, prune=prune))
            list_failures(planned.failed)
        return
    accepted = accepted_failures(known_failures)

    if not quiet and (notice := find_spec(model).notice):
        message(notice)
    with progress_bar(
        "scanning documents", text="{task.percentage:>3.0f}%  {task.description}", quiet=quiet, lines=True
    ) as bar:
        try:
            report = pipeline.index_documents(
                paths,
                index,
                model=model,
                device=device.value,
                codec=codec,
                pool=pool,
                prune=prune,
                rehash=rehash,
                exclude=excluded,
                kinds=kinds,
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
    unexpected = unexpected_failures(report, known_failures, accepted)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        print(summary(report, unexpected))
    if unexpected:
        if not as_json:
            list_failures(unexpected)
        raise typer.Exit(SOME_FAILED)


def _default_workers() -> int:
    return min(max(threads.available() // 2, 1), WORKERS_MAX)


def _progress_line(progress: Progress) -> str:
    rate = progress.pages / progress.seconds if progress.seconds > 0 else 0.0
    rendered = progress.bytes - progress.bytes_skipped
    eta = "?"
    if rendered > 0 and (progress.pages or not progress.pages_total):
        eta = clock(progress.seconds * (progress.bytes_total - progress.bytes) / rendered)
    failed = f" · {progress.failed:,} failed" if progress.failed else ""
    return (
        f"{progress.documents:,}/{progress.documents_total:,} documents · {plural(progress.pages, 'page')} · "
        f"{rate:.1f} pages/s · ETA {eta}{failed}"
    )
