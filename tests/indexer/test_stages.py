"""Properties of the stages of indexing: which of them wait for which, and how a run ends early."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from docsearch.engine.models.encoder import BATCH_PAGES, EmbeddedPages
from docsearch.engine.records import PageImage, PageRef
from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import DocumentDone, DocumentOpened, PageFailed, PageRendered, RenderEvent
from docsearch.indexer.report import Interrupted, Progress
from docsearch.indexer.stages import EncodedBatch, Stages
from fake_encoder import FakeEncoder

PATIENCE_S = 300.0
"""A test fails rather than wait longer for another thread."""


class FakeRenderer:
    """Yields white pages of documents until it is stopped; pages to leave out have failed. Counts what it has drawn."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.drawn = 0
        self.is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True

    def render(
        self, documents: Iterator[tuple[Document, frozenset[int]]], *, first: int = 1, last: int | None = None
    ) -> Iterator[RenderEvent]:
        for document, skip in documents:
            yield DocumentOpened(document, self.pages)
            for page in range(1, self.pages + 1):
                if self.is_stopped:
                    return
                if page in skip:
                    yield PageFailed(document, page, "damaged")
                    continue
                self.drawn += 1
                pixels = np.full((10, 10, 3), 255, np.uint8)
                yield PageRendered(document, PageImage(PageRef("", document.path, page), pixels, 36.0, ""), (10, 10))
            yield DocumentDone(document)


class FakeBooks:
    """Keeps what it is told; `before_storing` is called with each batch first."""

    def __init__(self, before_storing: Callable[[EncodedBatch], None] = lambda _: None) -> None:
        self.before_storing = before_storing
        self.stored: list[tuple[str, int]] = []
        self.failed: list[tuple[str, int]] = []
        self.ended: list[str] = []
        self.threads: set[int] = set()

    def as_indexed(self, page: PageRendered) -> PageRendered:
        return page

    def handle(self, event: DocumentOpened | PageFailed) -> None:
        self.threads.add(threading.get_ident())
        if isinstance(event, PageFailed):
            self.failed.append((event.document.path, event.page))

    def store(self, batch: EncodedBatch) -> None:
        self.threads.add(threading.get_ident())
        self.before_storing(batch)
        for pages in batch.embedded.batches:
            self.stored += [(ref.path, ref.page) for ref in pages.vectors.refs]
        self.failed += [(each.ref.path, each.ref.page) for each in batch.embedded.failed]
        for event in batch.ended:
            self.ended.append(event.document.path)

    def commit(self) -> None:
        self.threads.add(threading.get_ident())


def documents(count: int, skip: frozenset[int] = frozenset()) -> Iterator[tuple[Document, frozenset[int]]]:
    for number in range(count):
        yield Document(f"{number}.pdf", Path(f"{number}.pdf"), 1, 1), skip


def run(
    books: FakeBooks,
    encoder: object,
    *,
    renderer: FakeRenderer | None = None,
    count: int = 4,
    skip: frozenset[int] = frozenset(),
    on_progress: Callable[[Progress], None] | None = None,
) -> Stages:
    stages = Stages(books, encoder, on_progress=on_progress, clock=time.monotonic)  # type: ignore[arg-type]
    stages.run(renderer or FakeRenderer(BATCH_PAGES), documents(count, skip))  # type: ignore[arg-type]
    return stages


class Watched(FakeEncoder):
    """Calls `during` with the number of each batch, from 1, while it is encoded."""

    def __init__(self, during: Callable[[int], None]) -> None:
        super().__init__()
        self.during = during
        self.batches = 0

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        self.batches += 1
        self.during(self.batches)
        return super().encode_pages(pages)


class Preparing(FakeEncoder):
    """Prepares pages in a step of its own, and calls `during` with the number of each batch while it encodes it."""

    def __init__(self, during: Callable[[int], None] = lambda _: None, *, fails_on: int | None = None) -> None:
        super().__init__(fails_on=fails_on)
        self.during = during
        self.prepared = threading.Semaphore(0)
        self.batches = 0

    batch_pages = BATCH_PAGES

    def prepare_pages(self, pages: Sequence[PageImage]) -> object:
        if any(page.ref.page == self._fails_on for page in pages):
            raise ValueError("this page cannot be prepared")
        self.prepared.release()
        return list(pages)

    def encode_prepared(self, prepared: object) -> EmbeddedPages:
        self.batches += 1
        self.during(self.batches)
        return self.encode_pages(prepared)  # type: ignore[arg-type]


def every_page(count: int) -> list[tuple[str, int]]:
    return [(f"{number}.pdf", page) for number in range(count) for page in range(1, BATCH_PAGES + 1)]


def test_all_pages_are_stored_in_order_by_one_thread_that_is_not_the_one_that_encodes() -> None:
    books = FakeBooks()
    encoding: set[int] = set()
    run(books, Watched(lambda _: encoding.add(threading.get_ident())))
    assert books.stored == every_page(4)
    assert books.ended == ["0.pdf", "1.pdf", "2.pdf", "3.pdf"]
    assert encoding == {threading.get_ident()}
    assert len(books.threads) == 1
    assert not books.threads & encoding


def test_the_encoder_does_not_wait_until_pages_are_stored() -> None:
    third_begun = threading.Event()

    def wait_for_third(_: EncodedBatch) -> None:
        assert third_begun.wait(PATIENCE_S), "the third batch is encoded while the first one is stored"

    books = FakeBooks(wait_for_third)
    run(books, Watched(lambda number: third_begun.set() if number == 3 else None))
    assert books.stored == every_page(4)


