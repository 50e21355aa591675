"""Renders pages of documents in parallel child processes and yields the results in document and page order.

Pages are rendered ahead of the caller, so rendering overlaps with embedding. The order of events does not depend on the
number of processes, and a bounded number of pages waits for the caller. The parent never opens a document itself: a
document that crashes or hangs its renderer cannot affect the parent.
"""

from __future__ import annotations

import importlib.util
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType

import numpy as np

from ...engine.errors import DocumentError, UsageError
from ...engine.install import needs
from ...engine.ocr_text import OcrText
from ...engine.records import U8, Lines, PageImage, PageRef, PageWords
from ...engine.store.unread import COMMENT, PARTIAL, SMALL_PRINT
from ..discover import Document
from .backend import TEXT_MAX_CHARS
from .ocr import FAILURES_MAX, RAPIDOCR, Ocr, has_words, is_scan
from .office import OfficeConverter
from .page_budget import PAGES_PER_TASK, RemainingPages
from .process import RenderProcess, RenderSettings, WorkerLost
from .rapid_ocr import MEMORY_MB
from .undrawn import with_undrawn
from .unread import Unread

RENDERER_LIBRARIES = {"mupdf": "pymupdf", "pdfium": "pypdfium2"}
"""Renderer name -> the library it needs, in order of preference."""
ORDINARY_PAGE_BYTES = 6_000_000
"""A letter page at 165 dpi, in colour, has 7.6 MB."""
DETAILS_LOST_MAX = 3
"""Of a document whose pages cost this many processes when their detail was drawn, no more detail is drawn."""
MEMORY_LIMIT_MIN_MB = 256
"""A renderer and its libraries need this much before they render anything."""


