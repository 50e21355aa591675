"""LRU cache from query-token vector to its MaxSim with every page of an index.

The tokens of one query come back in the next: while a user types, in a batch of queries, in frequent words.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import numpy as np

from . import threads
from .page_maxima import FixedPages, MaximaOf
from .records import F32, I64

BYTES_MAX = 64 << 20
"""Memory for maxima: those of 1,600 tokens with 10,000 pages, or of 16 with a million."""


class MaxSimCache:
    """MaxSim of query tokens with the pages of one snapshot. May be shared between threads."""

    def __init__(self, pages: int, maxima_of: MaximaOf, bytes_max: int | None = None) -> None:
        """`maxima_of` computes what is not cached, with the `pages` of the snapshot; None stands for BYTES_MAX."""
        bytes_max = BYTES_MAX if bytes_max is None else bytes_max
        self._pages = pages
        self._maxima_of = maxima_of
        self._tokens_max = bytes_max // (4 * max(1, pages))
        self._cached: OrderedDict[bytes, F32] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, vectors: F32, rows: I64 | None, known_pages: FixedPages | None = None) -> F32:
        """The maxima (n, Q) of `vectors` (Q, D) with the pages `rows` (n,), each once and rising, or with all.

        Only maxima with all pages are cached; those of some pages are read from them where they are. `known_pages` are
        the pages `rows`, if these are asked for again and again.
        """
        if rows is None:
            return np.stack([*self.of_each(vectors), *np.zeros((0, self._pages), np.float32)]).T
        known = self._lookup(vectors)
        missing = {key: i for i, (key, maxima) in enumerate(known) if maxima is None}
        out = np.empty((len(rows), len(vectors)), np.float32)
        computed = None
        if missing:
            new = vectors[list(missing.values())]
            computed = self._maxima_of(new, rows) if known_pages is None else known_pages.maxima(new)
        column = {key: i for i, key in enumerate(missing)}
        for i, (key, maxima) in enumerate(known):
            if maxima is not None:
                out[:, i] = maxima[rows]
            elif computed is not None:
                out[:, i] = computed[:, column[key]]
        return out

    def fill(self, vectors: F32) -> None:
        """Cache the maxima of `vectors` (Q, D) with all pages, in one pass over them; nothing if they are too many."""
        if len({key for key, _ in self._lookup(vectors)}) <= self._tokens_max:
            self.of_each(vectors)

    def of_each(self, vectors: F32) -> list[F32]:
        """The maxima (N,) of each of `vectors` (Q, D) with all pages."""
        known = self._lookup(vectors)
        missing = {key: i for i, (key, maxima) in enumerate(known) if maxima is None}
        computed: dict[bytes, F32] = {}
        if missing:
            maxima_of = self._maxima_of(vectors[list(missing.values())], None)
            columns = threads.shared_pool().map(np.copy, maxima_of.T)  # megabytes each in a large index
            computed = dict(zip(missing, columns, strict=True))
            self._insert(computed)
        return [computed[key] if maxima is None else maxima for key, maxima in known]

    def cached(self, vectors: F32) -> list[F32 | None]:
        """The maxima (N,) of each of `vectors` (Q, D) with all pages that are cached, None for the others."""
        return [maxima for _, maxima in self._lookup(vectors)]

    def clear(self) -> None:
        """Drop every cached token."""
        with self._lock:
            self._cached.clear()

    def _lookup(self, vectors: F32) -> list[tuple[bytes, F32 | None]]:
        """The key of each vector, and its maxima if they are cached."""
        keys = [hashlib.blake2b(vector.tobytes(), digest_size=16).digest() for vector in vectors]
        with self._lock:
            for key in keys:
                if key in self._cached:
                    self._cached.move_to_end(key)
            return [(key, self._cached.get(key)) for key in keys]

    def _insert(self, computed: dict[bytes, F32]) -> None:
        with self._lock:
            self._cached.update(computed)
            while len(self._cached) > self._tokens_max:
                self._cached.popitem(last=False)
