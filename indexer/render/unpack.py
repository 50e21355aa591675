"""Takes files out of documents, in a child process with limits of time and memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import DocumentError
from .archive import MEMBER_MAX_BYTES, NAME_MAX_CHARS, NAMES_MAX
from .process import RenderProcess, RenderSettings
from .unread import ITEMS_MAX

NAMES_MAX_BYTES = 6 * NAMES_MAX * NAME_MAX_CHARS
BLOCK_BYTES = 1 << 20
TIMEOUT_S, MEMORY_LIMIT_MB = 30.0, 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """The `names` of the files that lie in a document, as it has them, and how many there are beyond these."""

    names: tuple[str, ...]
    left_out: int


class _WriteFailed(Exception):
    """The target cannot be written."""


class MemberReader(RenderProcess):
    """A child process that opens documents for the files in them; started when first needed. For one thread.

    `renderer` and `passwords` as for a `Renderer`.
    """

    def __init__(self, renderer: str = "mupdf", passwords: tuple[str, ...] = ()) -> None:
        limits = (TIMEOUT_S, MEMORY_LIMIT_MB)
        super().__init__(RenderSettings(72.0, 1, renderer, *limits, passwords))
        self._listed: Path | None = None  # what the child has open

    def names(self, file: Path) -> Listed:
        """What lies in `file`. Raises DocumentError, of which WorkerLost is one."""
        self.start()
        self._listed = None
        action = "looking for files in the document"
        with self._request(action, {"members": str(file)}, TIMEOUT_S):
            names, left_out = json.loads(self._read_bytes("members", action, NAMES_MAX_BYTES))
            if not isinstance(names, list) or len(names) > NAMES_MAX:
                raise ValueError("names that are no list")
            if not 0 <= int(left_out) <= ITEMS_MAX:
                raise ValueError(f"{left_out} files")
            listed = Listed(tuple(str(name)[-NAME_MAX_CHARS:] for name in names), int(left_out))
        self._listed = file
        return listed

    def extract(self, file: Path, number: int, target: Path) -> int:
        """Write the file at `number` of the names of `file` to `target`, and return its bytes. Raises DocumentError."""
        if self._child is None or self._listed != file:
            self.names(file)
        action = "taking it out of the document"
        try:
            with target.open("wb") as stream, self._request(action, {"member": number}, TIMEOUT_S):
                size = int(self._response("member", action)["bytes"])
                if not 0 <= size <= MEMBER_MAX_BYTES:
                    raise ValueError(f"{size} bytes")
                block = memoryview(bytearray(min(size, BLOCK_BYTES)))
                left = size
                while left:
                    part = block[: min(left, BLOCK_BYTES)]
                    self._read_into(part, action)
                    try:
                        stream.write(part)
                    except OSError as err:
                        raise _WriteFailed(err.strerror or str(err)) from err
                    left -= len(part)
        except _WriteFailed as err:
            self.stop()
            raise DocumentError(f"it cannot be written to {target.parent}: {err}") from err
        return size
