"""Upload queue: one thread indexes uploaded documents in order, and reports progress to the clients that follow them.

The same thread removes documents, so the server never competes with itself for the writer's lock. It interrupts a long
indexing run for a removal, and when the server stops: embedded pages are committed, and the run continues after the
removal or at the next start.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.errors import DocsearchError, IndexLocked, StorageFull
from ..engine.models.encoder import PageEncoder
from ..engine.store import open_snapshot
from ..indexer.report import Interrupted, Progress
from . import mutations, stored_uploads
from .http_errors import Busy, NotFound
from .stored_uploads import IncomingUpload, StoredUpload, UploadsLock
from .upload_status import UploadStatus
from .vital_threads import VitalThreads

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Time between attempts while another process holds the writer's lock, or the disk is full."""
FINISHED_MAX = 100
"""Finished uploads whose status is kept."""
NICENESS = 10
"""Priority of the indexing thread, so that it yields to searches on a busy machine."""
KEEPALIVE_S = 15.0
"""Time between keep-alive comments on an event stream without news."""
LOCKED = "another process is writing to the index; this upload waits until it ends"
FULL = "the disk is full; this upload waits until there is space"
REMOVED = "the document was removed before it was completely indexed"
BROKEN = "the document could not be indexed; the server's log has the reason"


@dataclass(frozen=True, slots=True)
class _Removal:
    doc_id: str
    done: Future[None]


@dataclass(frozen=True, slots=True)
class _Work:
    """Any other change of the index. It runs again after an interruption, unless `stopped` is set."""

    run: Callable[[Callable[[Progress], None]], None]
    stopped: threading.Event
    done: Future[None]


