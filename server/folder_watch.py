"""Keeps the index of a server up to date with its folders (`docsearch serve --watch`).

The folders are watched on a thread of their own; the thread of the upload queue carries out the updates, so that the
server never competes with itself for the writer's lock, and removals and uploads come first.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from ..engine.models.encoder import PageEncoder
from ..indexer.report import Progress
from ..indexer.update import update_index
from ..indexer.watch import Watcher, WatchLock, check_installed
from .http_errors import Busy
from .uploads import UploadQueue
from .vital_threads import VitalThreads

log = logging.getLogger(__name__)


class FolderWatch:
    """Watches the folders of the index in `directory`, and has `queue` update it.

    `prune` removes documents that are gone from disk. `encoder` opens the page encoder of the index's model when it is
    first needed. `on_commit` is called after each update that changed something, with whether documents were renamed.
    Raises UsageError if the index does not know its folders, another process watches them, or watchfiles is missing.
    """

    def __init__(
        self,
        directory: Path,
        queue: UploadQueue,
        encoder: Callable[[], PageEncoder],
        *,
        prune: bool,
        passwords: tuple[str, ...],
        on_commit: Callable[[bool], None],
        threads: VitalThreads,
    ) -> None:
        check_installed()
        self._lock = WatchLock(directory)
        self._directory = directory
        self._queue = queue
        self._open_encoder = encoder
        self._encoder: PageEncoder | None = None
        self._prune = prune
        self._passwords = passwords
        self._on_commit = on_commit
        self._stop = threading.Event()
        self._watcher = Watcher(directory, self._stop, lambda trouble: log.warning("%s", trouble or "continued"))
        self._thread = threads.thread("folders", lambda: self._watcher.run(self._apply), lambda: None)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching; an update in progress commits what it has. Closing twice is harmless."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._lock.release()

    @property
    def ready(self) -> bool:
        """Whether changes of the folders are noticed."""
        return self._thread.is_alive()

    def _apply(self, within: Collection[Path] | None) -> None:
        """Update the index on the queue's thread, and wait for it, though no longer than until `close`."""
        try:
            done = self._queue.run(partial(self._update, within), self._stop)
            while not (done.done() or self._stop.wait(0.1)):
                pass
            if done.done():
                done.result()
        except Busy:
            if not self._stop.is_set():
                raise

    def _update(self, within: Collection[Path] | None, on_progress: Callable[[Progress], None]) -> None:
        if self._encoder is None:
            self._encoder = self._open_encoder()
        report = update_index(
            self._directory,
            prune=self._prune,
            passwords=self._passwords,
            encoder=self._encoder,
            on_progress=on_progress,
            find=partial(self._watcher.find, within=within),
        )
        if report.documents or report.moved or report.removed or report.new_failures:
            log.info("%d documents indexed, %d moved, %d removed", report.documents, report.moved, report.removed)
            self._on_commit(bool(report.moved))
