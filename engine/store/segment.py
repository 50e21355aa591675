"""A segment: some hundreds of pages packed end to end in a few .npy files that are written once and then mapped.

For P pages with T vectors of D dimensions and single vectors of S: `vectors` (T, D) int8 or float16, or (T, W) uint8 in
a codec of fewer bits, `scales` (T,) float16 or (T, 2) uint8 (but for float16), `offsets` (P + 1,) int64, `boxes`
(T, 4) uint16, `single` (P, S) float16, `words` (T,) uint16 (only with an encoder that has visual words). All
little-endian, in C order.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from ..compression.codecs import Coded, stored_dtype, stored_scales, stored_width, vector_bytes
from ..compression.residual import Codebook
from ..errors import IndexDamaged
from ..records import F16, I64, U8, U16
from . import codebook, layout
from .mmap import LEAST_BYTES, let_go

logger = logging.getLogger(__name__)

OPEN_SEGMENTS = 64
"""Segments that are mapped at a time at least. A mapped file holds a descriptor, and most systems allow 1024."""
MAPPED_BYTES = 1 << 29
"""After so many bytes of segments were read, they are unmapped: what is read once more costs little, memory does."""
MAPS = 5
"""Files of a segment that are mapped."""


@dataclass(frozen=True, slots=True)
class Column:
    """One file to write: `shape` and `dtype` of the whole, and the `parts` that follow each other along axis 0."""

    dtype: str
    shape: tuple[int, ...]
    parts: Iterable[NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a segment as the catalog knows it: its name, its size in bytes, its SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment as the catalog knows it: `pages` and `vectors` count the dead ones too."""

    id: int
    codec: str
    pages: int
    vectors: int
    dim: int
    single_dim: int
    has_words: int  # 0 or 1, as SQLite has it

    def files(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The dtype and shape of each of its files, by file name."""
        files: dict[str, tuple[str, tuple[int, ...]]] = {
            layout.OFFSETS: ("<i8", (self.pages + 1,)),
            layout.VECTORS: (stored_dtype(self.codec), (self.vectors, stored_width(self.codec, self.dim))),
            layout.BOXES: ("<u2", (self.vectors, 4)),
            layout.SINGLE: ("<f2", (self.pages, self.single_dim)),
        }
        if (scales := stored_scales(self.codec, self.vectors)) is not None:
            files[layout.SCALES] = scales
        if self.has_words:
            files[layout.WORDS] = ("<u2", (self.vectors,))
        return files


def write(directory: Path, row: SegmentRow, parts: Mapping[str, Iterable[NDArray[np.generic]]]) -> list[StoredFile]:
    """Write segment `row` from the `parts` of each of its files, durably, and give it its name.

    Nothing refers to it yet: the caller's catalog transaction makes it visible. If writing fails, nothing is left.
    """
    temporary, final = layout.temporary_folder(directory, row.id), layout.segment_folder(directory, row.id)
    try:
        temporary.mkdir(parents=True)
        stored = [
            _write_file(temporary / name, Column(dtype, shape, parts[name]))
            for name, (dtype, shape) in sorted(row.files().items())
        ]
        layout.sync_folder(temporary)
        temporary.rename(final)
        layout.sync_folder(final.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    logger.debug("segment %d: %d pages, %d vectors", row.id, row.pages, row.vectors)
    return stored


class Segment:
    """The files of one committed segment, each opened when it is first used; large ones are mapped, not read."""

    def __init__(self, directory: Path, row: SegmentRow, codebook: Callable[[], Codebook]) -> None:
        """`codebook` gives the index's, for a codec that needs it."""
        self.row = row
        self._codebook = codebook
        self._folder = layout.segment_folder(directory, row.id)

    @cached_property
    def offsets(self) -> I64:
        """Where each page's vectors begin, (P + 1,) int64."""
        offsets = cast("I64", self._open(layout.OFFSETS, mapped=False))
        if offsets[0] != 0 or offsets[-1] != self.row.vectors or (np.diff(offsets) < 0).any():
            raise _damaged(self._folder / layout.OFFSETS, "its numbers do not fit the catalog")
        return offsets

    @cached_property
    def coded(self) -> Coded:
        """Every vector of the segment, (T, D), mapped; slices of it are views."""
        values = cast("NDArray[np.int8] | F16 | U8", self._open(layout.VECTORS, mapped=True))
        files = self.row.files()
        scales = cast("F16 | U8", self._open(layout.SCALES, mapped=True)) if layout.SCALES in files else None
        if self.row.codec != "residual":
            return Coded(self.row.codec, values, scales, self.row.dim)
        return Coded(self.row.codec, values, scales, self.row.dim, self.words, self._codebook())

    @cached_property
    def boxes(self) -> U16:
        """Every vector's box, (T, 4) uint16, mapped."""
        return cast("U16", self._open(layout.BOXES, mapped=True))

    @cached_property
    def words(self) -> U16:
        """Every vector's visual word, (T,) uint16, mapped."""
        return cast("U16", self._open(layout.WORDS, mapped=True))

    @cached_property
    def single(self) -> F16:
        """One vector a page, (P, S) float16, mapped."""
        return cast("F16", self._open(layout.SINGLE, mapped=True))

    def let_go(self) -> None:
        """Give back the memory that its mapped files take."""
        coded = self.__dict__.get("coded")
        arrays = [coded.values, coded.scales, coded.words] if coded is not None else []
        for array in (*arrays, self.__dict__.get("boxes"), self.__dict__.get("single")):
            if array is not None:
                let_go(array)

    def _open(self, name: str, *, mapped: bool) -> NDArray[np.generic]:
        path = self._folder / name
        dtype, shape = self.row.files()[name]
        try:
            array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        except (FileNotFoundError, ValueError, EOFError) as err:
            raise _damaged(path, str(err)) from err
        if array.dtype != np.dtype(dtype) or array.shape != shape or not array.flags.c_contiguous:
            raise _damaged(path, f"it holds {array.dtype} {array.shape}, the catalog says {dtype} {shape}")
        return np.asarray(array)  # a plain view of the map: slicing np.memmap itself is slow


class OpenSegments:
    """The segments of one snapshot; the mapped ones are those used last, as many as there are descriptors for."""

    def __init__(self, directory: Path, rows: Mapping[int, SegmentRow]) -> None:
        self._directory = directory
        self._rows = rows
        # Apart from the segments: in a ring of references their maps would outlive the snapshot.
        self._codebook = LazyCodebook(directory)
        self._open: OrderedDict[int, Segment] = OrderedDict()
        self._read_bytes = 0
        patches = sum(row.vectors * vector_bytes(row.codec, row.dim) for row in rows.values())
        stored = patches + sum(row.pages * row.single_dim * np.dtype(np.float16).itemsize for row in rows.values())
        self._is_large = stored > 2 * MAPPED_BYTES
        self._most = max(OPEN_SEGMENTS, descriptors_for(MAPS * len(rows)) // MAPS)

    def __getitem__(self, segment: int) -> Segment:
        found = self._open.pop(segment, None) or Segment(self._directory, self._rows[segment], self._codebook)
        self._open[segment] = found
        while len(self._open) > self._most:
            # Views that a caller still holds keep their map alive.
            self._open.popitem(last=False)
        return found

    def note_read(self, vectors: Coded) -> None:
        """Note that vectors, and what belongs to them, are about to be read."""
        beside = (vectors.scales, vectors.words)
        self.note_bytes(vectors.values.nbytes + sum(each.nbytes for each in beside if each is not None))

    def note_bytes(self, count: int) -> None:
        """Note that so many bytes of a run of pages are about to be read."""
        if not self._is_large:
            return
        self._read_bytes += count + MAPS * LEAST_BYTES
        if self._read_bytes > MAPPED_BYTES:
            self._read_bytes = 0
            for opened in list(self._open.values()):
                opened.let_go()


def descriptors_for(files: int) -> int:
    """How many of so many files may be open at once, beside as many others; the limit of this process is raised for
    them as far as the system lets it.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return files
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return files
    wanted = 2 * files if most == resource.RLIM_INFINITY else min(2 * files, most)
    if limit < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            limit = wanted
    return min(files, limit // 2)


class LazyCodebook:
    """The codebook of an index, read when it is first asked for, and once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._reading = threading.Lock()
        self._found: Codebook | None = None

    def __call__(self) -> Codebook:
        with self._reading:
            if self._found is None:
                self._found = codebook.read(self._directory)
            return self._found


class _Hashed:
    """A file that computes the checksum of what is meant to be in it, while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes | memoryview) -> int:
        self.digest.update(data)
        self.bytes += len(data)
        return self._file.write(data)


def _write_file(path: Path, column: Column) -> StoredFile:
    header = {"descr": column.dtype, "fortran_order": False, "shape": column.shape}
    rows = 0
    with path.open("xb") as file:
        hashed = _Hashed(file)
        np.lib.format.write_array_header_1_0(cast("BinaryIO", hashed), header)
        for part in column.parts:
            assert part.shape[1:] == column.shape[1:], (path.name, part.shape, column.shape)
            rows += len(part)
            flat = np.ascontiguousarray(part, column.dtype).reshape(-1)
            hashed.write(flat.view(np.uint8).data)
        assert rows == column.shape[0], (path.name, rows, column.shape)
        file.flush()
        os.fsync(file.fileno())
    return StoredFile(path.name, hashed.bytes, hashed.digest.hexdigest())


def _damaged(path: Path, what: str) -> IndexDamaged:
    return IndexDamaged(
        f"{path}: not what was committed ({what}); see 'docsearch verify', then restore the index from a copy or build "
        "it again with 'docsearch index' and another --index"
    )
