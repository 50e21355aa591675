"""Watches the folders of an index, and says what to update once what has changed is at rest."""

from __future__ import annotations

import importlib.util
import logging
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..engine.errors import IndexLocked, StorageFull, UsageError
from ..engine.install import needs
from ..engine.store import layout
from ..engine.store.locks import FileLock
from . import update
from .discover import Discovery
from .left_out import IGNORE_FILE
from .sources import Record, Source, absolute

log = logging.getLogger(__name__)

REST_S = 1.0
"""A file that has not changed for this long is complete: it is not read while somebody writes it."""
CHECK_S = 0.25
"""Seconds between looks at what has changed."""
RESCAN_S = 600.0
"""Seconds between full updates, which find what the system did not report, as changes on a network drive."""
RETRY_S = 1.0
"""Seconds between attempts while another process writes to the index, or the disk is full."""

Signature = tuple[int, int] | None
"""Size and modification time of a file, None for one that does not exist."""
Update = Callable[[Collection[Path] | None], None]
"""Updates what is at, below, or directly in the paths, or everything for None; see `Watcher.run`."""


def check_installed() -> None:
    """Raise UsageError without the package that reports changes."""
    if importlib.util.find_spec("watchfiles") is None:
        raise UsageError(needs("watching folders needs watchfiles", "watch"))


class WatchLock(FileLock):
    """The right to watch the folders of an index: of several processes, one has it. Raises UsageError."""

    def __init__(self, directory: Path) -> None:
        update.recorded(directory)
        try:
            super().__init__(directory / layout.WATCH_LOCK)
        except BlockingIOError as err:
            raise UsageError(
                f"{directory}: another process watches the folders of this index already; one is enough"
            ) from err
        except OSError as err:
            raise UsageError(f"{directory}: the index cannot be written to: {err.strerror or err}") from err


class PendingFiles:
    """Files that have changed, until each has been the same for REST_S. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: dict[Path, tuple[Signature, float]] = {}

    def add(self, files: Iterable[Path]) -> None:
        """Wait for these files to be at rest, from now on."""
        now = self._clock()
        for file in files:
            self._waiting[file] = (_signature(file), now)

    def take_rested(self) -> set[Path]:
        """Take out what has not changed for REST_S.

        A file that is gone is taken out together with those that changed at most REST_S after it went: one of them may
        be that file under another name, and the system may report the two at different times.
        """
        now, rested, changing = self._clock(), dict[Path, float](), list[float]()
        for file, (known, since) in list(self._waiting.items()):
            current = _signature(file)
            if current != known:
                self._waiting[file] = (current, now)
            elif now - since >= REST_S:
                rested[file] = since
                continue
            if current is not None:
                changing.append(self._waiting[file][1])
        first = min(changing, default=now)
        taken = {file for file, since in rested.items() if self._waiting[file][0] or first - since > REST_S}
        for file in taken:
            del self._waiting[file]
        return taken

    def __contains__(self, file: Path) -> bool:
        return file in self._waiting


class Watcher:
    """Watches the sources of the index in `directory`, until `stop` is set.

    `on_trouble` gets a line for people when something is in the way, such as another process that writes to the index,
    and "" once it is not.
    """

    def __init__(
        self,
        directory: Path,
        stop: threading.Event,
        on_trouble: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._own = absolute(directory)
        self._stop = stop
        self._on_trouble = on_trouble
        self._trouble = ""
        self._clock = clock
        self._pending = PendingFiles(clock)

    def run(self, apply: Update) -> None:
        """Call `apply` for everything at first, and then for what changes, until `stop` is set.

        While the index is locked or the disk is full, it is called again every RETRY_S; what else it raises ends this.
        """
        while not self._stop.is_set():
            watched = update.recorded(self._directory).sources
            folders = _folders(watched)
            before = _identities(watched)
            self._apply(apply, None)
            rescanned = self._clock()
            if not folders:
                self._stop.wait(RETRY_S)
                continue
            for changed in self._changes(folders):
                self._pending.add(file for file in changed if self._may_matter(file, watched))
                if _identities(watched) != before or update.recorded(self._directory).sources != watched:
                    break  # a folder has vanished or come back, or another one was indexed
                rested = self._pending.take_rested()
                if any(file.name == IGNORE_FILE for file in rested) or self._clock() - rescanned > RESCAN_S:
                    break
                if rested:
                    self._apply(apply, rested)

    def find(self, record: Record, files: Mapping[str, bytes], within: Collection[Path] | None) -> Discovery:
        """As `update.find_all`, without files that were written just now or still change: these are waited for."""
        found = update.find_all(record, files, within)
        now = time.time_ns()
        young = {
            each.file
            for each in found.documents
            if 0 <= now - each.mtime_ns < REST_S * 1e9 or each.file in self._pending
        }
        self._pending.add(file for file in young if file not in self._pending)
        return replace(found, documents=tuple(each for each in found.documents if each.file not in young))

    def _may_matter(self, file: Path, watched: Sequence[Source]) -> bool:
        """Whether a change of `file` may matter: it is neither the index's own nor hidden, but for ignore files."""
        if file.is_relative_to(self._own):
            return False
        for source in watched:
            if source.holds(file):
                parts = file.relative_to(source.path).parts
                return file.name == IGNORE_FILE or not any(part.startswith(".") for part in parts)
        return False

    def _apply(self, apply: Update, within: Collection[Path] | None) -> None:
        while not self._stop.is_set():
            try:
                apply(within)
            except (IndexLocked, StorageFull) as err:
                self._report(str(err))
                self._stop.wait(RETRY_S)
            else:
                self._report("")
                return

    def _report(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._on_trouble(trouble)

    def _changes(self, folders: Sequence[Path]) -> Iterator[list[Path]]:
        """Yield what the system says has changed, at least every CHECK_S, until `stop` is set."""
        import watchfiles

        for force_polling in (None, True):
            try:
                for changes in watchfiles.watch(
                    *folders,
                    watch_filter=None,
                    debounce=200,
                    step=50,
                    rust_timeout=int(CHECK_S * 1000),
                    yield_on_timeout=True,
                    stop_event=self._stop,
                    force_polling=force_polling,
                    ignore_permission_denied=True,
                ):
                    yield [Path(file) for _, file in changes]
            except FileNotFoundError:  # a folder vanished before it was watched: the caller looks again
                self._stop.wait(CHECK_S)
                yield []
            except OSError as err:  # the system's limit of watched folders
                if force_polling:
                    raise
                log.warning("the system cannot report changes (%s); the folders are compared again and again", err)
                continue
            return


def _folders(watched: Sequence[Source]) -> list[Path]:
    """The folders to watch: those of the sources that can be reached, and the folders of files; none inside another."""
    found = {source.path if source.is_folder else source.path.parent for source in watched if source.is_reachable()}
    return sorted(folder for folder in found if not any(parent in found for parent in folder.parents))


def _identities(watched: Sequence[Source]) -> list[tuple[int, int] | None]:
    """The device and inode of each source that is a folder, None where it cannot be reached."""
    found: list[tuple[int, int] | None] = []
    for source in watched:
        try:
            status = source.path.stat() if source.is_folder else None
        except OSError:
            status = None
        found.append(None if status is None else (status.st_dev, status.st_ino))
    return found


def _signature(file: Path) -> Signature:
    try:
        status = file.stat()
    except OSError:
        return None
    return (0 if stat.S_ISDIR(status.st_mode) else status.st_size, status.st_mtime_ns)
