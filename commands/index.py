"""`docsearch index`: indexes documents, with a progress bar for people and a JSON report for scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .cluster import ClusterProgress, Ray, RayGpus, RayWorkers, Staging, check_ray_options, index_on_cluster, places
from .index_report import accepted_failures, list_failures, list_metadata_problems, plan_lines
from .indexing import default_workers, run_and_report
from .options import (
    DEFAULT_INDEX,
    AsJson,
    Codec,
    IndexDirectory,
    KnownFailures,
    ModelDevice,
    OcrEngine,
    PageRenderer,
    Passwords,
    Prune,
    Quiet,
    Rehash,
    Renderer,
    Workers,
)
from .output import message, print_json

if TYPE_CHECKING:
    from ..indexer.report import IndexReport
    from ..indexer.settings import FileChoice, IndexSettings


def index(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Folders or files, of the kinds that --kinds names; with --ray also URLs such as s3://bucket/reports.",
        ),
    ],
    index: IndexDirectory = DEFAULT_INDEX,
    model: Annotated[str, typer.Option(help="Embedding model; 'docsearch models' lists them.")] = "pixel",
    device: ModelDevice = "auto",
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
    cross_language: Annotated[
        bool | None,
        typer.Option(
            "--cross-language/--no-cross-language",
            help="Find pages by the meaning of their text, too: those in other languages than the question's, and with "
            "'query --mode semantic' all. By default as in the existing index; off in a new one. Needs the extra "
            "cross-language.",
        ),
    ] = None,
    ocr: Annotated[
        bool | None,
        typer.Option(
            "--ocr/--no-ocr",
            help="Read pages that have no text layer, such as scans, by OCR, for seconds a page. By default as in the "
            "existing index; off in a new one. Needs the program tesseract or the extra ocr.",
        ),
    ] = None,
    ocr_engine: Annotated[
        OcrEngine | None,
        typer.Option(
            "--ocr-engine",
            help="What reads them, with --ocr: tesseract, rapidocr, or auto, which is Tesseract where that is "
            "installed.",
        ),
    ] = None,
    ocr_languages: Annotated[
        str | None,
        typer.Option(
            "--ocr-languages",
            metavar="LANG+...",
            help="Languages that Tesseract reads, such as deu+eng. By default all that are installed, if these are "
            "three at most.",
        ),
    ] = None,
    prune: Prune = False,
    rehash: Rehash = False,
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
            help="Kinds of files to read: pdf, image, xps, ebook, text, web, mail, office, code, or all. By default "
            "all but code.",
        ),
    ] = None,
    archives: Annotated[
        bool,
        typer.Option(
            "--archives",
            help="Open archives (.zip, .tar, .tar.gz, …), too: the documents in them are indexed as reports.zip/a.pdf.",
        ),
    ] = False,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="Only files for which this condition holds: of the columns path, kind, modified, size, and those of "
            "--metadata and of files such as a.pdf.json.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what would be read, without reading or changing anything."),
    ] = False,
    known_failures: KnownFailures = None,
    password: Passwords = None,
    renderer: Renderer = PageRenderer.mupdf,
    workers: Workers = None,
    metadata: Annotated[
        Path | None,
        typer.Option(
            "--metadata",
            metavar="FILE",
            help="Table of columns of the documents (.csv, .jsonl, .parquet), by path or glob: query --where compares "
            "them. Later runs read it again. A file a.pdf.json beside a.pdf says more of that one.",
        ),
    ] = None,
    no_metadata: Annotated[
        bool, typer.Option("--no-metadata", help="Forget the table of --metadata and the columns that it gave.")
    ] = False,
    ray: Ray = None,
    ray_workers: RayWorkers = None,
    ray_gpus: RayGpus = None,
    staging: Staging = "",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Index documents, or update an index.

    Unchanged documents are skipped, changed ones replaced, and moved ones recognised by their content. A document of
    the same size and modification time counts as unchanged; --rehash compares the content. An interrupted run continues
    where it stopped. Unreadable documents are skipped; 'docsearch failed' lists them. Documents that --exclude leaves
    out stay if they are in the index; 'docsearch remove' takes them out. The index remembers the folders and options:
    'docsearch update' needs no arguments.

    Hidden files and folders, and folders of tools such as node_modules, are left out. A .docsearchignore file, with
    patterns as in .gitignore, leaves out more of its folder, and takes in again what begins with "!". Files attached to
    e-mails and embedded in PDFs are documents, too: mail.eml/report.pdf.

    With --ocr, pages without a text layer get one: it is searched, shown in snippets and marked as OCR's in JSON.
    Documents of the index that have such pages are read again, once. What was read stays after --no-ocr.

    With --ray, workers on a Ray cluster render and embed, and this process writes the index (docs/scale.md). With
    --json, lines about the progress go to stderr then.

    Examples:

        docsearch index reports/

        docsearch index reports/ scans/letter.png --index office.index --prune

        docsearch index reports/ --exclude drafts --exclude '*.tmp.pdf' --dry-run

        docsearch index photos/ --kinds pdf,image

        docsearch index backup/ --archives

        docsearch index reports/ --where "modified >= 2024 and size < 20 MB"

        docsearch index reports/ --known-failures ok --quiet

        docsearch index reports/ --metadata reports/metadata.csv

        docsearch index vault/ --password secret --json

        docsearch index archive/ --codec binary

        docsearch index reports/ --cross-language

        docsearch index scans/ --ocr --ocr-languages deu+eng

        docsearch index archive/ --model jinaai/jina-embeddings-v4 --pool 3

        docsearch index s3://archive/reports --index /data/reports.index --ray auto --staging s3://archive/staging
    """
    from ..engine.models.registry import find_spec
    from ..indexer.kinds import with_archives
    from ..indexer.pipeline import index_paths
    from ..indexer.settings import FileChoice, IndexSettings

    given = places(paths, on_cluster=ray is not None and not dry_run)
    check_ray_options(ray, ray_workers, ray_gpus, staging)
    if metadata is not None and no_metadata:
        raise UsageError("--metadata names a table, and --no-metadata forgets it; leave one of them out")
    engine = _ocr(ocr, ocr_engine, ocr_languages)
    wanted_kinds = with_archives(kinds) if archives else kinds
    choice = FileChoice(
        exclude=tuple(exclude or ()), kinds=None if wanted_kinds is None else tuple(wanted_kinds), where=where
    )
    settings = IndexSettings(
        model=model,
        device=device,
        codec=codec,
        pool=pool,
        cross_language=cross_language,
        ocr=engine,
        ocr_languages=ocr_languages,
        prune=prune,
        rehash=rehash,
        passwords=tuple(password or ()),
        renderer=renderer.value,
        workers=workers or (1 if dry_run else default_workers(index, engine)),
        metadata=metadata,
        forget_metadata=no_metadata,
    )
    if dry_run:
        _print_plan(given, index, choice, settings, as_json=as_json, quiet=quiet)
        return
    accepted = accepted_failures(known_failures)
    if not quiet and (notice := find_spec(model).notice):
        message(notice)
    shown = ClusterProgress(as_json=as_json, quiet=quiet)
    run: Callable[..., IndexReport] = partial(index_paths, given, index, choice, settings)
    if ray is not None:
        run = partial(
            index_on_cluster,
            given,
            index,
            choice,
            settings,
            address=ray,
            ray_workers=ray_workers,
            gpus=ray_gpus,
            staging=staging,
            shown=shown,
        )
    run_and_report(
        lambda on_progress: run(on_progress=on_progress),
        index,
        known_failures=known_failures,
        accepted=accepted,
        as_json=as_json,
        quiet=quiet,
        line=None if ray is None else shown.line,
    )


def _ocr(ocr: bool | None, engine: OcrEngine | None, languages: str | None) -> str | None:
    """What `index_documents` gets as its `ocr`: an engine or a language asks for OCR, too. Raises UsageError."""
    if ocr is False:
        if engine is not None or languages:
            raise UsageError("--no-ocr reads no page, so --ocr-engine and --ocr-languages would change nothing")
        return "off"
    if engine is not None:
        return engine.value
    return "auto" if ocr or languages else None


def _print_plan(
    paths: Sequence[Path | str],
    index: Path,
    choice: FileChoice,
    settings: IndexSettings,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Carry out --dry-run: print what a run would read of `paths`."""
    from ..indexer.metadata import Metadata
    from ..indexer.plan import plan

    if settings.rehash:
        raise UsageError("--dry-run reads no document, so --rehash would change nothing; leave one of them out")
    if settings.metadata is not None:
        Metadata(Path(settings.metadata))  # a mistake in the table is told now
    planned = plan(paths, index, choice, settings)
    if as_json:
        print_json(asdict(planned))
    elif not quiet:
        print(plan_lines(planned, prune=settings.prune))
        list_failures(planned.failed)
        list_metadata_problems(planned.problems)
