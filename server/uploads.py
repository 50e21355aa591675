"""Uploaded documents go in; one thread indexes them in their order, and tells those who follow how far it is.

The thread is also the one that removes documents, so the server never competes with itself for the writer's lock. It
ends a long run early for a removal, and at the end of the server: pages that are embedded are committed, and the run
goes on there, after the removal or at the next start.
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
from typing import Literal

from ..engine.errors import DocsearchError, IndexLocked, StorageFull
from ..engine.models.encoder import PageEncoder
from ..engine.store import open_snapshot
from ..indexer.report import Interrupted, Progress
from . import mutations, stored_uploads
from .http_errors import Busy, NotHere
from .stored_uploads import Receiving, Stored, UploadsLock

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""How often an upload that waits for another process, or for space on the disk, is tried again."""
KEPT = 100
"""Uploads that are through and still told about."""
NICENESS = 10
"""How much indexing gives way to questions on a busy machine."""
ALIVE_EVERY_S = 15.0
"""How often those who follow an upload hear that the server is there, when nothing happens."""
LOCKED = "another process is writing to the index; this upload waits until it ends"
FULL = "the disk is full; this upload waits until there is space"
REMOVED = "the document was removed before it was indexed to its end"
BROKEN = "the index could not take it; the server's log says why"


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """How far an upload is: `pages_done` of the `pages_total` pages that are to be embedded, the latter None until it
    is known; `doc_id` and `error` as far as there are any.
    """

    upload: str
    name: str
    state: Literal["waiting", "indexing", "done", "failed"] = "waiting"
    pages_done: int = 0
    pages_total: int | None = None
    doc_id: str | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.state in ("done", "failed")


@dataclass(frozen=True, slots=True)
class _Removal:
    doc_id: str
    done: Future[None]


