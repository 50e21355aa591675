"""Text index: BM25 scores of every page's text layer for the terms of a question, and of its document's first words.

Inverted lists of terms, in parts of some segments each (`tiers`), are derived from the texts in the catalog. Statistics
are those of the snapshot: pages with text count, removed ones do not, and pages with identical content count as one.

BM25: Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..query.terms import terms_of
from ..records import F32, F64, I64, U8
from ..store import Snapshot
from ..store.checksums import DamagedFile, DerivedFolder, MappedFile
from . import tiers

K1, B = 1.2, 0.75
"""BM25's saturation of a term's count, and normalisation by a page's length; its authors' values."""
OPENING_TERMS = 120
"""Terms at the beginning of a text that tell what a document is, if it is its first page."""
COUNT_MAX = 127
"""Larger counts of a term on a page are stored as this; BM25 is flat there."""
OPENING = 128
"""Bit of a stored count: the term is among the first OPENING_TERMS."""
REMOVED = 2**32 - 1
"""Length of a page that had been removed when its part was built."""
PART_PAGES = 50_000
"""Pages of the largest part: building it takes about 300 MB."""
PREFIX = "texts-"
"""How names of the cache folders with these parts begin."""
TERMS, STARTS, PAGES, COUNTS, LENGTHS = "terms.npy", "starts.npy", "pages.npy", "counts.npy", "lengths.npy"

U64 = NDArray[np.uint64]
U32 = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class TermPages:
    """The pages that have a term: `rows` (n,), how often each has it, `counts` (n,), and whether each `begins` with it.

    A page begins with its first OPENING_TERMS terms. `idf` is BM25's inverse document frequency of the term.
    """

    rows: I64
    counts: U8
    begins: NDArray[np.bool_]
    idf: float


@dataclass(frozen=True, eq=False)
class TextPart:
    """Inverted lists of the pages of some `segments` (S, 2); see `tiers.Part`.

    `terms` (V,) are sorted `term_key`s; term v is on the pages `pages[starts[v]:starts[v + 1]]`, numbers within the
    part, as often as the same items of `counts` say. `lengths` (P,) are the numbers of terms of all pages, REMOVED for
    those that had been removed.
    """

    terms: U64
    starts: I64
    pages: U32
    counts: U8
    lengths: U32
    segments: I64
    files: tuple[MappedFile, ...] = ()
    """The files with `pages` and `counts`, whose blocks are verified before they are read; none in memory."""

    @property
    def size(self) -> int:
        """Pages that it was built from."""
        return int(np.count_nonzero(self.lengths != REMOVED))

    def postings(self, key: np.uint64) -> tuple[U32, U8]:
        """The pages (n,) that have a term, and their counts (n,). Raises DamagedFile."""
        at = int(np.searchsorted(self.terms, key))
        if at == len(self.terms) or self.terms[at] != key:
            return self.pages[:0], self.counts[:0]
        bounds = self.starts[at : at + 2]
        for file in self.files:
            file.verify(bounds[:1] * file.array.itemsize, bounds[1:] * file.array.itemsize)
        first, last = bounds.tolist()
        return self.pages[first:last], self.counts[first:last]


class TextIndex:
    """Scores the text layers of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        reader, builder = read, partial(build, snapshot)
        self._rebuild = partial(tiers.rebuild, snapshot, PREFIX, read=reader, build=builder)
        live = segment_sizes(snapshot)
        self._parts = tiers.open_parts(snapshot, PREFIX, live, read=reader, build=builder, max_size=PART_PAGES)
        self._replacing = threading.Lock()
        self._rows = {id(part): tiers.page_rows(snapshot, part.segments) for part in self._parts}

    @cached_property
    def lengths(self) -> I64:
        """The number of terms of each row's text, (N,) int64: 0 for a page without a text layer."""
        found = np.zeros(len(self._snapshot) + 1, np.int64)
        for part in self._parts:
            found[self._rows[id(part)]] = part.lengths
        return found[:-1]

    @cached_property
    def _is_counted(self) -> NDArray[np.bool_]:
        """The rows (N,) that statistics count: of pages with identical content, one."""
        copies = self._snapshot.copies
        found = np.full(len(self._snapshot), copies is None)
        if copies is not None:
            found[copies.counted] = True
        return found

    @cached_property
    def _pages(self) -> int:
        """Pages with text, copies counted once."""
        return int(np.count_nonzero(self.lengths[self._is_counted]))

    @cached_property
    def _norms(self) -> F64:
        """K1 times the length normalisation of each row, (N,)."""
        average = self.lengths[self._is_counted].sum() / max(1, self._pages)
        norms: F64 = K1 * (1 - B + B * self.lengths / max(1.0, average))
        return norms

    def look_up(self, term: str) -> TermPages:
        """The pages whose text has a term."""
        key, pages = term_key(term), len(self._snapshot)
        rows, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.uint8)]
        for part in self._parts:
            try:
                numbers, found = part.postings(key)
            except DamagedFile as err:
                self._replace(part, err)
                return self.look_up(term)
            own = self._rows[id(part)][numbers]
            kept = own < pages
            rows.append(own[kept])
            counts.append(found[kept])
        stored, every = np.concatenate(counts), np.concatenate(rows)
        df = int(np.count_nonzero(self._is_counted[every]))
        idf = float(np.log1p((self._pages - df + 0.5) / (df + 0.5)))
        return TermPages(every, (stored & COUNT_MAX).astype(np.uint8), (stored & OPENING) > 0, idf)

    def scores(self, terms: Iterable[TermPages]) -> F32:
        """BM25 (N,) of every page for the terms of a question, as a share of the most that it can be: 0 to 1."""
        total, most = np.zeros(len(self._snapshot)), 0.0
        for term in terms:
            most += term.idf
            total[term.rows] += term.idf * (term.counts / (term.counts + self._norms[term.rows]))
        return (total / most if most else total).astype(np.float32)

    def _replace(self, damaged: TextPart, error: DamagedFile) -> None:
        """Build a part again, unless another thread has done so."""
        with self._replacing:
            if damaged not in self._parts:
                return
            built = self._rebuild(damaged.segments, error)
            self._rows[id(built)] = tiers.page_rows(self._snapshot, built.segments)
            self._parts = [built if part is damaged else part for part in self._parts]


