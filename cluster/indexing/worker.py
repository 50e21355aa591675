"""A worker: renders and embeds the documents of its tasks, and leaves segments in the staging area.

It is a Ray actor on any machine. Pages are rendered in child processes of its own, ahead of the model, as in
`indexer.pipeline`; the index's catalog is never opened here.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...engine.compression.residual import Codebook
from ...engine.errors import DocsearchError, DocumentError, UsageError
from ...engine.models.encoder import PageEncoder
from ...engine.store import BuiltSegment, Fingerprint, SegmentBuilder
from ...engine.store.columns import PRODUCER
from ...engine.store.unread import CROWDED
from ...indexer.discover import Document
from ...indexer.render.producer import producer
from ...indexer.render.renderer import (
    DocumentFailed,
    DocumentOpened,
    PageFailed,
    PageRendered,
    Renderer,
    RenderEvent,
)
from ...indexer.render.unread import Unread
from ...indexer.stages import Batch, EncodedBatch, Stages
from .staging import Staging
from .tasks import TASK_PAGES, Part, PartResult, Spent, Task, TaskResult


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What every worker of a run has in common; it is sent to them as it is.

    `make_renderer` and `load_encoder` are functions of a module, or partial ones of these. `fingerprint` is that of the
    model of the index, `codec` and `codebook` are the index's.
    """

    make_renderer: Callable[[], Renderer]
    load_encoder: Callable[[], PageEncoder]
    fingerprint: Fingerprint
    codec: str
    codebook: Codebook | None
    staging: Staging
    version: str


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """Where a worker runs: its machine's name, the id of its Ray node, its process."""

    host: str
    node: str
    process: int


@dataclass(slots=True)
class _OpenPart:
    """What is known so far of a document of the task."""

    sha256: str = ""
    events: list[RenderEvent] = field(default_factory=list)
    unread: list[tuple[int, tuple[Unread, ...]]] = field(default_factory=list)
    page_count: int = 0
    succeeded: int = 0
    failed: int = 0
    unreadable: str = ""

    def result(self, path: str) -> PartResult:
        """As the coordinator gets it. Where no page of a range could be rendered, those after it are not tried."""
        return PartResult(
            path,
            tuple(self.events),
            tuple(self.unread),
            self.sha256,
            self.page_count,
            gave_up=self.succeeded == 0 and self.failed > 0,
            unreadable=self.unreadable,
        )