def test_the_next_batch_is_drawn_while_one_is_encoded() -> None:
    renderer = FakeRenderer(BATCH_PAGES)

    def wait_for_drawing(number: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while renderer.drawn < min(number + 1, 4) * BATCH_PAGES:
            assert time.monotonic() < deadline, "the next batch is drawn meanwhile"
            time.sleep(0.001)

    run(FakeBooks(), Watched(wait_for_drawing), renderer=renderer)


def test_the_next_batch_is_prepared_while_one_is_encoded() -> None:
    def wait_for_next(number: int) -> None:
        for _ in range({1: 2, 4: 0}.get(number, 1)):  # the first one itself and the second, then one more each time
            assert encoder.prepared.acquire(timeout=PATIENCE_S), "the next batch is prepared meanwhile"

    encoder = Preparing(wait_for_next)
    books = FakeBooks()
    run(books, encoder)
    assert books.stored == every_page(4)
    assert encoder.batches == 4


def test_a_page_that_cannot_be_prepared_fails_alone() -> None:
    books = FakeBooks()
    run(books, Preparing(fails_on=5), count=1)
    assert books.failed == [("0.pdf", 5)]
    assert books.stored == [page for page in every_page(1) if page[1] != 5]


def test_pages_that_wait_for_a_slow_encoder_are_few() -> None:
    renderer = FakeRenderer(500)
    most = 0

    def look(_: int) -> None:
        nonlocal most
        ahead, deadline = min(encoder.pages + 2 * BATCH_PAGES, 500), time.monotonic() + PATIENCE_S
        while renderer.drawn < ahead and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.02)  # for what should not be drawn yet
        most = max(most, renderer.drawn - encoder.pages)

    encoder = Watched(look)
    run(FakeBooks(), encoder, renderer=renderer, count=1)
    assert 2 * BATCH_PAGES <= most <= 2 * BATCH_PAGES + 1


def test_pages_that_failed_and_short_documents_are_all_accounted_for() -> None:
    books = FakeBooks()
    run(books, FakeEncoder(), renderer=FakeRenderer(3), count=50, skip=frozenset({2}))
    assert books.stored == [(f"{number}.pdf", page) for number in range(50) for page in (1, 3)]
    assert books.failed == [(f"{number}.pdf", 2) for number in range(50)]
    assert books.ended == [f"{number}.pdf" for number in range(50)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_was_encoded_before_the_encoder_raised_is_stored(error: type[BaseException]) -> None:
    def fail(number: int) -> None:
        if number == 3:
            raise error

    encoder = Watched(fail)
    encoder.encode_pages = _not_caught(encoder.encode_pages)  # type: ignore[method-assign]
    books = FakeBooks(lambda _: time.sleep(0.05))
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else LookupError):
        run(books, encoder)
    assert books.stored == every_page(2)
    assert no_stage_runs()


def test_progress_is_reported_to_the_caller_who_may_interrupt() -> None:
    stages: list[Stages] = []
    caller = threading.get_ident()

    def interrupt(progress: Progress) -> None:
        assert threading.get_ident() == caller
        if progress.pages >= 2 * BATCH_PAGES:
            raise Interrupted

    books = FakeBooks()
    made = Stages(books, FakeEncoder(seconds_per_page=0.001), on_progress=interrupt, clock=time.monotonic)
    stages.append(made)
    books.before_storing = lambda _: made.report(progress(len(books.stored) + BATCH_PAGES))
    with pytest.raises(Interrupted):
        made.run(FakeRenderer(BATCH_PAGES), documents(1000))  # type: ignore[arg-type]
    assert books.stored == every_page(1000)[: len(books.stored)]
    assert 2 * BATCH_PAGES <= len(books.stored) < 1000 * BATCH_PAGES
    assert no_stage_runs()


def test_an_error_of_the_books_ends_the_run() -> None:
    def fail(_: EncodedBatch) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        run(FakeBooks(fail), FakeEncoder(), count=1000)
    assert no_stage_runs()


def test_an_error_of_the_documents_ends_the_run() -> None:
    def broken() -> Iterator[tuple[Document, frozenset[int]]]:
        yield from documents(2)
        raise OSError("the disk is gone")

    stages = Stages(FakeBooks(), FakeEncoder(), on_progress=None, clock=time.monotonic)
    with pytest.raises(OSError, match="the disk is gone"):
        stages.run(FakeRenderer(BATCH_PAGES), broken())  # type: ignore[arg-type]
    assert no_stage_runs()


def test_a_run_can_be_interrupted_while_documents_are_looked_at() -> None:
    def unchanged() -> Iterator[tuple[Document, frozenset[int]]]:
        yield from documents(1)
        while True:  # as in a folder of very many documents that are skipped
            stages.report(progress(0))

    def interrupt(_: Progress) -> None:
        raise Interrupted

    stages = Stages(FakeBooks(), FakeEncoder(), on_progress=interrupt, clock=time.monotonic)
    with pytest.raises(Interrupted):
        stages.run(FakeRenderer(BATCH_PAGES), unchanged())  # type: ignore[arg-type]
    assert no_stage_runs()


def progress(pages: int) -> Progress:
    return Progress(0, 0, 0, 0, 0, pages, 0, 0, 0.0, "")


def no_stage_runs() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name in ("draw", "prepare", "store")]


def _not_caught(
    encode: Callable[[Sequence[PageImage]], EmbeddedPages],
) -> Callable[[Sequence[PageImage]], EmbeddedPages]:
    """`encode` with its errors as one that does not count as a page's fault."""

    def raising(pages: Sequence[PageImage]) -> EmbeddedPages:
        try:
            return encode(pages)
        except ArithmeticError as err:
            raise LookupError from err

    return raising