def term_key(term: str) -> np.uint64:
    """64 bits of a term's hash. Two terms of a billion have the same one with a probability of 3 %."""
    return np.uint64(int.from_bytes(hashlib.blake2b(term.encode("utf-8", "replace"), digest_size=8).digest(), "little"))


def segment_sizes(snapshot: Snapshot) -> dict[int, int]:
    """The number of live pages of each segment that has any."""
    counts = np.bincount(snapshot.locations()[0])
    return {segment: count for segment, count in enumerate(counts.tolist()) if count}


def read(folder: DerivedFolder, segments: I64) -> TextPart:
    """Open the part in `folder`. Raises one of `tiers.UNUSABLE` where it is damaged."""
    pages, counts = folder.map(PAGES), folder.map(COUNTS)
    terms, starts, lengths = folder.load(TERMS), folder.load(STARTS), folder.load(LENGTHS)
    fits = starts.shape == (len(terms) + 1,) and pages.array.shape == counts.array.shape == (starts[-1],)
    if not (fits and starts[0] == 0 and (np.diff(starts) >= 0).all() and len(lengths) == segments[:, 1].sum()):
        raise ValueError("the files of the text index do not fit each other")
    return TextPart(terms, starts, pages.array, counts.array, lengths, segments, (pages, counts))


def build(snapshot: Snapshot, segments: I64, folder: Path | None) -> TextPart:
    """Build the inverted lists of `segments` (S, 2), in files of `folder`, or in memory for None."""
    where, slots = snapshot.locations()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    numbers = tiers.page_numbers(segments, where[rows], slots[rows])
    lengths = np.full(segments[:, 1].sum(), REMOVED, np.uint32)
    keys: dict[str, int] = {}
    ids: list[NDArray[np.uint32]] = []
    pages: list[NDArray[np.uint32]] = []
    counts: list[NDArray[np.uint8]] = []
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        found = terms_of(snapshot.text(row))
        lengths[number] = len(found)
        opening = set(found[:OPENING_TERMS])
        counted = Counter(found)
        ids.append(np.array([keys.setdefault(term, len(keys)) for term in counted], np.uint32))
        pages.append(np.full(len(counted), number, np.uint32))
        stored = [min(n, COUNT_MAX) | (OPENING if term in opening else 0) for term, n in counted.items()]
        counts.append(np.array(stored, np.uint8))
    hashed = np.array([term_key(term) for term in keys], np.uint64)
    terms, place = np.unique(hashed, return_inverse=True)
    every = place[np.concatenate([np.zeros(0, np.uint32), *ids])].astype(np.uint32)
    listed = np.concatenate([np.zeros(0, np.uint32), *pages])
    order = np.lexsort((listed, every))
    starts = np.searchsorted(every[order], np.arange(len(terms) + 1)).astype(np.int64)
    part = TextPart(
        terms, starts, listed[order], np.concatenate([np.zeros(0, np.uint8), *counts])[order], lengths, segments
    )
    if folder is not None:
        for name in (TERMS, STARTS, PAGES, COUNTS, LENGTHS):
            np.save(folder / name, getattr(part, name.removesuffix(".npy")))
    return part