class UploadQueue:
    """The uploads and removals of one index, and the thread that carries them out.

    `lock` is the right to change the index. At most `max_pending` uploads are queued, and as many removals. `encoder`
    opens the page encoder of the index's model when it is first needed. `on_commit` is called after each commit, with
    whether documents were renamed. `threads` is told if the thread dies.
    """

    def __init__(
        self,
        directory: Path,
        lock: UploadsLock,
        encoder: Callable[[], PageEncoder],
        *,
        max_pending: int,
        passwords: tuple[str, ...] = (),
        on_commit: Callable[[bool], None],
        threads: VitalThreads | None = None,
    ) -> None:
        self._directory = directory
        self._lock = lock
        self._open_encoder = encoder
        self._encoder: PageEncoder | None = None
        self._max_pending = max_pending
        self._passwords = passwords
        self._on_commit = on_commit
        self._thread = (threads or VitalThreads()).thread("uploads", self._work, self._fail_pending)
        self._changed = threading.Condition()  # guards the attributes below
        self._queue: deque[StoredUpload] = deque()
        self._receiving = 0
        self._removals: deque[_Removal] = deque()
        self._works: deque[_Work] = deque()
        self._statuses: dict[str, UploadStatus] = {}  # oldest first
        self._followers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closing = False
        self._streams_ended = False

    def start(self) -> None:
        """Delete partial uploads, and continue with those that an earlier server accepted."""
        with open_snapshot(self._directory) as snapshot:
            stored_uploads.delete_leftovers(self._directory, snapshot.documents().keys())
        for stored in stored_uploads.pending(self._directory):
            self._enqueue(stored)
        self._thread.start()

    def close(self) -> None:
        """Accept no more. Pending removals are carried out; pending uploads continue at the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        for work in self._works:
            work.done.set_exception(Busy("the server is shutting down"))
        self._works.clear()
        self.end_event_streams()
        self._lock.release()

    @property
    def ready(self) -> bool:
        """Whether uploads and removals are carried out."""
        return self._thread.is_alive() and not self._closing

    @property
    def pending(self) -> int:
        """Number of uploads that are queued or being received."""
        return len(self._queue) + self._receiving

    def begin(self, name: str) -> IncomingUpload:
        """Reserve a place for a file that the client calls `name`. `accept` or `discard` must follow. Raises Busy."""
        with self._changed:
            if self._closing:
                raise Busy("the server is shutting down")
            if self.pending >= self._max_pending:
                raise Busy(f"{self.pending} of at most {self._max_pending} uploads are waiting; try again later")
            self._receiving += 1
        try:
            return IncomingUpload(self._directory, name)
        except BaseException:
            self._end_receiving()
            raise

    def accept(self, incoming: IncomingUpload) -> UploadStatus:
        """Make a completely received upload durable, and queue it."""
        try:
            return self._enqueue(incoming.accept())
        except BaseException:
            incoming.discard()
            raise
        finally:
            self._end_receiving()

    def discard(self, incoming: IncomingUpload) -> None:
        """Delete an upload that was not completely received."""
        try:
            incoming.discard()
        finally:
            self._end_receiving()

    def recent(self) -> list[UploadStatus]:
        """Pending and recently finished uploads, newest first."""
        with self._changed:
            return [self._placed(each) for each in reversed(self._statuses.values())]

    def knows(self, upload: str) -> bool:
        """Whether `status` would return one."""
        with self._changed:
            return upload in self._statuses

    def status(self, upload: str) -> UploadStatus:
        """The status of one upload. Raises NotFound."""
        with self._changed:
            if upload not in self._statuses:
                raise NotFound("there is no upload with this id, or it finished long ago")
            return self._placed(self._statuses[upload])

    def _placed(self, status: UploadStatus) -> UploadStatus:
        """A status with its place in the queue as it is now; the lock is held."""
        if status.state != "waiting":
            return status
        ahead = next((i for i, each in enumerate(self._queue) if each.upload == status.upload), 0)
        return status if ahead == status.place else replace(status, place=ahead)

    async def follow(self, upload: str) -> AsyncIterator[UploadStatus | None]:
        """Yield the status of an upload at each change until it is final, and None every KEEPALIVE_S without one."""
        follower = (asyncio.get_running_loop(), asyncio.Event())
        with self._changed:
            self._followers.add(follower)
        sent: UploadStatus | None = None
        try:
            while not (self._streams_ended or (sent is not None and sent.is_final)):
                follower[1].clear()
                current = self.status(upload)
                if current != sent:
                    sent = current
                    yield current
                    continue
                try:
                    await asyncio.wait_for(follower[1].wait(), KEEPALIVE_S)
                except TimeoutError:
                    yield None
        finally:
            with self._changed:
                self._followers.discard(follower)

    def end_event_streams(self) -> None:
        """End all `follow` iterators."""
        self._streams_ended = True
        with self._changed:
            self._wake_followers()

    def remove(self, doc_id: str) -> Future[None]:
        """Queue the removal of a document from the index, and of its file if it was uploaded.

        Raises Busy; the future raises NotFound, IndexLocked and other errors of the store.
        """
        removal = _Removal(doc_id, Future())
        with self._changed:
            if self._closing:
                raise Busy("the server is shutting down")
            if len(self._removals) >= self._max_pending:
                raise Busy(f"{len(self._removals)} removals are waiting; try again shortly")
            self._removals.append(removal)
            self._changed.notify_all()
        return removal.done

    def run(self, change: Callable[[Callable[[Progress], None]], None], stopped: threading.Event) -> Future[None]:
        """Queue another change of the index, behind uploads and removals.

        `change` gets a function to report progress to, which may raise Interrupted: then it runs again later, unless
        `stopped` is set by then. Raises Busy; the future raises that, too, and what `change` raises.
        """
        work = _Work(change, stopped, Future())
        with self._changed:
            if self._closing:
                raise Busy("the server is shutting down")
            self._works.append(work)
            self._changed.notify_all()
        return work.done

    def _end_receiving(self) -> None:
        with self._changed:
            self._receiving -= 1

    def _enqueue(self, stored: StoredUpload) -> UploadStatus:
        status = UploadStatus(stored.upload, stored.name)
        with self._changed:
            self._queue.append(stored)
            self._statuses[stored.upload] = status
            finished = [each.upload for each in self._statuses.values() if each.is_final]
            for upload in finished[: max(0, len(finished) - FINISHED_MAX)]:
                del self._statuses[upload]
            self._changed.notify_all()
        return status

    def _set_status(self, status: UploadStatus) -> None:
        with self._changed:
            self._statuses[status.upload] = status
            if status.is_final:
                self._queue = deque(each for each in self._queue if each.upload != status.upload)
            self._wake_followers()

    def _wake_followers(self) -> None:
        for loop, event in self._followers:
            with suppress(RuntimeError):  # its event loop is closed
                loop.call_soon_threadsafe(event.set)

    def _work(self) -> None:
        if sys.platform == "linux":  # where a priority belongs to the thread, and the processes that it starts
            with suppress(OSError):  # a sandbox may forbid it
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while (job := self._next_job()) is not None:
            if isinstance(job, StoredUpload):
                self._process(job)
            elif isinstance(job, _Work):
                self._carry_out(job)
            elif isinstance(job, _Removal) and job.done.set_running_or_notify_cancel():
                try:
                    self._remove(job.doc_id)
                    job.done.set_result(None)
                except Exception as err:  # noqa: BLE001 - raised where the future is awaited
                    job.done.set_exception(err)
                except BaseException:  # the thread dies
                    job.done.set_exception(Busy("the server is ending after an error"))
                    raise

    def _fail_pending(self) -> None:
        """Accept no more, and let those who wait know that the thread is gone. Accepted uploads stay on disk."""
        with self._changed:
            self._closing = True
            waiting = [*(removal.done for removal in self._removals), *(work.done for work in self._works)]
            self._removals.clear()
            self._works.clear()
        for done in waiting:
            if done.set_running_or_notify_cancel():
                done.set_exception(Busy("the server is ending after an error"))
        self.end_event_streams()

    def _next_job(self) -> StoredUpload | _Removal | _Work | None:
        """Wait for the next job, removals first, then uploads; None when closed.

        An upload stays in the queue until it is final, and other work until it is done.
        """
        with self._changed:
            while not (self._removals or self._queue or self._works or self._closing):
                self._changed.wait()
            if self._removals:
                return self._removals.popleft()
            if self._closing:
                return None
            return self._queue[0] if self._queue else self._works[0]

    def _carry_out(self, work: _Work) -> None:
        """Do other work; what an upload or a removal interrupts is done again after that."""

        def on_progress(progress: Progress) -> None:
            if self._closing or work.stopped.is_set() or ((self._removals or self._queue) and progress.pages):
                raise Interrupted

        error: Exception | None = None
        try:
            if work.stopped.is_set():
                raise Interrupted
            work.run(on_progress)
        except Interrupted:
            if not (self._closing or work.stopped.is_set()):
                return
            error = Busy("the server is shutting down")
        except Exception as err:  # noqa: BLE001 - raised where the future is awaited
            error = err
        with self._changed:
            if work in self._works:
                self._works.remove(work)
        if error is None:
            work.done.set_result(None)
        else:
            work.done.set_exception(error)

    def _process(self, stored: StoredUpload) -> None:
        """Index an upload; one that must wait stays first in the queue."""
        status = self.status(stored.upload)
        try:
            self._set_status(self._index(stored))
        except Interrupted:
            return
        except (IndexLocked, StorageFull) as err:
            self._set_status(replace(status, state="waiting", error=LOCKED if isinstance(err, IndexLocked) else FULL))
            with self._changed:
                self._changed.wait_for(lambda: self._removals or self._closing, RETRY_S)
        except Exception:  # the thread must go on with the next upload
            log.exception("upload %s cannot be indexed; the next start of a server tries again", stored.upload)
            self._set_status(replace(status, state="failed", error=BROKEN))

    def _index(self, stored: StoredUpload) -> UploadStatus:
        status = UploadStatus(stored.upload, stored.name, "indexing")
        if self._encoder is None:
            self._encoder = self._open_encoder()

        def on_progress(progress: Progress) -> None:
            self._set_status(replace(status, pages_done=progress.pages, pages_total=progress.pages_total or None))
            # A removal interrupts a run only after its first page; otherwise a series of removals would starve it.
            if self._closing or (self._removals and progress.pages):
                raise Interrupted

        outcome = mutations.add(
            self._directory, stored, encoder=self._encoder, passwords=self._passwords, on_progress=on_progress
        )
        self._on_commit(outcome.renamed)
        stored_uploads.mark_processed(stored)
        return replace(
            status,
            state="done" if outcome.error is None or outcome.pages_done else "failed",
            pages_done=outcome.pages_done,
            pages_total=outcome.pages_total,
            doc_id=outcome.doc_id,
            error=outcome.error,
        )

    def _remove(self, doc_id: str) -> None:
        path = mutations.remove(self._directory, doc_id)
        with self._changed:
            removed = [each for each in self._queue if each.path == path]
        for stored in removed:
            self._set_status(replace(self.status(stored.upload), state="failed", error=REMOVED))
        try:
            self._on_commit(False)
        except DocsearchError as err:
            log.warning("the index cannot be reopened: %s", err)
