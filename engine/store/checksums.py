"""Checksums of derived files: the CRC-32 of every 64 KiB, verified when a block is first read.

Derived files are renamed without fsync, so a power cut may leave zeros in them. A folder of them has its checksums in
the file MANIFEST, which is written last and has a checksum of its own; a single file ends in a trailer. Both include
the name, so a file in the place of another one is found, too.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import struct
import sys
import weakref
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records import I64
from .mmap import will_need

BLOCK_BYTES = 1 << 16
"""Bytes under one checksum: a posting list of a large index is about twice as long."""
BLOCK_BYTES_BEFORE = 1 << 18
"""The same in files that earlier versions wrote."""
MANIFEST = "checksums.json"
TRAILER = struct.Struct("<8sQI")
"""The last bytes of a single derived file: MAGIC, the number of bytes before, and the CRC-32 of its name and these."""
MAGIC = b"docs.crc"


class DamagedFile(ValueError):
    """The derived file or folder `path` is not what was written: it has to be made again."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = path


class MappedFile:
    """A mapped `.npy` file of a derived folder, whose blocks are verified before they are first read. Thread-safe."""

    def __init__(self, path: Path, checksums: NDArray[np.uint32], block_bytes: int) -> None:
        """Map the file and verify its first block, which has the header. Raises DamagedFile, OSError or ValueError.

        There is a checksum of every `block_bytes`.
        """
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if mapped.offset >= mmap.ALLOCATIONGRANULARITY:  # the map would not begin where the file does
            raise DamagedFile(path, f"a header of {mapped.offset} bytes")
        self.path = path
        self.array: NDArray[Any] = np.asarray(mapped)
        """The content."""
        self.start = int(mapped.offset)
        """Where the content begins in the file, in bytes."""
        self.descriptor = -1
        """The open file, from `open` on."""
        self._block_bytes = block_bytes
        self._bytes = np.frombuffer(mapped.base, np.uint8)
        self._checksums = checksums
        self._is_verified = np.zeros(len(checksums), bool)
        self.is_whole = False
        """Whether every block has been verified."""
        self._verify_blocks(0, 1)

    def open(self) -> None:
        """Open the file for good, to read it without mapping it: not on Windows, which has no `os.pread`.

        Blocks are then verified so, too.
        """
        if sys.platform != "win32" and self.descriptor < 0:
            self.descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self.descriptor)

    def verify(self, begins: I64, ends: I64) -> None:
        """Verify the blocks that hold the bytes from `begins` (n,) up to `ends` (n,) of the array.

        Raises DamagedFile.
        """
        if self.is_whole:
            return
        firsts = (begins + self.start) // self._block_bytes
        lasts = -(-(ends + self.start) // self._block_bytes)
        is_filled = begins < ends
        blocks = zip(firsts[is_filled].tolist(), lasts[is_filled].tolist(), strict=True)
        unread = [(first, last) for first, last in blocks if not self._is_verified[first:last].all()]
        for first, last in unread:
            will_need(self._bytes[first * self._block_bytes : last * self._block_bytes])
        for first, last in unread:
            self._verify_blocks(first, last)

    def verify_all(self) -> None:
        """Verify every block. Raises DamagedFile."""
        if not self.is_whole:
            self._verify_blocks(0, len(self._checksums))

    def _verify_blocks(self, first: int, last: int) -> None:
        if self._is_verified[first:last].all():
            return
        for block in range(first, last):
            if not self._is_verified[block]:
                if zlib.crc32(self._block(block)) != self._checksums[block]:
                    raise DamagedFile(self.path, f"the checksum of block {block} is not the one that was written")
                self._is_verified[block] = True
        self.is_whole = bool(self._is_verified.all())

    def _block(self, number: int) -> bytes | memoryview:
        begin = number * self._block_bytes
        if sys.platform != "win32" and self.descriptor >= 0:
            return os.pread(self.descriptor, self._block_bytes, begin)
        return self._bytes[begin : begin + self._block_bytes].data


class DerivedFolder:
    """A folder of derived files and its manifest."""

    def __init__(self, path: Path, segment_digests: Mapping[int, str]) -> None:
        """Read the manifest of the folder `path`, made from segments with these digests; others no longer exist.

        Raises OSError where there is none, and DamagedFile where it is damaged, of another folder, or made from other
        segments of the same numbers.
        """
        self.path = path
        content, _, own = (path / MANIFEST).read_bytes().rstrip(b"\n").rpartition(b"\n")
        if own != b"%d" % zlib.crc32(content):
            raise DamagedFile(path, f"{MANIFEST} is damaged")
        stored = json.loads(content)
        if stored["name"] != path.name:
            raise DamagedFile(path, f"it was written as {stored['name']}")
        if any(segment_digests.get(int(i), digest) != digest for i, digest in stored["segments"].items()):
            raise DamagedFile(path, "it was made from other segments")
        self._block_bytes: int = stored["block_bytes"]
        if self._block_bytes not in (BLOCK_BYTES, BLOCK_BYTES_BEFORE):
            raise DamagedFile(path, "its blocks have another size")
        self._files: dict[str, dict[str, Any]] = stored["files"]

    def has(self, name: str) -> bool:
        """Whether there is a file `name`."""
        return name in self._files

    def read(self, name: str) -> bytes:
        """The verified content of a small file. Raises DamagedFile, OSError, or KeyError if there is none."""
        content = (self.path / name).read_bytes()
        wanted = self._files[name]
        if len(content) != wanted["bytes"] or _checksums(content, self._block_bytes) != wanted["crc32"]:
            raise DamagedFile(self.path / name, "its checksum is not the one that was written")
        return content

    def load(self, name: str) -> NDArray[Any]:
        """The verified array in a small file. Raises as `read` does."""
        found: NDArray[Any] = np.load(io.BytesIO(self.read(name)), allow_pickle=False)
        return found

    def map(self, name: str) -> MappedFile:
        """The array in a large file, mapped; its length is checked, its blocks later. Raises as `read` does."""
        wanted, path = self._files[name], self.path / name
        size = path.stat().st_size
        if size != wanted["bytes"]:
            raise DamagedFile(path, f"{size} bytes, {wanted['bytes']} were written")
        return MappedFile(path, np.array(wanted["crc32"], np.uint32), self._block_bytes)

    def verify(self) -> None:
        """Verify every byte of every file. Raises DamagedFile or OSError."""
        for name, wanted in self._files.items():
            path = self.path / name
            size = path.stat().st_size
            if size != wanted["bytes"] or _checksums(_map_bytes(path), self._block_bytes) != wanted["crc32"]:
                raise DamagedFile(path, "its checksum is not the one that was written")


def write_manifest(folder: Path, name: str, segment_digests: Mapping[int, str]) -> None:
    """Write the manifest of a complete `folder`, which is about to be renamed to `name`. Raises OSError."""
    files = {
        file.name: {"bytes": file.stat().st_size, "crc32": _checksums(_map_bytes(file), BLOCK_BYTES)}
        for file in sorted(folder.iterdir())
    }
    stored = {"name": name, "segments": segment_digests, "block_bytes": BLOCK_BYTES, "files": files}
    content = json.dumps(stored).encode("ascii")
    (folder / MANIFEST).write_bytes(b"%s\n%d\n" % (content, zlib.crc32(content)))


def append_trailer(file: Path, name: str) -> None:
    """Append the checksum of a complete file, which is about to be renamed to `name`. Raises OSError."""
    content = _map_bytes(file)
    trailer = TRAILER.pack(MAGIC, len(content), zlib.crc32(content, zlib.crc32(name.encode())))
    del content
    with file.open("ab") as stream:
        stream.write(trailer)


def verify_trailer(file: Path) -> None:
    """Verify every byte of a single derived file. Raises DamagedFile or OSError."""
    data = _map_bytes(file)
    length = len(data) - TRAILER.size
    if length < 0 or TRAILER.unpack(data[length:])[:2] != (MAGIC, length):
        raise DamagedFile(file, "it does not end in a checksum")
    if TRAILER.unpack(data[length:])[2] != zlib.crc32(data[:length], zlib.crc32(file.name.encode())):
        raise DamagedFile(file, "its checksum is not the one that was written")


def _map_bytes(file: Path) -> memoryview:
    """The bytes of a file, mapped."""
    if not file.stat().st_size:  # cannot be mapped
        return memoryview(b"")
    return np.memmap(file, np.uint8, "r").data


def _checksums(content: bytes | memoryview, block_bytes: int) -> list[int]:
    """The CRC-32 of each block."""
    view = memoryview(content)
    return [zlib.crc32(view[start : start + block_bytes]) for start in range(0, len(view), block_bytes)]
