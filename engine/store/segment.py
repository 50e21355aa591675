"""A segment: hundreds of pages, end to end in a few .npy files that are written once and then memory-mapped.

For P pages with T vectors of D dimensions in total, and dense vectors of S dimensions:

vectors.npy   (T, D) int8 or float16, or (T, W) uint8 in a codec of fewer bits
scales.npy    (T,) float16, or (T, 2) uint8 with the codec residual; missing with float16
offsets.npy   (P + 1,) int64, where each page's vectors begin
boxes.npy     (T, 4) uint16
single.npy    (P, S) float16, the dense vectors
words.npy     (T,) uint16, visual words: only with an encoder that has some

All are little-endian and in C order.
"""

from __future__ import annotations

import hashlib
import logging
import sys
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
from ..records import F16, I64, U8, U16
from . import arrays, codebook, durable, layout, shards
from .mmap import FAULT_AROUND_BYTES, blocks_read, release, will_need

logger = logging.getLogger(__name__)

OPEN_SEGMENTS = 64
"""Segments that stay mapped, at least. A mapped file holds a descriptor, and most systems allow 1024 per process."""
MAPPED_BYTES = 1 << 29
"""Bytes read of mapped segments after which their memory is released: reading again is cheap, memory is not."""
MAPPED_FILES = 5
"""Files of a segment that are mapped."""
MACOS_DESCRIPTORS = 10_240
"""macOS refuses a higher limit of open files (OPEN_MAX), although it says that there is none."""


