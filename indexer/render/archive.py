"""Archives: the names of the files in a .zip or a .tar, compressed or not, and their contents, within limits.

Runs only inside the child process (`worker`). Names are data: no file is ever written under a name from an archive.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol

from ...engine.errors import DocumentError
from ..kinds import ZIP_MAGIC

NAMES_MAX = 10_000
"""Files of an archive that are looked at."""
NAME_MAX_CHARS = 500
"""Characters of a name that are kept, the last ones, which have the extension."""
MEMBER_MAX_BYTES = 256 << 20
"""A larger file in a document is not opened."""
RATIO_MAX = 200
"""Pages, pictures and texts are compressed to a hundredth at most; what expands more is made to fill a disk."""
RATIO_CHECKED_BYTES = 10 << 20
"""Content up to this size may expand as it likes: blank bitmaps and spreadsheets do."""
DECOMPRESSORS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
"""First bytes of a compressed .tar -> what opens it."""
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, lzma.LZMAError, NotImplementedError, ValueError)


class Members(Protocol):
    """The files that lie in a document."""

    names: list[str]
    """Their names, in order, as the document has them."""
    left_out: int
    """How many there are beyond these, as far as they were counted."""

    def read(self, number: int) -> bytes:
        """The content of the file at `number` in `names`. Raises DocumentError."""

    def close(self) -> None:
        """Close the document."""


def open_archive(file: Path, passwords: Sequence[str] = ()) -> Zip | Tar:
    """Open an archive by its first bytes. Raises DocumentError."""
    with file.open("rb") as stream:
        head = stream.read(8)
    try:
        if head.startswith((ZIP_MAGIC, b"PK\x05\x06")) or (file.suffix.lower() == ".zip"):
            return Zip(file, passwords)
        return Tar(file, next((opener for magic, opener in DECOMPRESSORS.items() if head.startswith(magic)), None))
    except (*DAMAGED, OSError) as err:
        raise DocumentError(f"the archive cannot be opened: {err}") from err


class Zip:
    """An open .zip; `passwords` are tried on encrypted files in it."""

    def __init__(self, file: Path, passwords: Sequence[str]) -> None:
        self._archive = zipfile.ZipFile(file)
        self._passwords = passwords
        files = [each for each in self._archive.infolist() if not each.is_dir()]
        self._files = files[:NAMES_MAX]
        self.names = [each.filename for each in self._files]
        self.left_out = len(files) - len(self._files)

    def read(self, number: int) -> bytes:
        """As `Members.read`."""
        info = self._files[number]
        check_size(info.file_size, info.compress_size)
        is_encrypted = bool(info.flag_bits & 1)
        for password in self._passwords if is_encrypted else (None,):
            try:
                with self._archive.open(info, pwd=None if password is None else password.encode()) as stream:
                    return read_within(stream, MEMBER_MAX_BYTES)
            except RuntimeError:  # not this password
                continue
            except (*DAMAGED, OSError) as err:
                if password is None:
                    raise DocumentError(f"it cannot be unpacked: {err}") from err
        raise DocumentError("it is encrypted in the archive; pass the right password with --password")

    def close(self) -> None:
        """Close the file."""
        self._archive.close()


class Tar:
    """An open .tar, decompressed by `opener`. Of what is no ordinary file, such as a link, nothing is read."""

    def __init__(self, file: Path, opener: Any) -> None:
        self._raw: BoundedStream | None = None
        if opener is not None:
            size = file.stat().st_size
            self._raw = BoundedStream(opener(file, "rb"), RATIO_CHECKED_BYTES + RATIO_MAX * size)
        stream: Any = self._raw  # it has what tarfile calls
        self._archive = tarfile.open(file, fileobj=stream, mode="r:")  # noqa: SIM115 - `close` closes it
        files = [each for each in islice(self._archive, 10 * NAMES_MAX) if each.isreg()]
        self._files = files[:NAMES_MAX]
        self.names = [each.name for each in self._files]
        self.left_out = len(files) - len(self._files)

    def read(self, number: int) -> bytes:
        """As `Members.read`."""
        info = self._files[number]
        check_size(info.size)
        try:
            stream = self._archive.extractfile(info)
            if stream is None:
                raise DocumentError("it has no content")
            return read_within(stream, MEMBER_MAX_BYTES)
        except (*DAMAGED, OSError) as err:
            raise DocumentError(f"it cannot be unpacked: {err}") from err

    def close(self) -> None:
        """Close the file."""
        self._archive.close()
        if self._raw is not None:
            self._raw.close()


class BoundedStream:
    """A stream that is read to `limit` bytes at most. Raises DocumentError beyond."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        left = self._limit - self._stream.tell()
        found: bytes = self._stream.read(left + 1 if size < 0 else min(size, left + 1))
        self._check(self._stream.tell())
        return found

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place counted from the start."""
        self._check(place if whence == 0 else place + self._stream.tell())
        return int(self._stream.seek(place, whence))

    def tell(self) -> int:
        """The place now."""
        return int(self._stream.tell())

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _check(self, place: int) -> None:
        if place > self._limit:
            raise DocumentError(f"it expands more than {RATIO_MAX}-fold, as no archive of documents does")


def check_size(size: int, compressed: int | None = None) -> None:
    """Raise DocumentError for a file of so many bytes, unless it can be read into memory and may be a document."""
    if size > MEMBER_MAX_BYTES:
        raise DocumentError(
            f"it has {size / 1e6:,.0f} MB; files in documents are opened up to {MEMBER_MAX_BYTES >> 20} MB"
        )
    if compressed is not None and size > RATIO_CHECKED_BYTES and size > RATIO_MAX * max(compressed, 1):
        raise DocumentError(f"it expands {size // max(compressed, 1):,}-fold, as no document does")


def read_within(stream: IO[bytes], limit: int) -> bytes:
    """All bytes of a stream. Raises DocumentError if it has more than `limit`."""
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise DocumentError(f"it has more than the {limit >> 20} MB that files in documents may have")
    return content
