"""Indexes pictures of pages that come from a collection rather than from files: each is a document of one page.

A picture is written to a temporary file, rendered by a child process as any image is, and deleted: only as many files
exist as wait for the renderer. A picture keeps its name even where another one has the same bytes, because a
collection's judgements speak of names: `Picture.sha256` covers the name, so that nothing takes the two for copies.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from ..engine.errors import IndexNotFound, UsageError
from ..engine.models.encoder import PageEncoder
from ..engine.records import PageRef
from ..engine.store import Failure, IndexWriter, open_snapshot, open_writer
from .discover import Document
from .kinds import IMAGE_MAGIC
from .page_model import PageModel
from .render.renderer import DocumentDone, DocumentOpened, PageFailed, PageRendered, Renderer
from .report import IndexReport, Interrupted, Progress
from .stages import EncodedBatch, Stages


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as an encoded image, in a format that `index` reads, and its `name`; `text` is its text layer, or ""."""

    name: str
    content: bytes
    text: str = ""

    @property
    def sha256(self) -> str:
        """The SHA-256 of the name, the content and the text, 64 hex digits."""
        digest = hashlib.sha256(self.name.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(self.content)
        digest.update(b"\0" + self.text.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def index_pictures(
    pictures: Iterable[Picture],
    directory: Path,
    *,
    names: Iterable[str],
    model: str = "pixel",
    device: str = "auto",
    codec: str | None = None,
    pool: int | None = None,
    workers: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> IndexReport:
    """Bring the index in `directory` up to date with `pictures`, whose `names` are those that the index may have.

    Pictures that are in the index with the same content and text are skipped, so an interrupted run continues where it
    stopped; pictures are read one after the other, and only a few are in memory or on disk at a time. The other
    arguments are those of `pipeline.index_documents`. In `Progress`, and for its estimates, `bytes` counts pictures.

    Raises what `index_documents` raises, and UsageError where the index has documents of other names: scores of one
    collection must not depend on pages of another.
    """
    wanted = dict.fromkeys(names)
    page_model = PageModel.find(model, device, encoder).pooled(pool, _recorded_pool(directory))
    spec, codebook = page_model.spec, page_model.codebook(codec)
    with open_writer(directory, fingerprint=page_model.fingerprint, codec=codec, codebook=codebook) as writer:
        others = [path for path in writer.documents() if path not in wanted]
        if others:
            raise UsageError(
                f"{directory} has {len(others):,} documents that are not of this collection, '{others[0]}' among them; "
                "choose another index with --index"
            )
        run = _Run(writer, len(wanted), on_progress, clock)
        with tempfile.TemporaryDirectory(prefix="docsearch-pictures-") as spool:
            to_render = run.pictures_to_render(pictures, Path(spool))
            if (first := next(to_render, None)) is not None:
                stages = Stages(run, page_model.load(), on_progress=on_progress, clock=clock)
                run.on_progress = stages.report
                try:
                    with Renderer(dpi=spec.render_dpi, max_pixels=spec.max_pixels, workers=workers) as renderer:
                        stages.run(renderer, chain([first], to_render))
                except (KeyboardInterrupt, Interrupted):
                    with suppress(UsageError):  # the writer failed and takes no more calls: the last commit stands
                        run.commit()
                    raise
    return run.report()


class _Run:
    """The books of one run: pictures that are announced to the renderer, and counts."""

    def __init__(
        self,
        writer: IndexWriter,
        total: int,
        on_progress: Callable[[Progress], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._total = total
        self.on_progress = on_progress
        self._clock = clock
        self._started = clock()
        self._known = writer.documents()
        self._waiting: dict[str, tuple[str, str]] = {}  # name -> document id and text
        self._page_counts: dict[str, int] = {}
        self._failed: list[Failure] = []
        self._seen = self._done = self._pages = self._skipped = 0

    def pictures_to_render(self, pictures: Iterable[Picture], spool: Path) -> Iterator[tuple[Document, frozenset[int]]]:
        """Write each picture that the index lacks to a file in `spool`, and yield it as the renderer takes it."""
        for number, picture in enumerate(pictures):
            sha256, size = picture.sha256, len(picture.content)
            row = self._known.get(picture.name)
            if row is not None and row.sha256 == sha256 and row.state == "done":
                self._skipped += 1
                self._done += 1
                self._report_progress(picture.name)
                continue
            begun = self._writer.begin_document(picture.name, sha256, size, 0, None)
            self._waiting[picture.name] = (begun.doc_id, picture.text)
            file = spool / f"{number}{'.png' if IMAGE_MAGIC.match(picture.content) else '.pdf'}"
            file.write_bytes(picture.content)
            yield Document(picture.name, file, size, 0), begun.done_pages

    def as_indexed(self, page: PageRendered) -> PageRendered:
        """The rendered page with its document's id, and with the text of the collection."""
        doc_id, text = self._waiting[page.document.path]
        ref = PageRef(doc_id, page.document.path, page.image.ref.page)
        return replace(page, image=replace(page.image, ref=ref, text=text))

    def handle(self, event: DocumentOpened | PageFailed) -> None:
        """Record that a picture was opened, or that it could not be rendered."""
        name = event.document.path
        if isinstance(event, DocumentOpened):
            self._page_counts[name] = event.page_count
        else:
            self._fail_page(name, event.page, event.reason)

    def store(self, batch: EncodedBatch) -> None:
        """Add the pages of a batch to the store, and close the documents that have ended."""
        for pages in batch.embedded.batches:
            self._writer.add_pages(pages)
            self._pages += len(pages)
        for each in batch.embedded.failed:
            self._fail_page(each.ref.path, each.ref.page, each.reason)
        for event in batch.ended:
            name = event.document.path
            event.document.file.unlink(missing_ok=True)
            doc_id, _ = self._waiting.pop(name)
            if isinstance(event, DocumentDone):
                self._writer.finish_document(doc_id, self._page_counts.pop(name))
                self._seen += 1
            else:
                self._writer.fail_document(doc_id, event.reason)
                self._failed.append(Failure(name, None, event.reason))
            self._done += 1
            self._report_progress(name)

    def commit(self) -> None:
        """Make the pages stored so far durable."""
        self._writer.commit()

    def report(self) -> IndexReport:
        """The counts and failures of the run."""
        return IndexReport(
            documents=self._seen,
            pages=self._pages,
            skipped=self._skipped,
            moved=0,
            removed=0,
            vanished=0,
            failed=tuple(self._failed),
            seconds=self._clock() - self._started,
        )

    def _fail_page(self, name: str, page: int, reason: str) -> None:
        self._writer.fail_page(self._waiting[name][0], page, reason)
        self._failed.append(Failure(name, page, reason))

    def _report_progress(self, name: str) -> None:
        if self.on_progress is None:
            return
        self.on_progress(
            Progress(
                documents=self._done,
                documents_total=self._total,
                bytes=self._done,
                bytes_total=self._total,
                bytes_skipped=self._skipped,
                pages=self._pages,
                pages_total=self._total,
                failed=len(self._failed),
                seconds=self._clock() - self._started,
                path=name,
            )
        )


def _recorded_pool(directory: Path) -> int:
    try:
        with open_snapshot(directory) as snapshot:
            return snapshot.pool
    except IndexNotFound:
        return 1
