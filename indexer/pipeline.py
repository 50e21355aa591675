"""The indexing pipeline: discover documents, render their pages, embed the images, store the vectors.

Incremental: unchanged documents are skipped, and an interrupted run continues at its first missing page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from ..engine.compression.residual import Codebook
from ..engine.compression.visual_words import VisualWords
from ..engine.errors import IndexNotFound, UsageError
from ..engine.models import sentences
from ..engine.models.encoder import PageEncoder
from ..engine.models.pooled import pooled_encoder, pooled_spec
from ..engine.models.registry import find_spec, load_page_encoder, load_query_encoder
from ..engine.store import Failure, open_snapshot, open_writer
from ..engine.store.catalog import OCR
from . import discover, ocr_setting, selection, source_folders, sources
from . import kinds as file_kinds
from .describe import describe
from .discover import Document
from .metadata import Metadata, RecordedMetadata, remembered
from .metadata_report import MetadataReport
from .render.renderer import Renderer
from .report import IndexReport, Interrupted, Progress
from .run import Run
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
    render_and_store: RenderAndStore | None = None,
) -> IndexReport:
    """Bring the index in `directory` up to date with the documents at `paths`, files or folders.

    Unchanged documents are skipped; a changed one is replaced under its old id; a moved one keeps its id and pages; an
    unfinished one continues at its first missing page; a failed one is tried again. `prune` removes documents that are
    no longer on disk. A document whose size and modification time are those in the index is not read, unless `rehash`.
    Files and folders that match a glob of `exclude`, by path or by name, are left out; if the index has documents of
    them, these stay. `kinds` are the names of the kinds of files to read (`kinds.KINDS`; "all"), by default all but
    those that are only read when they are named.

    With `where`, a condition (docs/filters.md), only files are taken for which it holds, with what lies in them. It may
    have the columns path, kind, modified and size, and those of `metadata` and of files beside documents. The index
    remembers it with the `paths`; documents that it already has stay.

    `metadata` is a table (.csv, .jsonl or .parquet) of what users say of their documents, by path or glob; the index
    remembers it, and later runs read it again, unless `forget_metadata`. A JSON file beside a document, such as
    a.pdf.json, says more of that one. Both become columns for conditions (docs/filters.md).

    `model` is loaded on `device` and embeds the pages, unless an `encoder` is passed. `codec` is how vectors are
    stored: by default the index's own, int8 for a new one. `pool` is the token pooling factor
    (`engine.compression.pooling`): by default the index's own, 1 (no pooling) for a new one. `cross_language`
    says whether questions find pages in other languages by the meaning of their text layers: by default as before, not
    in a new index.

    `ocr` is the engine that reads pages without a text layer, "auto", "tesseract", "rapidocr", or "off": by default as
    before, off in a new index. Tesseract reads the `ocr_languages`, such as "deu+eng", by default all that are
    installed. Documents of the index that have such pages are read again; what OCR read stays when it is turned off.

    `passwords` are tried on encrypted files. `renderer` is "mupdf" or "pdfium", `workers` the number of
    its processes. `on_progress` receives a `Progress` after each step. Another `render_and_store` does the work
    elsewhere, as on other machines.

    Raises UsageError, EncoderMismatch, IndexLocked, IndexFormatError and StorageFull; earlier commits stay. If
    `on_progress` raises Interrupted, or on KeyboardInterrupt, the pages embedded so far are committed first.
    """
    condition = selection.checked(where)
    discovery = discover.find([Path(path) for path in paths], exclude=exclude, kinds=kinds, renderer=renderer)
    given = [sources.of(path, exclude=exclude, kinds=kinds, where=condition) for path in paths]
    return index_found(
        lambda _files: discovery,
        Path(directory),
        given,
        model=model,
        device=device,
        codec=codec,
        pool=pool,
        cross_language=cross_language,
        ocr=ocr,
        ocr_languages=ocr_languages,
        prune=prune,
        rehash=rehash,
        passwords=passwords,
        renderer=renderer,
        workers=workers,
        metadata=metadata,
        forget_metadata=forget_metadata,
        on_progress=on_progress,
        encoder=encoder,
        clock=clock,
        render_and_store=render_and_store,
    )


def index_found(
    find: Callable[[Mapping[str, bytes]], discover.Discovery],
    directory: Path,
    given: Sequence[sources.Source],
    *,
    model: str,
    device: str = "auto",
    codec: str | None = None,
    pool: int | None = None,
    cross_language: bool | None = None,
    ocr: str | None = None,
    ocr_languages: str | None = None,
    prune: bool = False,
    rehash: bool = False,
    passwords: Sequence[str] = (),
    renderer: str = "mupdf",
    workers: int = 1,
    metadata: Path | str | None = None,
    forget_metadata: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
    clock: Callable[[], float] = time.monotonic,
    render_and_store: RenderAndStore | None = None,
) -> IndexReport:
    """Bring an index up to date with what `find` finds, given the files of the index's documents (`IndexWriter.files`).

    The sources `given` are recorded for 'docsearch update'. Everything else as in `index_documents`.
    """
    spec = encoder.spec if encoder is not None else find_spec(model)
    if cross_language:
        if not spec.vocabulary:
            raise UsageError(f"cross-language search needs the model pixel, or one fine-tuned from it, not {spec.name}")
        sentences.require()
    known = _recorded(directory)
    recorded_factor, known_failures, recorded_ocr = known or (1, frozenset(), None)
    reading = ocr_setting.wanted(ocr, ocr_languages, recorded_ocr)
    factor = pooling_factor(pool, recorded_factor)
    codebook = codebook_of(model, encoder) if codec == "residual" and spec.vocabulary else None
    fingerprint = pooled_spec(spec, factor).fingerprint
    table = None if metadata is None else Metadata(Path(metadata))  # a mistake is found before an index is made
    if known is None and any((wanted := selection.conditions(given)).values()):  # and so is one in a condition
        selection.require_some(selection.selected(find({}), wanted, table or Metadata(None)))
    with open_writer(directory, fingerprint=fingerprint, codec=codec, codebook=codebook) as writer:
        users = table or remembered(writer, forget=forget_metadata)
        files = writer.files()
        recorded = sources.read(directory)
        wanted = selection.conditions(() if recorded is None else recorded.sources, given)
        said = RecordedMetadata(writer) if isinstance(users, MetadataReport) else users
        discovery = selection.selected(find(files), wanted, said)
        if given:
            selection.require_some(discovery)
        sources.record(directory, given, discovery, files, model=spec.name if encoder else model, renderer=renderer)
        ocr_setting.record(writer, reading)
        run = Run(
            writer,
            directory,
            discovery,
            on_progress,
            clock,
            rehash=rehash,
            known_failures=known_failures,
            renderer=renderer,
            passwords=passwords,
            passages=spec.reads_passages,
            for_ocr=ocr_setting.paths_to_read(writer, reading, failed=ocr_setting.is_asked_for(ocr, ocr_languages)),
        )
        make_renderer = partial(
            Renderer,
            dpi=spec.render_dpi,
            max_pixels=spec.max_pixels,
            renderer=renderer,
            workers=workers,
            passwords=passwords,
            detail_pixels=spec.detail_pixels,
            passages=spec.reads_passages,
            ocr=reading,
        )
        # Partial functions, not lambdas: they can be sent to another process.
        load_encoder = partial(_load_encoder, encoder, model, device, factor)
        (render_and_store or _render_and_store)(run, make_renderer, load_encoder)
        describe(writer, discovery, make_renderer, on_progress, clock)
        run.remove_resolved_failures()
        run.record_files()
        run.handle_vanished(prune=prune)
        ocr_setting.record_all_read(writer, reading)
        if cross_language is not None:
            writer.set_cross_language(sentences.MULTILINGUAL_USE.name if cross_language else None)
        about_metadata: MetadataReport | None
        if isinstance(users, MetadataReport):
            about_metadata = users
        else:
            about_metadata = users.record(writer, discovery.documents, source_folders.recorded(directory))
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
    spec, (factor, known_failures, recorded_ocr) = encoder.spec, _recorded(directory) or (1, frozenset(), None)
    reading = ocr_setting.wanted(None, None, recorded_ocr)
    with open_writer(directory, fingerprint=pooled_spec(spec, factor).fingerprint, create=False) as writer:
        run = Run(
            writer,
            directory,
            discovery,
            on_progress,
            clock,
            rehash=True,
            known_failures=known_failures,
            passwords=passwords,
            passages=spec.reads_passages,
        )
        make_renderer = partial(
            Renderer,
            dpi=spec.render_dpi,
            max_pixels=spec.max_pixels,
            passwords=passwords,
            detail_pixels=spec.detail_pixels,
            passages=spec.reads_passages,
            ocr=reading,
        )
        _render_and_store(run, make_renderer, lambda: pooled_encoder(encoder, factor))
    return run.report()


def pooling_factor(asked: int | None, recorded: int) -> int:
    """The token pooling factor that is `asked` for, by default the one `recorded` in the index. Raises UsageError."""
    factor = recorded if asked is None else asked
    if factor < 1:
        raise UsageError(f"pool {factor}: the pooling factor must be at least 1; 1 keeps all vectors")
    return factor


def codebook_of(model: str, encoder: PageEncoder | None) -> Codebook | None:
    """The codebook of an encoder, or else of `model`, for the codec residual; None if it has no visual words."""
    words: VisualWords | None = getattr(encoder or load_query_encoder(model), "visual_words", None)
    return None if words is None else words.codebook


def _load_encoder(encoder: PageEncoder | None, model: str, device: str, factor: int) -> PageEncoder:
    return pooled_encoder(encoder or load_page_encoder(model, device=device), factor)


def _recorded(directory: Path) -> tuple[int, frozenset[Failure], str | None] | None:
    """The token pooling factor of an index, what failed in earlier runs, and its setting of OCR; None if there is no
    index yet.
    """
    try:
        with open_snapshot(directory) as snapshot:
            return snapshot.pool, frozenset(snapshot.failures()), snapshot.setting(OCR)
    except IndexNotFound:
        return None


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
