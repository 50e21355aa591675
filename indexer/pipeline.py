"""The indexing pipeline: discover documents, render their pages, embed the images, store the vectors.

Incremental: unchanged documents are skipped, and an interrupted run continues at its first missing page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from ..engine.errors import IndexNotFound, UsageError
from ..engine.models import sentences
from ..engine.models.encoder import EncoderSpec, PageEncoder
from ..engine.store import Failure, IndexWriter, open_snapshot, open_writer
from ..engine.store.catalog import OCR
from . import discover, ocr_setting, selection, source_folders, sources
from . import kinds as file_kinds
from .describe import describe
from .discover import Document
from .metadata import Metadata, RecordedMetadata, remembered
from .metadata_report import MetadataReport
from .page_model import PageModel
from .render.ocr import Ocr
from .render.renderer import Renderer
from .report import IndexReport, Interrupted, Progress
from .run import Run
from .settings import FileChoice, IndexSettings
from .stages import Stages

RenderAndStore = Callable[[Run, Callable[[], Renderer], Callable[[], PageEncoder]], None]
"""Renders, embeds and stores the pages that a run lacks, given how to make a renderer and how to open the model."""


def index_documents(
    paths: Sequence[Path | str],
    directory: Path | str,
    *,
    model: str = "pixel",
    device: str = "auto",
    codec: str | None = None,
    pool: int | None = None,
    cross_language: bool | None = None,
    ocr: str | None = None,
    ocr_languages: str | None = None,
    prune: bool = False,
    rehash: bool = False,
    exclude: Sequence[str] = (),
    kinds: Sequence[str] | None = None,
    where: str | None = None,
    passwords: Sequence[str] = (),
    renderer: str = "mupdf",
    workers: int = 1,
    metadata: Path | str | None = None,
    forget_metadata: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> IndexReport:
    """Bring the index in `directory` up to date with the documents at `paths`, files or folders.

    Unchanged documents are skipped; a changed one is replaced under its old id; a moved one keeps its id and pages; an
    unfinished one continues at its first missing page; a failed one is tried again. `prune` removes documents that are
    no longer on disk. A document whose size and modification time are those in the index is not read, unless `rehash`.
    Files and folders that match a glob of `exclude`, by path or by name, are left out; if the index has documents of
    them, these stay. `kinds` are the names of the kinds of files to read (`kinds.KINDS`; "all"); None: all kinds but
    "code" and "archive".

    With `where`, a condition (docs/filters.md), only files are taken for which it holds, with what lies in them. It may
    have the columns path, kind, modified and size, and those of `metadata` and of files beside documents. The index
    remembers it with the `paths`; documents that it already has stay.

    `metadata` is a table (.csv, .jsonl or .parquet) of what users say of their documents, by path or glob; the index
    remembers it, and later runs read it again, unless `forget_metadata`. A JSON file beside a document, such as
    a.pdf.json, says more of that one. Both become columns for conditions (docs/filters.md).

    `model` is loaded on `device` and embeds the pages, unless an `encoder` is passed. `codec` is how vectors are
    stored: by default the index's own, int8 for a new one. `pool` is the token pooling factor
    (`engine.compression.pooling`): by default the index's own, 1 (no pooling) for a new one. `cross_language`
    says whether questions also find pages in other languages, by the meaning of their text layers; None keeps the
    index's setting, which is off in a new index.

    `ocr` is the engine that reads pages without a text layer, "auto", "tesseract" or "rapidocr", or else "off"; None
    keeps the index's setting, which is off in a new index. `ocr_languages`, such as "deu+eng", are those that Tesseract
    reads; None: all that are installed, three at most. When OCR is turned on, documents of the index that have pages
    without a text layer are read again. When it is turned off, text that it read stays.

    `passwords` are tried on encrypted files. `renderer` is "mupdf" or "pdfium", `workers` the number of processes that
    render pages. `on_progress` receives a `Progress` after each step.

    Raises UsageError, EncoderMismatch, IndexLocked, IndexFormatError and StorageFull; earlier commits stay. If
    `on_progress` raises Interrupted, or on KeyboardInterrupt, the pages embedded so far are committed first.
    """
    return index_paths(
        paths,
        directory,
        FileChoice(exclude=tuple(exclude), kinds=None if kinds is None else tuple(kinds), where=where),
        IndexSettings(
            model=model,
            device=device,
            codec=codec,
            pool=pool,
            cross_language=cross_language,
            ocr=ocr,
            ocr_languages=ocr_languages,
            prune=prune,
            rehash=rehash,
            passwords=tuple(passwords),
            renderer=renderer,
            workers=workers,
            metadata=metadata,
            forget_metadata=forget_metadata,
        ),
        on_progress=on_progress,
        encoder=encoder,
        clock=clock,
    )


def index_paths(
    paths: Sequence[Path | str],
    directory: Path | str,
    choice: FileChoice,
    settings: IndexSettings,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
    clock: Callable[[], float] = time.monotonic,
    render_and_store: RenderAndStore | None = None,
) -> IndexReport:
    """As `index_documents`, with its arguments in two values.

    Another `render_and_store` does the work elsewhere, as on other machines.
    """
    condition = selection.checked(choice.where)
    discovery = discover.find(
        [Path(path) for path in paths], exclude=choice.exclude, kinds=choice.kinds, renderer=settings.renderer
    )
    given = [sources.of(path, exclude=choice.exclude, kinds=choice.kinds, where=condition) for path in paths]
    return index_found(
        lambda _files: discovery,
        Path(directory),
        given,
        settings,
        on_progress=on_progress,
        encoder=encoder,
        clock=clock,
        render_and_store=render_and_store,
    )


def index_found(
    find: Callable[[Mapping[str, bytes]], discover.Discovery],
    directory: Path,
    given: Sequence[sources.Source],
    settings: IndexSettings,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
    clock: Callable[[], float] = time.monotonic,
    render_and_store: RenderAndStore | None = None,
) -> IndexReport:
    """Bring an index up to date with what `find` finds, given the files of the index's documents (`IndexWriter.files`).

    The sources `given` are recorded for 'docsearch update'. Everything else as in `index_paths`.
    """
    model = PageModel.find(settings.model, settings.device, encoder)
    _check_cross_language(settings, model.spec)
    recorded = _recorded(directory)
    known = recorded or _Recorded()
    reading = ocr_setting.wanted(settings.ocr, settings.ocr_languages, known.ocr)
    model = model.pooled(settings.pool, known.pool)
    codebook = model.codebook(settings.codec)
    # A mistake in the table of metadata or in a condition is found before an index is made.
    table = None if settings.metadata is None else Metadata(Path(settings.metadata))
    if recorded is None and any((wanted := selection.conditions(given)).values()):
        selection.require_some(selection.selected(find({}), wanted, table or Metadata(None)))
    with open_writer(directory, fingerprint=model.fingerprint, codec=settings.codec, codebook=codebook) as writer:
        users = table or remembered(writer, forget=settings.forget_metadata)
        files = writer.files()
        discovery = _selected(find(files), given, writer, directory, users)
        if given:
            selection.require_some(discovery)
        name = model.spec.name if encoder else settings.model
        sources.record(directory, given, discovery, files, model=name, renderer=settings.renderer)
        ocr_setting.record(writer, reading)
        asked = ocr_setting.is_asked_for(settings.ocr, settings.ocr_languages)
        run = Run(
            writer,
            directory,
            discovery,
            settings,
            on_progress,
            clock,
            known_failures=known.failures,
            passages=model.spec.reads_passages,
            for_ocr=ocr_setting.paths_to_read(writer, reading, failed=asked),
        )
        make_renderer = _renderer_of(model.spec, settings, reading)
        (render_and_store or _render_and_store)(run, make_renderer, model.load)
        describe(writer, discovery, make_renderer, on_progress, clock)
        run.remove_resolved_failures()
        run.record_files()
        run.handle_vanished(prune=settings.prune)
        ocr_setting.record_all_read(writer, reading)
        if settings.cross_language is not None:
            writer.set_cross_language(sentences.MULTILINGUAL_USE.name if settings.cross_language else None)
        about_metadata = (
            users
            if isinstance(users, MetadataReport)
            else users.record(writer, discovery.documents, source_folders.recorded(directory))
        )
    return replace(run.report(), metadata=about_metadata)


def add(
    document: Document,
    directory: Path,
    *,
    encoder: PageEncoder,
    passwords: Sequence[str] = (),
    on_progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> IndexReport:
    """Add or update one document, under the name `document.path`, in an existing index; all others stay as they are.

    Its vectors are pooled by the index's own factor. Raises what `index_documents` raises, and IndexNotFound.
    """
    discovery = discover.Discovery((), (document,), (), suffixes=file_kinds.readable(None))
    settings = IndexSettings(rehash=True, passwords=tuple(passwords))
    known = _recorded(directory) or _Recorded()
    reading = ocr_setting.wanted(None, None, known.ocr)
    model = PageModel.find(encoder.spec.name, settings.device, encoder).pooled(None, known.pool)
    with open_writer(directory, fingerprint=model.fingerprint, create=False) as writer:
        run = Run(
            writer,
            directory,
            discovery,
            settings,
            on_progress,
            clock,
            known_failures=known.failures,
            passages=model.spec.reads_passages,
        )
        _render_and_store(run, _renderer_of(model.spec, settings, reading), model.load)
    return run.report()


def _check_cross_language(settings: IndexSettings, spec: EncoderSpec) -> None:
    """Raise UsageError where cross-language search is asked for, and cannot be had."""
    if not settings.cross_language:
        return
    if not spec.vocabulary:
        raise UsageError(f"cross-language search needs the model pixel, or one fine-tuned from it, not {spec.name}")
    sentences.require()


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What an index has of earlier runs: its token pooling factor, what failed, and its setting of OCR."""

    pool: int = 1
    failures: frozenset[Failure] = frozenset()
    ocr: str | None = None


