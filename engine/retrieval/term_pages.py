"""The pages that have a term of a question, and an LRU cache of them: the parts of an answer ask for the same terms."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64, U8

CACHED_BYTES = 16 << 20
ENTRY_BYTES = 1000
"""Memory of a term that no page has."""

TermGroup = tuple[str, tuple[tuple[str, float], ...]]
"""A term, and others that a page may have instead, each with how much that counts, 0..1."""


@dataclass(frozen=True, slots=True)
class TermPages:
    """The pages that have a term, or another instead: `rows` (n,), how often each has it, `counts` (n,), and whether
    each `begins` with it.

    A page begins with its first OPENING_TERMS terms. `strengths` (n,), 0..1, are how much each page counts: 1 where it
    has the term itself. `idf` is BM25's inverse document frequency of all of them.
    """

    rows: I64
    counts: U8
    begins: NDArray[np.bool_]
    strengths: F32
    idf: float

    @property
    def nbytes(self) -> int:
        """The memory that it takes, roughly."""
        return ENTRY_BYTES + self.rows.nbytes + self.counts.nbytes + self.begins.nbytes + self.strengths.nbytes


class TermCache:
    """The pages of the terms that were looked up last, CACHED_BYTES at most. May be shared between threads."""

    def __init__(self) -> None:
        self._cached: OrderedDict[TermGroup, TermPages] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def known(self, groups: Iterable[TermGroup]) -> dict[TermGroup, TermPages]:
        """The pages of those of some terms that are cached."""
        with self._lock:
            return {group: self._cached[group] for group in groups if group in self._cached}

    def add(self, found: Mapping[TermGroup, TermPages]) -> None:
        """Keep the pages of some terms; they count as used last."""
        with self._lock:
            for group, pages in found.items():
                if group not in self._cached:
                    self._bytes += pages.nbytes
                self._cached[group] = pages
                self._cached.move_to_end(group)
            while self._bytes > CACHED_BYTES:
                _, dropped = self._cached.popitem(last=False)
                self._bytes -= dropped.nbytes
