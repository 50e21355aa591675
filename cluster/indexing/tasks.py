"""The units of work that workers get, and what comes back: a few small documents, or a range of a long one's pages."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ...engine.store import BuiltSegment
from ...indexer.discover import Document
from ...indexer.render.renderer import RenderEvent
from ...indexer.render.unread import Unread

TASK_BYTES_MAX = 32 << 20
"""Bytes of documents in one task: seconds of work, so that a worker that is lost takes little with it."""
TASKS_PER_WORKER = 8
"""A small collection is cut into this many tasks for each worker, so that all end at the same time."""
TASK_DOCUMENTS_MAX = 64
RANGE_PAGES = 128
"""Pages of one document that a task renders; those after them are tasks of their own."""
TASK_PAGES = 256
"""A worker begins no further document of a task after this many pages."""


@dataclass(frozen=True, slots=True)
class Part:
    """A document of a task, and the pages of it to leave out; `is_begun` if the coordinator knows its content.

    A document that `is_local` is a temporary file of the coordinator: workers get its `content` with the task.
    """

    document: Document
    skip: frozenset[int]
    is_begun: bool
    is_local: bool = False
    content: bytes | None = None


Key = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """The pages `first` to `last` of each document of `parts`; only a task of one part begins after page 1.

    A worker may have died of one that `is_suspect`: it is given to a worker that has no other task.
    """

    parts: tuple[Part, ...]
    first: int
    last: int
    is_suspect: bool = False

    @property
    def key(self) -> Key:
        """What tells it from other tasks of the run."""
        return tuple((part.document.path, self.first) for part in self.parts)

    def with_contents(self) -> Task:
        """The task as a worker gets it: with the contents of documents that only the coordinator has."""
        if not any(part.is_local for part in self.parts):
            return self
        parts = (
            replace(part, content=part.document.file.read_bytes()) if part.is_local else part for part in self.parts
        )
        return replace(self, parts=tuple(parts))

    @classmethod
    def of(cls, parts: Iterable[Part], first: int = 1) -> Task:
        """The task of RANGE_PAGES pages from the page `first` on."""
        return cls(tuple(parts), first, first + RANGE_PAGES - 1)


@dataclass(frozen=True, slots=True)
class PartResult:
    """What a worker found in one document.

    `events` tell that it was opened, and which pages failed; `unread` has the content that was not read, by page.
    `sha256` is that of its content, "" where it was known. `gave_up` if no page after the range is worth trying.
    `unreadable` is why it could not be read at all, "" where it could.
    """

    path: str
    events: tuple[RenderEvent, ...] = ()
    unread: tuple[tuple[int, tuple[Unread, ...]], ...] = ()
    sha256: str = ""
    page_count: int = 0
    gave_up: bool = False
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """Where a worker's time on a task went, in seconds: its model waited for rendered pages, or embedded; meanwhile,
    segments were written.

    `rendered` and `embedded` count pages.
    """

    rendered: int = 0
    embedded: int = 0
    render_wait_s: float = 0.0
    embed_s: float = 0.0
    write_s: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What became of a task: its documents' `parts`, those without a result were not begun; the `segments`, each with
    its name in the staging area.
    """

    parts: tuple[PartResult, ...]
    segments: tuple[tuple[str, BuiltSegment], ...]
    spent: Spent


class TaskQueue:
    """Cuts documents into tasks as they are asked for; tasks that were given back come first."""

    def __init__(self, documents: Iterator[Part], count: int, bytes_total: int) -> None:
        """`count` and `bytes_total` say how large the collection is, as far as that is known."""
        self._documents = documents
        self._count = count
        self._bytes_total = bytes_total
        self._returned: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._ahead: Part | None = None
        self.is_exhausted = False  # of documents; tasks may still come back

    def next(self, workers: int, *, is_idle: bool = True) -> Task | None:
        """The next task for one of so many workers, which `is_idle` if it has no task; None if there is none now."""
        if is_idle and self._suspects:
            return self._suspects.popleft()
        if self._returned:
            return self._returned.popleft()
        tasks = TASKS_PER_WORKER * max(workers, 1)
        bytes_max = min(self._bytes_total // tasks, TASK_BYTES_MAX)
        documents_max = min(max(self._count // tasks, 1), TASK_DOCUMENTS_MAX)
        parts: list[Part] = []
        size = 0
        while len(parts) < documents_max and (part := self._take()) is not None:
            if parts and size + part.document.size > bytes_max:
                self._ahead = part
                break
            parts.append(part)
            size += part.document.size
        return Task.of(parts) if parts else None

    def give_back(self, tasks: Iterable[Task]) -> None:
        """Have tasks given out again."""
        for task in tasks:
            (self._suspects if task.is_suspect else self._returned).append(task)

    @property
    def is_empty(self) -> bool:
        """Whether no task is known now."""
        return self.is_exhausted and not (self._returned or self._suspects) and self._ahead is None

    def _take(self) -> Part | None:
        if self._ahead is not None:
            part, self._ahead = self._ahead, None
            return part
        if self.is_exhausted:
            return None
        following = next(self._documents, None)
        self.is_exhausted = following is None
        return following


@dataclass(slots=True)
class LongDocument:
    """A document of several ranges: the next page that no task has, and the ranges that are being worked on."""

    part: Part
    page_count: int
    next_first: int
    open_ranges: int = 0
    gave_up: bool = False

    def ranges(self, at_once: int) -> Iterator[Task]:
        """Further tasks, so that `at_once` ranges are being worked on."""
        while not self.gave_up and self.next_first <= self.page_count and self.open_ranges < at_once:
            yield Task.of([self.part], self.next_first)
            self.next_first += RANGE_PAGES
            self.open_ranges += 1

    @property
    def is_done(self) -> bool:
        """Whether no range is left."""
        return self.open_ranges == 0 and (self.gave_up or self.next_first > self.page_count)