class Worker:
    """Carries out tasks, one at a time. The model is opened by `prepare`, so that a failure is told before any work."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings

    def is_started(self) -> bool:
        """True: the cluster had room for this worker. Loading a model may take minutes more."""
        return True

    def prepare(self) -> WorkerInfo:
        """Open the model and start the renderer.

        Raises UsageError, with the name of the machine, if it has another version of either, lacks the model or what
        reads scans, or does not reach the staging area.
        """
        import ray

        from ... import __version__

        settings, host = self._settings, socket.gethostname()
        if __version__ != settings.version:
            raise UsageError(
                f"{host} has docsearch {__version__}, the coordinator has {settings.version}; install the same version "
                "on every machine"
            )
        try:
            settings.staging.check()
            self._encoder = settings.load_encoder()
            self._renderer = settings.make_renderer()
        except DocsearchError as err:
            raise UsageError(f"{host}: {err}") from err
        if self._encoder.spec.fingerprint != settings.fingerprint:
            raise UsageError(
                f"{host} has another revision of the model {self._encoder.spec.name} than the coordinator; install the "
                "same files on every machine"
            )
        self._renderer.__enter__()
        return WorkerInfo(host, ray.get_runtime_context().get_node_id(), os.getpid())

    def run(self, task: Task) -> TaskResult:
        """Carry out a task. Raises StorageFull or StorageFailed where nothing more can be written."""
        return _Running(task, self._settings, self._encoder, self._renderer).result()


class _MeasuredStages(Stages):
    """Stages that tell how long they encoded."""

    encoding_s = 0.0

    def _encoded(self, batch: Batch) -> EncodedBatch:
        started = time.monotonic()
        try:
            return super()._encoded(batch)
        finally:
            self.encoding_s += time.monotonic() - started


class _Running:
    """One task being carried out: the books of its stages, which write segments in the place of an index."""

    def __init__(self, task: Task, settings: WorkerSettings, encoder: PageEncoder, renderer: Renderer) -> None:
        self._task = task
        self._settings = settings
        self._encoder = encoder
        self._renderer = renderer
        self._builder = SegmentBuilder(settings.codec, settings.codebook)
        self._segments: list[tuple[str, BuiltSegment]] = []
        self._parts: dict[str, _OpenPart] = {}
        self._documents: dict[str, Document] = {}
        self._pages = self._embedded = 0
        self._write_s = 0.0

    def result(self) -> TaskResult:
        """Carry the task out."""
        started = time.monotonic()
        self._folder = Path(tempfile.mkdtemp(prefix="docsearch-"))  # for documents that are fetched
        stages = _MeasuredStages(self, self._encoder, on_progress=None, clock=time.monotonic)
        try:
            stages.run(self._renderer, self._opened(), first=self._task.first, last=self._task.last)
            if len(self._builder):
                self._write()
        except BaseException:
            for name, _ in self._segments:
                with suppress(OSError, DocsearchError):
                    self._settings.staging.delete(name)
            raise
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        seconds = time.monotonic() - started
        waited = max(seconds - stages.encoding_s, 0.0)
        spent = Spent(self._pages, self._embedded, waited, stages.encoding_s, self._write_s, seconds)
        parts = tuple(part.result(path) for path, part in self._parts.items())
        return TaskResult(parts, tuple(self._segments), spent)

    def _opened(self) -> Iterator[tuple[Document, frozenset[int]]]:
        """The documents as files of this machine; those that cannot be read are noted, and left out."""
        for number, part in enumerate(self._task.parts):
            if self._pages >= TASK_PAGES:
                return
            path = part.document.path
            found = self._parts[path] = _OpenPart()
            try:
                document = self._as_file(part, self._folder / str(number))
                if not part.is_begun:
                    found.sha256 = document.sha256()
            except DocumentError as err:
                found.unreadable = str(err)
            else:
                self._documents[path] = document
                yield document, part.skip

    def _as_file(self, part: Part, folder: Path) -> Document:
        """The document as a file of this machine: in `folder`, if it has to be fetched. Raises DocumentError."""
        if part.content is None:
            found = part.document.on_disk(folder)
            if not os.access(found.file, os.R_OK):
                raise DocumentError(f"{found.file} is not there, or may not be read")
            return found
        folder.mkdir()
        file = folder / part.document.file.name
        file.write_bytes(part.content)
        return replace(part.document, file=file)

    def as_indexed(self, page: PageRendered) -> PageRendered:
        """The page itself: the coordinator knows the ids of documents."""
        return page

    def handle(self, event: DocumentOpened | PageFailed) -> None:
        """Note that a document was opened, or that a page could not be rendered."""
        part = self._parts[event.document.path]
        if isinstance(event, DocumentOpened):
            part.page_count = event.page_count
            said = {**event.properties, PRODUCER: producer(event.document.path)}
            part.events.append(replace(event, properties=said))
        else:
            part.failed += 1
            self._pages += 1
            part.events.append(event)

    def store(self, batch: EncodedBatch) -> None:
        """Add the pages of a batch to the segment, and write that once it is full."""
        for ref, unread in batch.pages:
            self._parts[ref.path].succeeded += 1
            if unread:
                self._parts[ref.path].unread.append((ref.page, unread))
        self._pages += len(batch.pages)
        for pages in batch.embedded.batches:
            self._builder.add_pages(pages)
            self._embedded += len(pages)
        for each in batch.embedded.failed:
            path = each.ref.path
            self._parts[path].events.append(PageFailed(self._documents[path], each.ref.page, each.reason))
        for ref, count in batch.embedded.crowded:
            self._parts[ref.path].unread.append((ref.page, (Unread(CROWDED, count),)))
        for event in batch.ended:
            if isinstance(event, DocumentFailed):
                self._parts[event.document.path].events.append(event)
        if self._builder.is_full:
            self._write()

    def commit(self) -> None:
        """Nothing: the coordinator commits what the task made, as a whole."""

    def _write(self) -> None:
        started = time.monotonic()
        name = f"{self._task.first}-{uuid.uuid4().hex}"
        self._segments.append((name, self._settings.staging.write(self._builder, name)))
        self._write_s += time.monotonic() - started