def _recorded(directory: Path) -> _Recorded | None:
    """What the index in `directory` has of earlier runs; None if there is no index yet."""
    try:
        with open_snapshot(directory) as snapshot:
            return _Recorded(snapshot.pool, frozenset(snapshot.failures()), snapshot.setting(OCR))
    except IndexNotFound:
        return None


def _selected(
    found: discover.Discovery,
    given: Sequence[sources.Source],
    writer: IndexWriter,
    directory: Path,
    users: Metadata | MetadataReport,
) -> discover.Discovery:
    """What was found without the files for which the condition of their source, recorded or `given`, does not hold."""
    record = sources.read(directory)
    wanted = selection.conditions(() if record is None else record.sources, given)
    said = RecordedMetadata(writer) if isinstance(users, MetadataReport) else users
    return selection.selected(found, wanted, said)


def _renderer_of(spec: EncoderSpec, settings: IndexSettings, ocr: Ocr | None) -> Callable[[], Renderer]:
    """Makes a renderer of pages as a model reads them. Unlike a lambda, it can be sent to another process."""
    return partial(
        Renderer,
        dpi=spec.render_dpi,
        max_pixels=spec.max_pixels,
        renderer=settings.renderer,
        workers=settings.workers,
        passwords=settings.passwords,
        detail_pixels=spec.detail_pixels,
        passages=spec.reads_passages,
        ocr=ocr,
    )


def _render_and_store(run: Run, make_renderer: Callable[[], Renderer], load_encoder: Callable[[], PageEncoder]) -> None:
    """Render, embed and store the missing pages; loads the model and starts processes only if there are any.

    Then those of the documents that lie in these documents, in these, and so on.
    """
    on_progress, encoder = run.on_progress, None
    with run.attached, ExitStack() as opened:
        renderer: Renderer | None = None
        documents = run.documents_to_render()
        while True:
            if (first := next(documents, None)) is not None:
                encoder = encoder or load_encoder()
                renderer = renderer or opened.enter_context(make_renderer())
                stages = Stages(run, encoder, on_progress=on_progress, clock=run.clock)
                run.on_progress = stages.report
                try:
                    stages.run(renderer, chain([first], documents))
                except (KeyboardInterrupt, Interrupted):
                    run.commit_interrupted()
                    raise
                finally:
                    run.on_progress = on_progress
            else:
                run.report_progress()
            run.record_attached()
            if run.attached.is_empty:
                return
            documents = run.attached_to_render()
