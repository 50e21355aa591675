"""The documents of a run on a cluster that are not done yet, and what results add to the index for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...engine.errors import UsageError
from ...indexer.discover import Document
from ...indexer.embed import Embedded
from ...indexer.render.renderer import DocumentDone, DocumentFailed, DocumentOpened, PageFailed
from ...indexer.run import Run
from ...indexer.stages import EncodedBatch
from .tasks import LongDocument, Part, PartResult, Task, TaskResult


def check_reached(task: Task, result: TaskResult, host: str) -> None:
    """Raise UsageError for a document that a worker on `host` could not read, and this process can."""
    given = {part.document.path: part for part in task.parts}
    for found in result.parts:
        file = given[found.path].document.file
        if found.unreadable and not given[found.path].is_local and os.access(file, os.R_OK):
            raise UsageError(
                f"{host} cannot read {file}, which this machine can: {found.unreadable}; mount the folder on every "
                "machine under the same path"
            )


class Ledger:
    """Adds results to the index in any order, each task's once; a document ends when all ranges of its pages are in."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parts: dict[str, Part] = {}  # documents that are not done, by path
        self._long: dict[str, LongDocument] = {}
        self.pages = 0

    @property
    def is_empty(self) -> bool:
        """Whether every document that was entered is done."""
        return not self._parts

    def enter(self, document: Document, skip: frozenset[int], *, is_local: bool = False) -> Part:
        """Enter a document of which the pages `skip` are in the index, or known to fail; see `Part`."""
        part = Part(document, skip, self._run.is_begun(document.path), is_local)
        self._parts[document.path] = part
        return part

    def add(self, task: Task, result: TaskResult, folders: Sequence[Path], *, ranges_at_once: int) -> list[Task]:
        """Add the result of a task, whose segments are in `folders`, to the index; return the tasks that follow.

        These are further ranges of long documents, so that `ranges_at_once` of each are in work, and the documents that
        the worker did not come to.
        """
        results = {part.path: part for part in result.parts if part.path in self._parts}
        for path, part in results.items():
            self._begin(self._parts[path], part, is_first=task.first == 1)
        for (_, segment), folder in zip(result.segments, folders, strict=True):
            # A document that failed in the meantime takes no pages of its other ranges.
            if all(self._run.is_begun(page.ref.path) for page in segment.pages):
                self._run.add_segment(segment, folder)
                self.pages += len(segment.pages)
        following: list[Task] = []
        for path, part in results.items():
            for page, unread in part.unread:
                self._run.record_unread(path, page, unread)
            following += self._end(self._parts[path], part, task, ranges_at_once)
        told = {part.path for part in result.parts}
        if left := tuple(part for part in task.parts if part.document.path not in told):
            following.append(replace(task, parts=left))
        return following

    def quarantine(self, task: Task, reason: str) -> None:
        """Fail the one document of a task; results of its other ranges count for nothing any more."""
        document = task.parts[0].document
        if document.path not in self._parts:
            return
        if not self._run.is_begun(document.path):
            self._run.begin(document, "")
        self._fail(document, reason)

    def _begin(self, part: Part, result: PartResult, *, is_first: bool) -> None:
        """Begin a document in the index, if its worker has read it, and record the events of its pages."""
        document, path = part.document, part.document.path
        if not self._run.is_begun(path):
            if result.unreadable:
                return
            self._run.begin(document, result.sha256)
            self._parts[path] = replace(part, is_begun=True)
        for event in result.events:
            if isinstance(event, PageFailed) or (is_first and isinstance(event, DocumentOpened)):
                self._run.handle(replace(event, document=document))

    def _end(self, part: Part, result: PartResult, task: Task, ranges_at_once: int) -> list[Task]:
        """End a document that is complete or failed; return the next ranges of a long one."""
        document, path = part.document, part.document.path
        failed = next((event for event in result.events if isinstance(event, DocumentFailed)), None)
        if failed is not None:
            self._fail(document, failed.reason)
            return []
        if result.unreadable:
            if self._run.is_begun(path):
                self._fail(document, result.unreadable)
            else:
                del self._parts[path]
                self._run.fail_unreadable(document, result.unreadable)
            return []
        if (long := self._long.get(path)) is None:
            long = self._long[path] = LongDocument(part, result.page_count, task.last + 1)
        else:
            long.open_ranges -= 1
        long.gave_up |= result.gave_up
        following = list(long.ranges(ranges_at_once))
        if long.is_done:
            del self._long[path], self._parts[path]
            self._close(DocumentDone(document))
        return following

    def _fail(self, document: Document, reason: str) -> None:
        self._long.pop(document.path, None)
        del self._parts[document.path]
        self._close(DocumentFailed(document, reason))

    def _close(self, event: DocumentDone | DocumentFailed) -> None:
        self._run.store(EncodedBatch([], Embedded([], [], []), [event]))
