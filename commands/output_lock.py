"""A lock beside an output file: one process at a time collects answers for it."""

from __future__ import annotations

import errno
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from ..engine.errors import UsageError
from ..engine.store.locks import FileLock

log = logging.getLogger(__name__)

SUFFIX = ".lock"
NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
"""What file systems without locks answer."""


class OutputLock(FileLock):
    """The right to write the output `file`, held by a lock on `<file>.lock` until `release`, which deletes that.

    Raises UsageError where another process has it, OSError where the lock file cannot be made. On a file system without
    locks nothing is held.
    """

    def __init__(self, file: Path) -> None:
        self._path = file.with_name(file.name + SUFFIX)
        while True:
            try:
                super().__init__(self._path)
            except BlockingIOError:
                raise UsageError(
                    f"{file}: another 'docsearch batch' is writing this file; wait until it ends, or choose another -o"
                ) from None
            except OSError as err:
                if err.errno not in NO_LOCKS:
                    raise
                log.debug("%s: not locked: %s", file, err)
                self._delete()
                return
            if self._is_current():
                return
            super().release()  # its last owner deleted it meanwhile

    def release(self) -> None:
        """Delete the lock file and unlock it; releasing twice is harmless."""
        if self._descriptor < 0:
            return
        if sys.platform == "win32":  # it deletes no open file
            super().release()
            self._delete()
        else:
            self._delete()
            super().release()

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _delete(self) -> None:
        with suppress(OSError):
            self._path.unlink()