@dataclass(frozen=True, slots=True)
class DocumentOpened:
    """The document has `page_count` pages; the events of its pages follow. `unread` is what is on none of them, and
    `properties` what the file says of itself, by names of `properties.NAMES`.
    """

    document: Document
    page_count: int
    unread: tuple[Unread, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageRendered:
    """A page was rendered: its `image`, and `size_pt`, its width and height in points.

    The renderer knows no index, so `image.ref.doc_id` is "". `unread` is what the image does not show, or too small.
    `label` is the page's number as the document has it, "" where that is its own, and `lines` are those of a text file
    that it shows. `headings` are those of its text, a line each. `ocr` is what OCR read, of which `image.text` then is
    the text; None where it was not asked, or the page has a text layer.
    """

    document: Document
    image: PageImage
    size_pt: tuple[float, float]
    unread: tuple[Unread, ...] = ()
    label: str = ""
    lines: Lines | None = None
    headings: str = ""
    ocr: OcrText | None = None


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A page could not be rendered, for this `reason`; the document continues."""

    document: Document
    page: int
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentFailed:
    """The document could not be opened; no other event of it follows."""

    document: Document
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentDone:
    """Every page of the document was rendered, failed, or skipped as requested."""

    document: Document


RenderEvent = DocumentOpened | PageRendered | PageFailed | DocumentFailed | DocumentDone


class Renderer:
    """Holds the child processes that render pages; use it as a context manager, for any number of `render` calls.

    Every page is rendered at `dpi`, or lower where it would exceed `max_pixels`. A page that takes longer than
    `page_timeout_s`, needs more than `memory_limit_mb` or crashes its process fails without affecting other pages.
    `passwords` are tried in turn on encrypted files. A page whose print is too small at that size comes with its detail
    of at most `detail_pixels`, if that is not 0. Text files have a page for each of their `passages`, if that is set.
    Pages without a text layer are read by `ocr`, if that is given.
    `render` may be called from one thread at a time.
    """

    def __init__(
        self,
        *,
        dpi: float,
        max_pixels: int,
        renderer: str = "mupdf",
        workers: int = 1,
        page_timeout_s: float = 30.0,
        memory_limit_mb: int = 1024,
        passwords: Iterable[str] = (),
        detail_pixels: int = 0,
        passages: bool = False,
        ocr: Ocr | None = None,
    ) -> None:
        if workers < 1 or page_timeout_s <= 0 or memory_limit_mb < MEMORY_LIMIT_MIN_MB:
            raise ValueError(
                f"at least 1 worker, a timeout above 0 and {MEMORY_LIMIT_MIN_MB} MB are needed, "
                f"not {workers}, {page_timeout_s} and {memory_limit_mb}"
            )
        _check_installed(renderer)
        if ocr is not None:
            ocr.require()
            memory_limit_mb += MEMORY_MB if ocr.engine == RAPIDOCR else 0
        limits = (page_timeout_s, memory_limit_mb)
        settings = RenderSettings(
            dpi, max_pixels, renderer, *limits, tuple(passwords), detail_pixels, passages, lines=True, ocr=ocr
        )
        self._ocr = ocr
        self._passages = passages
        self._converter = OfficeConverter()
        self._processes = [RenderProcess(settings, self._converter) for _ in range(workers)]
        self._threads = [threading.Thread(target=self._run_tasks, args=[p], daemon=True) for p in self._processes]
        self._max_pending = PAGES_PER_TASK * (workers + 1)
        self._changed = threading.Condition()  # guards all fields below
        self._jobs: deque[Job] = deque()
        self._pending = 0  # events that the caller has not received yet, large pages counted as several
        self._stopped = False
        self._error: BaseException | None = None

    def __enter__(self) -> Renderer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join()
        self._converter.close()

    def stop(self) -> None:
        """Have `render` end early, in whichever thread it runs; nothing more is rendered."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def render(
        self, documents: Iterable[tuple[Document, frozenset[int]]], *, first: int = 1, last: int | None = None
    ) -> Iterator[RenderEvent]:
        """Render the pages `first` to `last`, or the end, of each document, except the page numbers (from 1) given with
        it.

        A document yields either `DocumentFailed`, or `DocumentOpened`, then a `PageRendered` or `PageFailed` for each
        page in order, then `DocumentDone`. The iterable is advanced in the caller's thread, a few documents ahead.
        Raises DocsearchError if a child process cannot be started.
        """
        assert not self._jobs, "one render() at a time"
        source = iter(documents)
        try:
            while not self._stopped and self._enqueue_from(source, first, last):
                if (event := self._next_event()) is not None:
                    yield event
        finally:
            with self._changed:
                for job in self._jobs:
                    job.cancelled = True
                self._jobs.clear()
                self._pending = 0
                self._changed.notify_all()

    def _enqueue_from(self, source: Iterator[tuple[Document, frozenset[int]]], first: int, last: int | None) -> bool:
        """Queue enough documents from `source` to keep every process busy; False once all are done."""
        while len(self._jobs) < 2 * len(self._processes) + 1:
            following = next(source, None)
            if following is None:
                break
            document, skip = following
            with self._changed:
                self._jobs.append(Job(document, RemainingPages(skip, next_page=first, last_page=last)))
                self._changed.notify_all()
        return bool(self._jobs)

    def _next_event(self) -> RenderEvent | None:
        """Wait for the next event in order; None when a document that failed to open has ended."""
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error
                if self._stopped:
                    return None
                job = self._jobs[0]
                if job.tasks and job.tasks[0].events:
                    event = job.tasks[0].events.popleft()
                    self._pending -= pages_of_memory(event)
                    self._changed.notify_all()
                    return event
                if job.tasks and job.tasks[0].finished:
                    job.tasks.popleft()
                    self._changed.notify_all()  # the next task is wanted now, and its process may wait for that
                elif job.started and not job.tasks and job.remaining.is_empty:
                    self._jobs.popleft()
                    self._changed.notify_all()
                    return DocumentDone(job.document) if job.remaining.page_count is not None else None
                else:
                    self._changed.wait()

    def _run_tasks(self, process: RenderProcess) -> None:
        """Run tasks in `process` until the renderer is stopped; the body of a thread."""
        try:
            process.start()
            while (assigned := self._next_task()) is not None:
                job, task, pages = assigned
                self._run(process, job, task, pages)
                with self._changed:
                    task.finished = True
                    self._changed.notify_all()
        except BaseException as err:  # noqa: BLE001 - whatever ends this thread must reach the caller
            with self._changed:
                if not self._stopped:
                    self._error = err
                self._changed.notify_all()
        finally:
            process.stop()

    def _next_task(self) -> tuple[Job, Task, list[int]] | None:
        """Wait for work: the earliest pages not yet assigned, or no pages for a document that is to be opened first."""
        with self._changed:
            while not self._stopped:
                for job in self._jobs:
                    pages = job.remaining.claim() if job.started else []
                    if pages or not job.started:
                        job.started = True
                        job.tasks.append(task := Task())
                        return job, task, pages
                self._changed.wait()
        return None

    def _run(self, process: RenderProcess, job: Job, task: Task, pages: list[int]) -> None:
        if not pages:
            try:
                opened = process.open(job.document.file)
            except DocumentError as err:
                self._emit(job, task, DocumentFailed(job.document, str(err)))
                return
            with self._changed:
                job.remaining.page_count = opened.page_count
                pages = job.remaining.claim()
            unread = process.unread("document")
            self._emit(job, task, DocumentOpened(job.document, opened.page_count, unread, opened.properties))
        for page in pages:
            if not self._wait_for_capacity(job, task):
                return
            if job.remaining.is_hopeless:
                reason = f"not tried: {job.remaining.give_up_reason}"
                self._emit(job, task, PageFailed(job.document, page, reason))
                continue
            self._emit(job, task, self._render_page(process, job, page))
        if job.remaining.is_hopeless:
            with self._changed:
                first, count = job.remaining.give_up()
            if count:
                reason = f"this page and {count - 1} after it were not tried: {job.remaining.give_up_reason}"
                self._emit(job, task, PageFailed(job.document, first, reason))

    def _render_page(self, process: RenderProcess, job: Job, page: int) -> PageRendered | PageFailed:
        try:
            rendered = process.render(job.document.file, page)
        except DocumentError as err:
            with self._changed:
                job.remaining.record_failure(str(err), process_lost=isinstance(err, WorkerLost))
            return PageFailed(job.document, page, str(err))
        with self._changed:
            job.remaining.record_success()
        ref = PageRef("", job.document.path, page)
        detail: tuple[U8, float] | None = None
        unread: tuple[Unread, ...] = ()
        if job.details_lost < DETAILS_LOST_MAX:
            try:
                detail = process.detail()
            except DocumentError as err:
                job.details_lost += isinstance(err, WorkerLost)
                unread = (Unread(SMALL_PRINT, 0, f"drawn at {rendered.dpi:.0f} dpi, because {err}"),)
        pixels = detail[0] if detail else None
        is_passage = self._passages and rendered.lines is not None
        unread = unread or process.unread("page")
        beside = process.undrawn()
        text, ocr = rendered.text, None
        if self._ocr is not None and not is_passage and is_scan(text):
            read, ocr, not_read = self._read_by_ocr(self._ocr, process, job, has_text=has_words(text))
            text, unread = read or text, (*unread, *not_read)
        headings = "" if text != rendered.text else rendered.headings
        if beside.comments and not has_words(text):  # a scan stays a page without text, which is found by its picture
            unread = (*unread, Unread(COMMENT, len(beside.comments)))
            beside = replace(beside, comments=())
        image = PageImage(
            ref, rendered.pixels, rendered.dpi, with_undrawn(text, beside)[:TEXT_MAX_CHARS], pixels, is_passage
        )
        return PageRendered(
            job.document, image, rendered.size_pt, unread, rendered.label, rendered.lines, headings, ocr
        )

    def _read_by_ocr(
        self, ocr: Ocr, process: RenderProcess, job: Job, *, has_text: bool
    ) -> tuple[str, OcrText | None, tuple[Unread, ...]]:
        """The text of the page rendered last, with its words, or "" and what was not read."""
        nothing = PageWords((), np.zeros((0, 4), np.float32))
        reason = f"not tried: {job.ocr_failures} pages before it could not be read"
        if job.ocr_failures < FAILURES_MAX:
            try:
                text, words = process.ocr()
            except DocumentError as err:
                job.ocr_failures += 1
                reason = str(err)
            else:
                return text, OcrText(ocr.name, words) if text or not has_text else None, ()
        unread = Unread(PARTIAL, 0, f"a page without a text layer, by OCR: {reason}")
        return "", OcrText("", nothing), (unread,)

    def _emit(self, job: Job, task: Task, event: RenderEvent) -> None:
        with self._changed:
            if not job.cancelled:
                task.events.append(event)
                self._pending += pages_of_memory(event)
                self._changed.notify_all()

    def _wait_for_capacity(self, job: Job, task: Task) -> bool:
        """Wait until few enough events are pending, or the caller waits for this very task; False if cancelled."""
        with self._changed:
            while not (self._stopped or job.cancelled):
                wanted = self._jobs[0] is job and job.tasks[0] is task and not task.events
                if wanted or self._pending < self._max_pending:
                    return True
                self._changed.wait()
        return False


