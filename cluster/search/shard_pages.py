"""The pages of one shard, as a worker opens them: segments on its disk, and a page table that the driver sent."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ... import __version__
from ...engine.errors import UsageError
from ...engine.records import F16, F32, I64
from ...engine.retrieval.rabitq import GivenCodes
from ...engine.store import Fingerprint, Snapshot
from ...engine.store.cache import Cache
from ...engine.store.segment import SegmentRow, StoredFile


@dataclass(frozen=True, eq=False)
class LearnedWords:
    """Visual words that were learned from the pages of some `segments` (S,): the `centroids` (V, D) float32.

    Models without visual words of their own have one or more of these.
    """

    segments: I64
    centroids: F32


@dataclass(frozen=True, eq=False)
class ShardSpec:
    """What a worker needs to know of a shard, as of one generation of the index in `directory`.

    `table` has a record (n,) PAGE_DTYPE for each of its pages, and for those first pages of its documents that are in
    other shards; `is_own` (n,) tells them apart, and `page_order` (n,) is their place among all pages. `files` are
    those of each segment, with their checksums.
    """

    name: str
    directory: Path
    generation: str
    fingerprint: Fingerprint
    codec: str
    pool: int
    segments: dict[int, SegmentRow]
    digests: dict[int, str]
    files: dict[int, list[StoredFile]]
    table: NDArray[np.void]
    is_own: NDArray[np.bool_]
    page_order: I64
    centroids: F16 | None = None
    """Centroids (V, D) of the model's visual words; None if it has none."""
    learned: list[LearnedWords] = field(default_factory=list)
    width: int = 0
    coded: list[GivenCodes] = field(default_factory=list)
    """What dense vectors are encoded with, of those segments that have codes."""
    version: str = __version__
    """The driver's version of docsearch, which the worker's has to be."""

    @cached_property
    def key(self) -> str:
        """Tells this state of the shard from others."""
        state = hashlib.sha256(f"{self.name} {self.directory} {self.generation} {sorted(self.segments)}".encode())
        state.update(self.table["key"].tobytes() + self.table["segment"].tobytes() + self.is_own.tobytes())
        for each in self.learned:
            state.update(each.centroids.tobytes())
        for given in self.coded:
            state.update(given.segments.tobytes() + given.centre.tobytes())
        return state.hexdigest()[:16]

    @property
    def own(self) -> I64:
        """The rows (m,) of the shard's own pages in its table."""
        return np.flatnonzero(self.is_own)


class ShardPages(Snapshot):
    """The pages of a shard as rows 0 to n - 1. There is no catalog behind it: it has vectors, and no texts or names."""

    def __init__(self, spec: ShardSpec, directory: Path, cache: Path) -> None:
        """`directory` has the segments, on this machine; derived files are kept in a folder in `cache`."""
        self._directory = directory
        self._is_closed = False
        self._connection_lock = threading.RLock()
        self._spec = spec
        self.cache = Cache(cache)
        self.fingerprint = spec.fingerprint
        self.codec = spec.codec
        self.cross_language = None
        self.pool = spec.pool
        self.generation = spec.generation

    def close(self) -> None:
        """Forget the segments. Closing twice is harmless."""
        self._is_closed = True
        self.__dict__.pop("_open_segments", None)

    @property
    def copies(self) -> None:
        """None: copies are counted for all shards together, by the driver."""
        return None

    @property
    def segment_digests(self) -> dict[int, str]:
        """By segment, a digest of its files."""
        return self._spec.digests

    @cached_property
    def _pages(self) -> int:
        return len(self._spec.table)

    @cached_property
    def _table(self) -> NDArray[np.void]:
        return self._spec.table

    @cached_property
    def _segment_rows(self) -> dict[int, SegmentRow]:
        return self._spec.segments

    @cached_property
    def _page_order(self) -> I64:
        return self._spec.page_order

    @property
    def _connection(self) -> NoReturn:
        raise UsageError("a shard has no catalog")
