"""Keeps files that were taken out of documents for as long as this process runs: those that were asked for last."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..engine.errors import DocumentError, UsageError
from .attached import take_out
from .render.unpack import MemberReader

KEPT_MAX = 32
"""Files that are kept."""


class TakenOut:
    """Files in documents, each in a temporary file. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="docsearch-", ignore_cleanup_errors=True)
        self._kept: OrderedDict[tuple[Path, str, int, int], Path] = OrderedDict()
        self._lock = threading.Lock()

    def file(self, holder: Path, inner: str, passwords: tuple[str, ...] = ()) -> Path:
        """The file at the path `inner` in `holder`, as it is there now. Raises UsageError if it cannot be taken out."""
        try:
            status = holder.stat()
        except OSError as err:
            raise UsageError(f"{holder}: cannot be read: {err.strerror or err}") from err
        key = (holder, inner, status.st_size, status.st_mtime_ns)
        with self._lock:
            if (known := self._kept.get(key)) is not None and known.exists():
                self._kept.move_to_end(key)
                return known
            reader = MemberReader(passwords=passwords)
            try:
                self._kept[key] = found = take_out(reader, holder, inner, Path(self._folder.name))
            except DocumentError as err:
                raise UsageError(f"{inner} cannot be taken out of {holder}: {err}") from err
            finally:
                reader.close()
            while len(self._kept) > KEPT_MAX:
                _, oldest = self._kept.popitem(last=False)
                with suppress(OSError):
                    oldest.unlink()
            return found


@cache
def of_this_process() -> TakenOut:
    """The files that this process keeps; deleted when it ends."""
    return TakenOut()


def saved(holder: Path, inner: str) -> Path:
    """Take the file at `inner` out of `holder` into a temporary folder of its own, under its name, and leave it there.

    Raises UsageError.
    """
    found = of_this_process().file(holder, inner)
    target = Path(tempfile.mkdtemp(prefix="docsearch-")) / inner.rpartition("/")[2]
    target.write_bytes(found.read_bytes())
    target.chmod(0o400)  # changes would be lost: it is a copy
    return target