@dataclass(frozen=True, slots=True)
class Column:
    """One file to write: `dtype` and `shape` of the whole array, and its `parts` in order along axis 0."""

    dtype: str
    shape: tuple[int, ...]
    parts: Iterable[NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A segment's file in the catalog: its name, its size in bytes, its SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment in the catalog. `pages` and `vectors` count deleted pages too."""

    id: int
    codec: str
    pages: int
    vectors: int
    dim: int
    dense_dim: int
    has_words: int  # 0 or 1: SQLite has no booleans

    def files(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The dtype and shape of each file, by its name."""
        files: dict[str, tuple[str, tuple[int, ...]]] = {
            layout.OFFSETS: ("<i8", (self.pages + 1,)),
            layout.VECTORS: (stored_dtype(self.codec), (self.vectors, stored_width(self.codec, self.dim))),
            layout.BOXES: ("<u2", (self.vectors, 4)),
            layout.DENSE: ("<f2", (self.pages, self.dense_dim)),
        }
        if (scales := stored_scales(self.codec, self.vectors)) is not None:
            files[layout.SCALES] = scales
        if self.has_words:
            files[layout.WORDS] = ("<u2", (self.vectors,))
        return files


def are_in(rows: Mapping[int, SegmentRow], segments: I64, slots: I64) -> bool:
    """Whether all pages, given by their `segments` (n,) and `slots` (n,), are in one of the segments `rows`."""
    ids = np.array(sorted(rows), np.int64)
    if not len(segments) or not len(ids):
        return not len(segments)
    places = np.searchsorted(ids, segments).clip(max=len(ids) - 1)
    pages = np.array([rows[i].pages for i in ids.tolist()], np.int64)
    return bool(((ids[places] == segments) & (slots >= 0) & (slots < pages[places])).all())


def write(directory: Path, row: SegmentRow, parts: Mapping[str, Iterable[NDArray[np.generic]]]) -> list[StoredFile]:
    """Write the segment `row` durably, from the `parts` of each of its files by name.

    Nothing refers to it yet: the caller's catalog transaction makes it visible. If writing fails, nothing is left.
    """
    with durable.atomic_folder(layout.segment_folder(directory, row.id)) as temporary:
        stored = [
            _write_file(temporary / name, Column(dtype, shape, parts[name]))
            for name, (dtype, shape) in sorted(row.files().items())
        ]
    logger.debug("segment %d: %d pages, %d vectors", row.id, row.pages, row.vectors)
    return stored


class Segment:
    """The files of one committed segment, each opened when it is first used; the large ones are mapped, not read."""

    def __init__(self, directory: Path, row: SegmentRow, codebook: Callable[[], Codebook]) -> None:
        """`codebook` returns the index's, and is called only with a codec that needs it."""
        self.row = row
        self._codebook = codebook
        self._directory = directory

    @property
    def _folder(self) -> Path:
        """Where it is now: it may be moved to another shard between the opening of two files."""
        return shards.find_segment(self._directory, self.row.id)

    @cached_property
    def offsets(self) -> I64:
        """Where each page's vectors begin, (P + 1,) int64. Raises IndexDamaged, as all properties do."""
        offsets = cast("I64", self._open(layout.OFFSETS, mapped=False))
        if offsets[0] != 0 or offsets[-1] != self.row.vectors or (np.diff(offsets) < 0).any():
            raise arrays.damaged(self._folder / layout.OFFSETS, "its offsets contradict the catalog")
        return offsets

    @cached_property
    def coded(self) -> Coded:
        """Every vector of the segment, (T, D) as stored, mapped; slices are views."""
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
    def dense(self) -> F16:
        """The dense vector of every page, (P, S) float16, mapped."""
        return cast("F16", self._open(layout.DENSE, mapped=True))

    def release(self) -> None:
        """Drop its mapped files from resident memory."""
        coded = self.__dict__.get("coded")
        arrays = [coded.values, coded.scales] if coded is not None else []
        for array in (*arrays, *(self.__dict__.get(name) for name in ("boxes", "words", "dense"))):
            if array is not None:
                release(array)

    def _open(self, name: str, *, mapped: bool) -> NDArray[np.generic]:
        path = self._folder / name
        dtype, shape = self.row.files()[name]
        if not path.exists():  # moved just now, or gone
            path = self._folder / name
            if not path.exists() and (absent := shards.missing(self._directory)):
                raise arrays.damaged(path, f"shard {', '.join(absent)} is missing; is its disk mounted?")
        array = arrays.load(path, mapped=mapped)
        if array.dtype != np.dtype(dtype) or array.shape != shape or not array.flags.c_contiguous:
            raise arrays.damaged(path, f"it contains {array.dtype} {array.shape}, the catalog says {dtype} {shape}")
        return array


class OpenSegments:
    """The segments of one snapshot, opened on demand: an LRU cache, as large as the limit of open files allows."""

    def __init__(self, directory: Path, rows: Mapping[int, SegmentRow]) -> None:
        self._directory = directory
        self._rows = rows
        # Not a method of this class: a reference cycle would keep the maps until the garbage collector runs.
        self._codebook = LazyCodebook(directory)
        self._open: OrderedDict[int, Segment] = OrderedDict()
        self._read_bytes = 0
        self._blocks_read = 0
        patch_bytes = sum(row.vectors * vector_bytes(row.codec, row.dim) for row in rows.values())
        dense_bytes = sum(row.pages * row.dense_dim * np.dtype(np.float16).itemsize for row in rows.values())
        self._is_large = patch_bytes + dense_bytes > 2 * MAPPED_BYTES
        self._capacity = max(OPEN_SEGMENTS, descriptors_for(MAPPED_FILES * len(rows)) // MAPPED_FILES)

    def __getitem__(self, segment: int) -> Segment:
        found = self._open.pop(segment, None) or self.new(segment)
        self._open[segment] = found
        while len(self._open) > self._capacity:
            # Views that a caller still holds keep their map alive.
            self._open.popitem(last=False)
        return found

    def new(self, segment: int) -> Segment:
        """Open a segment, beside the open ones."""
        return Segment(self._directory, self._rows[segment], self._codebook)

    def is_read_from_disk(self) -> bool:
        """Whether this process has read from a disk since the last call: a large index is not all in memory."""
        before, self._blocks_read = self._blocks_read, blocks_read()
        return self._is_large and self._blocks_read > before

    def read_ahead(self, segment: int, first: int, last: int) -> None:
        """Have the system read the vectors and boxes of the pages in the slots `first` up to `last` of a segment from
        now on.
        """
        source = self[segment]
        begin, end = int(source.offsets[first]), int(source.offsets[last])
        coded = source.coded[begin:end]
        for array in (coded.values, coded.scales, coded.words, source.boxes[begin:end]):
            if array is not None:
                will_need(array)

    def count_vectors_read(self, vectors: Coded, count: int, *, runs: int = 1) -> None:
        """As `count_bytes_read`, for `count` vectors like those given, with their scales and their visual words."""
        if self._is_large:
            self.count_bytes_read(count * vector_bytes(vectors.codec, vectors.dim), runs=runs)

    def count_bytes_read(self, count: int, *, runs: int = 1) -> None:
        """Call before `count` bytes in `runs` are read: in a large index, after MAPPED_BYTES, releases all memory."""
        if not self._is_large:
            return
        self._read_bytes += count + runs * MAPPED_FILES * FAULT_AROUND_BYTES
        if self._read_bytes > MAPPED_BYTES:
            self.release()

    def release(self) -> None:
        """Drop all mapped files from resident memory; arrays stay valid."""
        self._read_bytes = 0
        for opened in list(self._open.values()):
            opened.release()


def descriptors_for(files: int) -> int:
    """How many of `files` may be open at once, with as many descriptors left for everything else.

    Raises this process's limit (RLIMIT_NOFILE) for them as far as the system allows.
    """
    if sys.platform != "win32":  # it has no such limit
        with suppress(ImportError):
            import resource

            limit, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
            if limit == resource.RLIM_INFINITY:
                return files
            wanted = 2 * files if maximum == resource.RLIM_INFINITY else min(2 * files, maximum)
            for attempt in (wanted, min(wanted, MACOS_DESCRIPTORS)):
                if limit < attempt:
                    with suppress(OSError, ValueError):
                        resource.setrlimit(resource.RLIMIT_NOFILE, (attempt, maximum))
                        limit = attempt
            return min(files, limit // 2)
    return files


class LazyCodebook:
    """The codebook of an index, read once, when it is first needed. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._reading = threading.Lock()
        self._found: Codebook | None = None

    def __call__(self) -> Codebook:
        with self._reading:
            if self._found is None:
                self._found = codebook.read(self._directory)
            return self._found


class _HashingWriter:
    """A file that counts and hashes the bytes that are written to it."""

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
        hashed = _HashingWriter(file)
        np.lib.format.write_array_header_1_0(cast("BinaryIO", hashed), header)
        for part in column.parts:
            assert part.shape[1:] == column.shape[1:], (path.name, part.shape, column.shape)
            rows += len(part)
            flat = np.ascontiguousarray(part, column.dtype).reshape(-1)
            hashed.write(flat.view(np.uint8).data)
        assert rows == column.shape[0], (path.name, rows, column.shape)
    return StoredFile(path.name, hashed.bytes, hashed.digest.hexdigest())
