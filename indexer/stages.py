"""The stages of indexing, each on a thread of its own: drawing, preparing, encoding and storing pages.

The encoder is the stage that costs most, so it never waits for another one that could have worked meanwhile: while a
batch is encoded, the next one is drawn and prepared, and the one before it is stored. Between the stages wait a bounded
number of pages, whatever the size of the collection.

    thread that calls `run`   encode        so that Ctrl-C ends it at once
    "draw"                    takes pages from the renderer, in order, and makes batches of them
    "prepare"                 what an encoder does before its network runs, if it is a `PreparingEncoder`
    "store"                   keeps the books: the only thread that uses the writer while `run` lasts
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from ..engine.models.encoder import BATCH_PAGES, PageEncoder, PreparingEncoder
from ..engine.records import PageRef
from . import allocator
from .channel import Channel, Closed
from .discover import Document
from .embed import EMBEDDING_ERRORS, Embedded, embed
from .render.renderer import (
    DocumentDone,
    DocumentFailed,
    DocumentOpened,
    PageFailed,
    PageRendered,
    Renderer,
    pages_of_memory,
)
from .render.unread import Unread
from .report import Progress

COMMIT_AFTER_S = 20.0
"""Seconds between commits: a killed run loses at most this much embedding, and what waits between the stages."""
DOCUMENTS_AHEAD = 16
"""Documents announced to the renderer while earlier ones are drawn: a commit does not keep it waiting."""
STORE_BACKLOG = 64
"""Encoded pages that may wait to be stored."""

ToRender = tuple[Document, frozenset[int]]
"""A document, and the numbers of its pages to leave out."""


@dataclass(slots=True)
class Batch:
    """Pages to encode together, and the documents that ended after them."""

    pages: list[PageRendered] = field(default_factory=list)
    ended: list[DocumentDone | DocumentFailed] = field(default_factory=list)
    prepared: object | None = None

    def is_ready(self, batch_pages: int) -> bool:
        """Whether it has enough pages, or only documents that wait to be closed."""
        return sum(map(pages_of_memory, self.pages)) >= batch_pages or bool(self.ended and not self.pages)


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """A batch without its pictures: what was `unread` of each page, the `embedded` pages, and the `ended` documents."""

    pages: list[tuple[PageRef, tuple[Unread, ...]]]
    embedded: Embedded
    ended: list[DocumentDone | DocumentFailed]


class Books(Protocol):
    """The books of a run. All methods but `as_indexed` are called by one thread, the one that stores."""

    def as_indexed(self, page: PageRendered) -> PageRendered:
        """A page of the renderer as it is encoded and stored: with the id of its document. Called by any thread."""
        ...

    def handle(self, event: DocumentOpened | PageFailed) -> None:
        """Record an event, before the pages that were rendered just before it are stored."""
        ...

    def store(self, batch: EncodedBatch) -> None:
        """Add the pages of a batch to the index, and close the documents that have ended."""
        ...

    def commit(self) -> None:
        """Make what was stored durable."""
        ...


class Stages:
    """Draws, prepares, encodes and stores the pages of documents. Use an object once: call `run`."""

    def __init__(
        self,
        books: Books,
        encoder: PageEncoder,
        *,
        on_progress: Callable[[Progress], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._books = books
        self._encoder = encoder
        self._on_progress = on_progress
        self._clock = clock
        self.batch_pages = encoder.batch_pages if isinstance(encoder, PreparingEncoder) else BATCH_PAGES
        self._announced: Channel[ToRender] = Channel(2 * DOCUMENTS_AHEAD)
        self._drawn: Channel[Batch] = Channel(0)
        self._prepared: Channel[Batch] = Channel(0) if isinstance(encoder, PreparingEncoder) else self._drawn
        self._to_store: Channel[DocumentOpened | PageFailed | EncodedBatch | None] = Channel(STORE_BACKLOG)
        self._progress: Progress | None = None  # the latest, if `on_progress` has not had it
        self._error: BaseException | None = None
        self._is_stopping = False
        self._is_announcing = False  # only the thread that stores reads and writes it

    def run(
        self, renderer: Renderer, documents: Iterator[ToRender], *, first: int = 1, last: int | None = None
    ) -> None:
        """Index the pages `first` to `last`, or the end, of `documents`, which the thread that stores iterates over.
        After an error the `renderer` is stopped.

        Raises what a stage raised first. However it ends, every batch that was encoded before has been given to the
        books, unless these raised an error.
        """
        bodies: dict[str, Callable[[], None]] = {
            "draw": partial(self._draw, renderer, first, last),
            "store": partial(self._store, documents),
        }
        if isinstance(self._encoder, PreparingEncoder):
            bodies["prepare"] = partial(self._prepare, self._encoder)
        threads = [threading.Thread(target=self._guarded, args=[body], name=name) for name, body in bodies.items()]
        try:
            for thread in threads:
                thread.start()
            self._encode()
            if self._is_stopping:
                renderer.stop()
            for thread in threads:
                thread.join()
            self._deliver_progress()
        except BaseException:
            renderer.stop()
            raise
        finally:
            _uninterrupted(partial(self._end, threads))
        if self._error is not None:
            raise self._error

    def report(self, progress: Progress) -> None:
        """Have `on_progress` called by the thread that called `run`, as soon as that is not encoding."""
        if self._is_stopping and self._is_announcing:
            raise Closed
        self._progress = progress
        self._prepared.wake()

    def _draw(self, renderer: Renderer, first: int, last: int | None) -> None:
        batch, begun = Batch(), self._clock()
        for event in renderer.render(self._documents(), first=first, last=last):
            if isinstance(event, PageRendered):
                batch.pages.append(self._books.as_indexed(event))
            elif isinstance(event, DocumentDone | DocumentFailed):
                batch.ended.append(event)
            else:
                self._to_store.put(event)
            is_late = self._clock() - begun > COMMIT_AFTER_S and (batch.pages or batch.ended)
            if batch.is_ready(self.batch_pages) or is_late:
                self._drawn.put(batch, len(batch.pages))
                batch, begun = Batch(), self._clock()
        if batch.pages or batch.ended:
            self._drawn.put(batch, len(batch.pages))
        self._drawn.close()

    def _documents(self) -> Iterator[ToRender]:
        """The announced documents; for each one that the renderer takes, another one is announced."""
        while True:
            try:
                document = self._announced.get()
            except Closed:
                return
            assert document is not None, "get() waits"
            self._to_store.put(None)
            yield document

    def _prepare(self, encoder: PreparingEncoder) -> None:
        for batch in _items(self._drawn):
            if batch.pages:
                try:
                    batch.prepared = encoder.prepare_pages([page.image for page in batch.pages])
                except EMBEDDING_ERRORS:  # the page at fault is found when each is embedded alone
                    batch.prepared = None
            self._prepared.put(batch, len(batch.pages))
        self._prepared.close()

    def _encode(self) -> None:
        """Encode each batch and pass it on; between batches, and while there is none, `on_progress` is called."""
        while True:
            try:
                batch = self._prepared.get(stop_waiting=lambda: self._progress is not None)
                if batch is not None:
                    encoded = self._encoded(batch)
                    del batch  # the pictures are not needed any more
                    self._to_store.put(encoded, max(len(encoded.pages), 1))
            except Closed:
                break
            self._deliver_progress()
        self._to_store.close()

    def _encoded(self, batch: Batch) -> EncodedBatch:
        embedded = Embedded([], [], [])
        if batch.pages:
            embedded = embed(self._encoder, batch.pages, batch.prepared)
        return EncodedBatch([(page.image.ref, page.unread) for page in batch.pages], embedded, batch.ended)

    def _store(self, documents: Iterator[ToRender]) -> None:
        committed = self._clock()
        for _ in range(DOCUMENTS_AHEAD):
            self._announce(documents)
        while True:
            try:
                message = self._to_store.get()
            except Closed:
                return
            if message is None:
                self._announce(documents)
            elif isinstance(message, EncodedBatch):
                self._books.store(message)
                allocator.trim_heap()
            else:
                self._books.handle(message)
            if self._clock() - committed > COMMIT_AFTER_S:
                self._books.commit()
                committed = self._clock()

    def _announce(self, documents: Iterator[ToRender]) -> None:
        """Announce the next document, unless there is none, or the run is to end."""
        if self._is_stopping:
            return
        self._is_announcing = True
        try:
            following = next(documents, None)
            if following is None:
                self._announced.close()
            else:
                self._announced.put(following)
        except Closed:
            pass  # the run was stopped meanwhile
        finally:
            self._is_announcing = False

    def _deliver_progress(self) -> None:
        progress, self._progress = self._progress, None
        if progress is not None and self._on_progress is not None:
            self._on_progress(progress)

    def _guarded(self, body: Callable[[], None]) -> None:
        """The body of a thread: an error ends all stages, and `run` raises it."""
        try:
            body()
        except Closed:
            pass  # another stage was stopped
        except BaseException as err:  # noqa: BLE001 - whatever ends this thread must reach the caller
            if self._error is None:
                self._error = err
            self._stop()

    def _stop(self) -> None:
        """End all stages; what is encoded already is still stored."""
        self._is_stopping = True
        self._announced.close(discard=True)
        self._drawn.close(discard=True)
        self._prepared.close(discard=True)
        self._to_store.close()

    def _end(self, threads: list[threading.Thread]) -> None:
        """Wait until no thread uses the writer any more."""
        self._stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _items(channel: Channel[Batch]) -> Iterator[Batch]:
    while True:
        try:
            batch = channel.get()
        except Closed:
            return
        assert batch is not None, "get() waits"
        yield batch


def _uninterrupted(do: Callable[[], None]) -> None:
    """Call `do` again after each KeyboardInterrupt until it returns, then raise the last one."""
    interrupt: KeyboardInterrupt | None = None
    while True:
        try:
            do()
            break
        except KeyboardInterrupt as err:
            interrupt = err
    if interrupt is not None:
        raise interrupt
