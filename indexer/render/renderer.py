"""Documents go in; their pages come out in order, drawn by child processes that a broken document cannot get out of.

Pages are drawn ahead of the caller, so drawing overlaps with embedding, by as many processes as asked for. Events come
in the order of the documents and of their pages however many processes there are, and only a bounded number of pages
waits for the caller. The parent process never opens a document itself.
"""

from __future__ import annotations

import importlib.util
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType

from ...engine.errors import DocumentError, UsageError
from ...engine.records import PageImage, PageRef
from ..discover import Document
from .page_budget import PAGES_A_TASK, PagesLeft
from .process import RenderProcess, RenderSettings, WorkerLost

RENDERERS = {"mupdf": "pymupdf", "pdfium": "pypdfium2"}
"""Names of renderers, and the library each needs."""
MEMORY_LIMIT_MIN_MB = 256
"""A renderer and its libraries need this much before they have drawn anything."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The document has `page_count` pages; events of its pages follow."""

    document: Document
    page_count: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page was drawn. `image.ref.doc_id` is "", since the renderer knows no index; `size_pt` is width, height."""

    document: Document
    image: PageImage
    size_pt: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A page could not be drawn, for the `reason` given; the document goes on."""

    document: Document
    page: int
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The document could not be opened; nothing else comes of it."""

    document: Document
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Every page of the document was drawn, failed, or left out as asked."""

    document: Document


Event = Opened | Page | PageFailed | Failed | Done