@dataclass(slots=True)
class Task:
    """A run of consecutive pages of one document, assigned to one process; `events` wait for the caller."""

    events: deque[RenderEvent] = field(default_factory=deque)
    finished: bool = False


@dataclass(slots=True)
class Job:
    """A document being rendered: its pages not yet assigned, and its assigned tasks in page order, until delivered."""

    document: Document
    remaining: RemainingPages
    tasks: deque[Task] = field(default_factory=deque)
    started: bool = False
    cancelled: bool = False
    details_lost: int = 0
    ocr_failures: int = 0


def pages_of_memory(event: RenderEvent) -> int:
    """How many ordinary pages an event counts for where memory is bounded: one, and more with the detail of a page."""
    if not isinstance(event, PageRendered) or event.image.detail is None:
        return 1
    return 1 + event.image.detail.nbytes // ORDINARY_PAGE_BYTES


def _check_installed(renderer: str) -> None:
    if renderer not in RENDERER_LIBRARIES:
        raise UsageError(f"unknown renderer {renderer!r}; choose one of {', '.join(RENDERER_LIBRARIES)}")
    library = RENDERER_LIBRARIES[renderer]
    if importlib.util.find_spec(library) is None:
        extras = [renderer] if renderer == "pdfium" else []  # MuPDF's library is part of every installation
        raise UsageError(needs(f"the renderer {renderer} needs {library}", *extras))