class Uploads:
    """Holds the uploads of one index, their `lock`, and the thread that works on them; at most `room` may wait.

    `encoder` opens the page side of the index's model, when it is first needed; `on_commit` makes what was committed
    be found, and is told whether documents were renamed.
    """

    def __init__(
        self,
        directory: Path,
        lock: UploadsLock,
        encoder: Callable[[], PageEncoder],
        *,
        room: int,
        passwords: tuple[str, ...] = (),
        on_commit: Callable[[bool], None],
    ) -> None:
        self._directory = directory
        self._lock = lock
        self._open_encoder = encoder
        self._encoder: PageEncoder | None = None
        self._room = room
        self._passwords = passwords
        self._on_commit = on_commit
        self._thread = threading.Thread(target=self._work, name="docsearch-uploads")
        self._changed = threading.Condition()  # guards all that follows
        self._waiting: deque[Stored] = deque()
        self._receiving = 0
        self._removals: deque[_Removal] = deque()
        self._statuses: dict[str, UploadStatus] = {}  # in the order they came
        self._followers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closing = False
        self._leaving = False

    def start(self) -> None:
        """Sweep what was half-received, and go on with what an earlier server had accepted."""
        with open_snapshot(self._directory) as snapshot:
            stored_uploads.sweep(self._directory, snapshot.documents().keys())
        for stored in stored_uploads.waiting(self._directory):
            self._take_in(stored)
        self._thread.start()

    def close(self) -> None:
        """Take no more; removals are carried out, and uploads are left for the next start, with what is embedded."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self.end_following()
        self._lock.release()

    @property
    def waiting(self) -> int:
        """How many uploads wait or are being received."""
        return len(self._waiting) + self._receiving

    def begin(self, name: str) -> Receiving:
        """Begin to receive a file that the client calls `name`; `accept` or `give_up` has to follow. Raises Busy."""
        with self._changed:
            if self._closing:
                raise Busy("the server is shutting down")
            if self.waiting >= self._room:
                raise Busy(f"{self.waiting} uploads wait, of at most {self._room}; send it again in a while")
            self._receiving += 1
        try:
            return Receiving(self._directory, name)
        except BaseException:
            self._received()
            raise

    def accept(self, receiving: Receiving) -> UploadStatus:
        """Make an upload that came in to the end durable, and queue it."""
        try:
            return self._take_in(receiving.accept())
        except BaseException:
            receiving.give_up()
            raise
        finally:
            self._received()

    def give_up(self, receiving: Receiving) -> None:
        """Forget an upload that did not come in to the end."""
        try:
            receiving.give_up()
        finally:
            self._received()

    def recent(self) -> list[UploadStatus]:
        """What is told about, the newest first."""
        with self._changed:
            return list(reversed(self._statuses.values()))

    def status(self, upload: str) -> UploadStatus:
        """How far one upload is. Raises NotHere."""
        with self._changed:
            if upload not in self._statuses:
                raise NotHere(f"there is no upload {upload!r}, or it was too long ago")
            return self._statuses[upload]

    async def follow(self, upload: str) -> AsyncIterator[UploadStatus | None]:
        """Yield how far an upload is whenever that changes, until it is through; None where it is long unchanged."""
        follower = (asyncio.get_running_loop(), asyncio.Event())
        with self._changed:
            self._followers.add(follower)
        told: UploadStatus | None = None
        try:
            while not (self._leaving or (told is not None and told.ended)):
                follower[1].clear()
                now = self.status(upload)
                if now != told:
                    told = now
                    yield now
                    continue
                try:
                    await asyncio.wait_for(follower[1].wait(), ALIVE_EVERY_S)
                except TimeoutError:
                    yield None
        finally:
            with self._changed:
                self._followers.discard(follower)

    def end_following(self) -> None:
        """Let go of all who follow."""
        self._leaving = True
        with self._changed:
            self._wake()

    def remove(self, doc_id: str) -> Future[None]:
        """Remove a document from the index, and its file if it was uploaded. The future raises NotHere, IndexLocked
        and what else the store raises. Raises Busy.
        """
        removal = _Removal(doc_id, Future())
        with self._changed:
            if self._closing:
                raise Busy("the server is shutting down")
            if len(self._removals) >= self._room:
                raise Busy(f"{len(self._removals)} documents wait to be removed; ask again in a moment")
            self._removals.append(removal)
            self._changed.notify_all()
        return removal.done

    def _received(self) -> None:
        with self._changed:
            self._receiving -= 1

    def _take_in(self, stored: Stored) -> UploadStatus:
        status = UploadStatus(stored.upload, stored.name)
        with self._changed:
            self._waiting.append(stored)
            self._statuses[stored.upload] = status
            ended = [each.upload for each in self._statuses.values() if each.ended]
            for upload in ended[: max(0, len(ended) - KEPT)]:
                del self._statuses[upload]
            self._changed.notify_all()
        return status

    def _tell(self, status: UploadStatus) -> None:
        with self._changed:
            self._statuses[status.upload] = status
            if status.ended:
                self._waiting = deque(each for each in self._waiting if each.upload != status.upload)
            self._wake()

    def _wake(self) -> None:
        for loop, event in self._followers:
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(event.set)

    def _work(self) -> None:
        if sys.platform == "linux":  # there it is a thread's, and of what that starts
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while (job := self._take()) is not None:
            if isinstance(job, Stored):
                self._try(job)
            elif job.done.set_running_or_notify_cancel():
                try:
                    self._remove(job.doc_id)
                    job.done.set_result(None)
                except Exception as err:  # noqa: BLE001 - the one who asked gets it
                    job.done.set_exception(err)

    def _take(self) -> Stored | _Removal | None:
        """Wait for what is to be done next, removals first; None at the end."""
        with self._changed:
            while not (self._removals or self._waiting or self._closing):
                self._changed.wait()
            if self._removals:
                return self._removals.popleft()
            return None if self._closing else self._waiting[0]

    def _try(self, stored: Stored) -> None:
        """Index an upload; what cannot be done now stays first in the queue."""
        status = self.status(stored.upload)
        try:
            self._tell(self._index_one(stored))
        except Interrupted:
            return
        except (IndexLocked, StorageFull) as err:
            self._tell(replace(status, state="waiting", error=LOCKED if isinstance(err, IndexLocked) else FULL))
            with self._changed:
                self._changed.wait_for(lambda: self._removals or self._closing, RETRY_S)
        except Exception:  # whatever it is, the uploads behind it have their turn
            log.exception("upload %s cannot be indexed; it is tried again at the next start", stored.upload)
            self._tell(replace(status, state="failed", error=BROKEN))

    def _index_one(self, stored: Stored) -> UploadStatus:
        status = UploadStatus(stored.upload, stored.name, "indexing")
        if self._encoder is None:
            self._encoder = self._open_encoder()

        def on_progress(progress: Progress) -> None:
            self._tell(replace(status, pages_done=progress.pages, pages_total=progress.pages_total or None))
            # A removal does not interrupt a run before it has got anywhere: many would stop it for ever.
            if self._closing or (self._removals and progress.pages):
                raise Interrupted

        outcome = mutations.add(
            self._directory, stored, encoder=self._encoder, passwords=self._passwords, on_progress=on_progress
        )
        self._on_commit(outcome.renamed)
        stored_uploads.settle(stored)
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
            given_up = [each for each in self._waiting if each.path == path]
        for stored in given_up:
            self._tell(replace(self.status(stored.upload), state="failed", error=REMOVED))
        try:
            self._on_commit(False)
        except DocsearchError as err:
            log.warning("the index cannot be opened again: %s", err)