class Renderer:
    """Holds the child processes that draw pages; use it as a context manager, for any number of `render` calls.

    Every page is drawn at `dpi`, or lower where it would exceed `max_pixels`. A page that takes longer than
    `page_timeout_s`, needs more than `memory_limit_mb` or crashes its process fails alone. `passwords` are tried in
    turn on encrypted files. One thread calls `render`.
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
    ) -> None:
        if workers < 1 or page_timeout_s <= 0 or memory_limit_mb < MEMORY_LIMIT_MIN_MB:
            raise ValueError(
                f"at least 1 worker, a timeout above 0 and {MEMORY_LIMIT_MIN_MB} MB are needed, "
                f"not {workers}, {page_timeout_s} and {memory_limit_mb}"
            )
        _check_installed(renderer)
        settings = RenderSettings(dpi, max_pixels, renderer, page_timeout_s, memory_limit_mb, tuple(passwords))
        self._processes = [RenderProcess(settings) for _ in range(workers)]
        self._threads = [threading.Thread(target=self._work, args=[p], daemon=True) for p in self._processes]
        self._ahead = PAGES_A_TASK * (workers + 1)
        self._changed = threading.Condition()  # guards all that follows
        self._jobs: deque[Job] = deque()
        self._waiting = 0  # events that the caller has not taken yet
        self._stopped = False
        self._error: BaseException | None = None

    def __enter__(self) -> Renderer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join()

    def render(self, documents: Iterable[tuple[Document, frozenset[int]]]) -> Iterator[Event]:
        """Draw each document's pages but those named beside it (counting from 1), which the caller has already.

        A document yields `Failed`, or `Opened`, a `Page` or `PageFailed` for each page in order, and `Done`. The
        iterable is advanced in the caller's thread, a few documents ahead.
        """
        assert not self._jobs, "one render() at a time"
        source = iter(documents)
        try:
            while self._take_in(source):
                if (event := self._next_event()) is not None:
                    yield event
        finally:
            with self._changed:
                for job in self._jobs:
                    job.cancelled = True
                self._jobs.clear()
                self._waiting = 0
                self._changed.notify_all()

    def _take_in(self, source: Iterator[tuple[Document, frozenset[int]]]) -> bool:
        """Queue documents from `source`, enough to keep every process busy; False when all are done."""
        while len(self._jobs) < 2 * len(self._processes) + 1:
            following = next(source, None)
            if following is None:
                break
            document, skip = following
            with self._changed:
                self._jobs.append(Job(document, PagesLeft(skip)))
                self._changed.notify_all()
        return bool(self._jobs)

    def _next_event(self) -> Event | None:
        """Wait for what comes next, in order; None when a document ended with nothing to say."""
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error
                job = self._jobs[0]
                if job.tasks and job.tasks[0].events:
                    self._waiting -= 1
                    self._changed.notify_all()
                    return job.tasks[0].events.popleft()
                if job.tasks and job.tasks[0].finished:
                    job.tasks.popleft()
                elif job.started and not job.tasks and job.left.none:
                    self._jobs.popleft()
                    self._changed.notify_all()
                    return Done(job.document) if job.left.page_count is not None else None
                else:
                    self._changed.wait()

    def _work(self, process: RenderProcess) -> None:
        try:
            process.start()
            while (handed := self._hand_out()) is not None:
                job, task, pages = handed
                self._run(process, job, task, pages)
                with self._changed:
                    task.finished = True
                    self._changed.notify_all()
        except BaseException as err:  # noqa: BLE001 - whatever ends this thread must reach the caller, not vanish
            with self._changed:
                if not self._stopped:
                    self._error = err
                self._changed.notify_all()
        finally:
            process.stop()

    def _hand_out(self) -> tuple[Job, Task, list[int]] | None:
        """Wait for work and return the earliest there is: pages of a document, or none where it is yet to be opened."""
        with self._changed:
            while not self._stopped:
                for job in self._jobs:
                    pages = job.left.claim() if job.started else []
                    if pages or not job.started:
                        job.started = True
                        job.tasks.append(task := Task())
                        return job, task, pages
                self._changed.wait()
        return None

    def _run(self, process: RenderProcess, job: Job, task: Task, pages: list[int]) -> None:
        if not pages:
            try:
                page_count = process.open(job.document.file)
            except DocumentError as err:
                self._emit(job, task, Failed(job.document, str(err)))
                return
            with self._changed:
                job.left.page_count = page_count
                pages = job.left.claim()
            self._emit(job, task, Opened(job.document, page_count))
        for page in pages:
            if not self._wait_for_room(job, task):
                return
            if job.left.hopeless:
                self._emit(job, task, PageFailed(job.document, page, f"not tried: {job.left.verdict}"))
                continue
            self._emit(job, task, self._draw(process, job, page))
        if job.left.hopeless:
            with self._changed:
                first, count = job.left.give_up()
            if count:
                reason = f"this page and {count - 1} after it were not tried: {job.left.verdict}"
                self._emit(job, task, PageFailed(job.document, first, reason))

    def _draw(self, process: RenderProcess, job: Job, page: int) -> Page | PageFailed:
        try:
            drawn = process.draw(job.document.file, page)
        except DocumentError as err:
            with self._changed:
                job.left.failed(str(err), lost=isinstance(err, WorkerLost))
            return PageFailed(job.document, page, str(err))
        with self._changed:
            job.left.drawn()
        image = PageImage(PageRef("", job.document.path, page), drawn.pixels, drawn.dpi, drawn.text)
        return Page(job.document, image, drawn.size_pt)

    def _emit(self, job: Job, task: Task, event: Event) -> None:
        with self._changed:
            if not job.cancelled:
                task.events.append(event)
                self._waiting += 1
                self._changed.notify_all()

    def _wait_for_room(self, job: Job, task: Task) -> bool:
        """Wait until few enough events wait for the caller, or the caller waits for this task; False to give up."""
        with self._changed:
            while not (self._stopped or job.cancelled):
                wanted = self._jobs[0] is job and job.tasks[0] is task and not task.events
                if wanted or self._waiting < self._ahead:
                    return True
                self._changed.wait()
        return False


@dataclass(slots=True)
class Task:
    """Some neighbouring pages of a job, in the hands of one process; `events` wait for the caller."""

    events: deque[Event] = field(default_factory=deque)
    finished: bool = False


@dataclass(slots=True)
class Job:
    """A document on its way through: what is left of it, and its tasks in page order, handed out and not yet told."""

    document: Document
    left: PagesLeft
    tasks: deque[Task] = field(default_factory=deque)
    started: bool = False
    cancelled: bool = False


def _check_installed(renderer: str) -> None:
    if renderer not in RENDERERS:
        raise UsageError(f"there is no renderer {renderer!r}; there are {', '.join(RENDERERS)}")
    if importlib.util.find_spec(RENDERERS[renderer]) is None:
        raise UsageError(f"the renderer {renderer} needs {RENDERERS[renderer]}: pip install 'docsearch[{renderer}]'")
