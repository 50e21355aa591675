"""Text index: BM25 scores of every page's text layer for the terms of a question, and of its document's first words.

Inverted lists of terms, in parts of some segments each (`tiers`), are derived from the texts in the catalog. Statistics
are those of the snapshot: pages with text count, removed ones do not, and pages with identical content count as one.

BM25: Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..query.languages import CODES, language_of
from ..query.terms import DEFINED, MAYBE, SAME, page_terms
from ..records import F32, F64, I64, U8
from ..store import Snapshot
from ..store.checksums import DamagedFile, DerivedFolder, MappedFile
from . import tiers, vocabulary
from .heading_terms import with_headings
from .term_pages import TermCache, TermGroup, TermPages
from .vocabulary import Vocabulary

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
MARKS = SAME + MAYBE + DEFINED
LAYOUT = 4
"""Version of the files of a part and of the terms that they have; parts of others are built again."""
LAYOUT_FILE = "layout.npy"
TERMS, STARTS, PAGES, COUNTS = "terms.npy", "starts.npy", "pages.npy", "counts.npy"
LENGTHS, NUMBERS, LANGUAGES = "lengths.npy", "numbers.npy", "languages.npy"

U64 = NDArray[np.uint64]
U32 = NDArray[np.uint32]


class Related(NamedTuple):
    """The pages of a term that is near in meaning to another one, and how much it counts, 0..1."""

    pages: TermPages
    weight: float


@dataclass(frozen=True, eq=False)
class TextPart:
    """Inverted lists of the pages of some `segments` (S, 2); see `tiers.Part`.

    `terms` (V,) are sorted `term_key`s; term v is on the pages `pages[starts[v]:starts[v + 1]]`, numbers within the
    part, as often as the same items of `counts` say. `lengths` (P,) are the numbers of terms of all pages, REMOVED for
    those that had been removed, `numbers` (P,) how many of these terms have a digit, and
    `languages` (P,) the places of their languages in `languages.CODES`.
    """

    terms: U64
    starts: I64
    pages: U32
    counts: U8
    lengths: U32
    numbers: U32
    languages: U8
    segments: I64
    read_words: Callable[[], Vocabulary]
    """Reads the part's words, which most questions do not need. Raises one of `tiers.UNUSABLE`."""
    files: tuple[MappedFile, ...] = ()
    """The files with `pages` and `counts`, whose blocks are verified before they are read; none in memory."""

    @property
    def size(self) -> int:
        """Pages that it was built from."""
        return int(np.count_nonzero(self.lengths != REMOVED))

    def postings(self, keys: U64) -> Iterator[tuple[int, U32, U8]]:
        """For those of `keys` (n,) that any page has: the place of the key, pages (m,) and counts (m,).

        Raises DamagedFile.
        """
        if not len(self.terms):
            return
        places = np.minimum(np.searchsorted(self.terms, keys), len(self.terms) - 1)
        for key in np.flatnonzero(self.terms[places] == keys).tolist():
            bounds = self.starts[places[key] : places[key] + 2]
            for file in self.files:
                file.verify(bounds[:1] * file.array.itemsize, bounds[1:] * file.array.itemsize)
            first, last = bounds.tolist()
            yield key, self.pages[first:last], self.counts[first:last]

    @cached_property
    def words(self) -> Vocabulary:
        """The words of its pages. Raises one of `tiers.UNUSABLE`."""
        return self.read_words()


class TextIndex:
    """Scores the text layers of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        reader, builder = read, partial(build, snapshot)
        self._rebuild = partial(tiers.rebuild, snapshot, PREFIX, read=reader, build=builder)
        live = segment_sizes(snapshot)
        self._parts = tiers.open_parts(snapshot, PREFIX, live, read=reader, build=builder, max_size=PART_PAGES)
        self._replacing = threading.Lock()
        self._looked_up = TermCache()
        self._rows = {id(part): tiers.page_rows(snapshot, part.segments) for part in self._parts}

    @cached_property
    def lengths(self) -> I64:
        """The number of terms of each row's text, (N,) int64: 0 for a page without a text layer."""
        found = np.zeros(len(self._snapshot) + 1, np.int64)
        for part in self._parts:
            found[self._rows[id(part)]] = part.lengths
        return found[:-1]

    @cached_property
    def number_shares(self) -> F32:
        """The share of terms with a digit in each row's text, (N,) float32; nan for a page without a text layer."""
        found = np.zeros(len(self._snapshot) + 1, np.float32)
        for part in self._parts:
            found[self._rows[id(part)]] = part.numbers
        shares = np.full(len(self._snapshot), np.nan, np.float32)
        return np.divide(found[:-1], self.lengths, out=shares, where=self.lengths > 0, casting="unsafe")

    @cached_property
    def languages(self) -> frozenset[str]:
        """The codes of the languages of all pages."""
        found = {int(place) for part in self._parts for place in np.unique(part.languages)}
        return frozenset(CODES[place] for place in found if 0 < place < len(CODES))

    @cached_property
    def page_languages(self) -> U8:
        """The place of each row's language in `languages.CODES`, (N,) uint8; 0 where it is not known."""
        found = np.zeros(len(self._snapshot) + 1, np.uint8)
        for part in self._parts:
            found[self._rows[id(part)]] = part.languages
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
        return self.look_up_all([(term, ())])[0]

    def look_up_all(self, terms: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> list[TermPages]:
        """The pages whose text has each of `terms`, or one of its others, each with how much that counts."""
        asked = [(term, tuple(others)) for term, others in terms]
        known = self._looked_up.known(asked)
        if new := [group for group in asked if group not in known]:
            known |= self._read(new)
            self._looked_up.add(known)
        return [known[group] for group in asked]

    def _read(self, groups: Sequence[TermGroup]) -> dict[TermGroup, TermPages]:
        asked = {group: [(group[0], 1.0), *group[1]] for group in groups}
        keys = {term: term_key(term) for spelled in asked.values() for term, _ in spelled}
        while True:
            try:
                found = self._postings(list(keys), np.array(list(keys.values()), np.uint64))
            except _Damaged as err:
                self._replace(err.part, err.error)
            else:
                return {
                    group: self._merged([(found[term], strength) for term, strength in spelled if term in found])
                    for group, spelled in asked.items()
                }

    def known(self, terms: Sequence[str]) -> frozenset[str]:
        """Those of some terms that any page has, removed pages included."""
        keys = np.array([term_key(term) for term in terms], np.uint64)
        found = np.zeros(len(keys), bool)
        for part in self._parts:
            if len(part.terms):
                places = np.minimum(np.searchsorted(part.terms, keys), len(part.terms) - 1)
                found |= part.terms[places] == keys
        return frozenset(term for term, is_known in zip(terms, found.tolist(), strict=True) if is_known)

    def _postings(self, terms: Sequence[str], keys: U64) -> dict[str, tuple[I64, U8]]:
        """The rows (n,) that have each of some terms, and the stored counts (n,); terms that none has are left out."""
        pieces: dict[str, list[tuple[I64, U8]]] = {}
        for part in self._parts:
            try:
                for place, numbers, counts in part.postings(keys):
                    rows = self._rows[id(part)][numbers]
                    kept = rows < len(self._snapshot)
                    pieces.setdefault(terms[place], []).append((rows[kept], counts[kept]))
            except DamagedFile as err:
                raise _Damaged(part, err) from err
        return {
            term: (np.concatenate([rows for rows, _ in found]), np.concatenate([counts for _, counts in found]))
            for term, found in pieces.items()
        }

    def _merged(self, found: Sequence[tuple[tuple[I64, U8], float]]) -> TermPages:
        """Pages by any of some terms, each with its strength; of several on one page the strongest counts."""
        rows = np.concatenate([np.zeros(0, np.int64), *(rows for (rows, _), _ in found)])
        stored = np.concatenate([np.zeros(0, np.uint8), *(counts for (_, counts), _ in found)])
        strengths = np.concatenate(
            [np.zeros(0, np.float32), *(np.full(len(rows), strength, np.float32) for (rows, _), strength in found)]
        )
        if len(found) > 1:
            order = np.lexsort((-strengths, rows))
            order = order[np.diff(rows[order], prepend=-1) > 0]
            rows, stored, strengths = rows[order], stored[order], strengths[order]
        df = int(np.count_nonzero(self._is_counted[rows]))
        counts = (stored & COUNT_MAX).astype(np.uint8)
        return TermPages(rows, counts, (stored & OPENING) > 0, strengths, self.idf(df))

    def idf(self, df: int) -> float:
        """BM25's inverse document frequency of what `df` pages with text have."""
        return float(np.log1p((self._pages - df + 0.5) / (df + 0.5)))

    def saturated(self, term: TermPages) -> F64:
        """What each of the pages (n,) of a term has of it, 0..1: its strength, less where the term is rare on it."""
        found: F64 = term.strengths * (term.counts / (term.counts + self._norms[term.rows]))
        return found

    def scores(self, terms: Iterable[TermPages], related: Sequence[Sequence[Related]] = ()) -> F32:
        """BM25 (N,) of every page for the terms of a question, as a share of the most that it can be: 0 to 1.

        `related` are terms near to each of `terms`: on a page that has several, the one that adds most counts, and none
        adds more than its share of the term itself. A term that no page has is as rare as what is related to it.
        """
        total, most = np.zeros(len(self._snapshot)), 0.0
        for term, others in zip_longest(terms, related, fillvalue=()):
            assert isinstance(term, TermPages)
            idf = term.idf if len(term.rows) or not others else max(other.pages.idf for other in others)
            most += idf
            if not others:
                total[term.rows] += idf * self.saturated(term)
                continue
            rows = np.concatenate([term.rows, *(other.pages.rows for other in others)])
            nearby = [other.weight * min(idf, other.pages.idf) * self.saturated(other.pages) for other in others]
            added = np.concatenate([idf * self.saturated(term), *nearby])
            order = np.lexsort((-added, rows))
            order = order[np.diff(rows[order], prepend=-1) > 0]
            total[rows[order]] += added[order]
        return (total / most if most else total).astype(np.float32)

    def words(self) -> list[Vocabulary]:
        """The words of the pages, those of each part by themselves; without those of damaged files."""
        found = []
        for part in self._parts:
            with suppress(*tiers.UNUSABLE):
                found.append(part.words)
        return found

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


class _Damaged(Exception):
    """A file of a part is damaged."""

    def __init__(self, part: TextPart, error: DamagedFile) -> None:
        super().__init__(error)
        self.part, self.error = part, error


def read(folder: DerivedFolder, segments: I64) -> TextPart:
    """Open the part in `folder`. Raises one of `tiers.UNUSABLE` where it is damaged or of another layout."""
    if folder.load(LAYOUT_FILE).tolist() != [LAYOUT]:
        raise ValueError(f"its layout is not {LAYOUT}")
    pages, counts = folder.map(PAGES), folder.map(COUNTS)
    terms, starts, lengths = (folder.load(name) for name in (TERMS, STARTS, LENGTHS))
    numbers, languages = folder.load(NUMBERS), folder.load(LANGUAGES)
    fits = starts.shape == (len(terms) + 1,) and pages.array.shape == counts.array.shape == (starts[-1],)
    if not (fits and starts[0] == 0 and (np.diff(starts) >= 0).all()):
        raise ValueError("the files of the text index do not fit each other")
    if not len(lengths) == len(numbers) == len(languages) == segments[:, 1].sum():
        raise ValueError("the files of the text index do not fit each other")
    words = partial(vocabulary.load, folder)
    return TextPart(
        terms, starts, pages.array, counts.array, lengths, numbers, languages, segments, words, (pages, counts)
    )


def build(snapshot: Snapshot, segments: I64, folder: Path | None) -> TextPart:
    """Build the inverted lists of `segments` (S, 2), in files of `folder`, or in memory for None."""
    where, slots = snapshot.locations()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    places = tiers.page_numbers(segments, where[rows], slots[rows])
    lengths = np.full(segments[:, 1].sum(), REMOVED, np.uint32)
    numbers, languages = np.zeros(len(lengths), np.uint32), np.zeros(len(lengths), np.uint8)
    keys: dict[str, int] = {}
    ids: list[NDArray[np.uint32]] = []
    pages: list[NDArray[np.uint32]] = []
    counts: list[NDArray[np.uint8]] = []
    is_source = [lines is not None for lines in snapshot.lines(rows.tolist())]
    headings = snapshot.headings(rows.tolist())
    for row, number, has_lines, its_headings in zip(rows.tolist(), places.tolist(), is_source, headings, strict=True):
        text = snapshot.text(row)
        found, forms = page_terms(text, is_source=has_lines)
        lengths[number] = len(found)
        opening = set(found[:OPENING_TERMS])
        counted = Counter(found)
        numbers[number] = sum(n for term, n in counted.items() if any(map(str.isdigit, term)))
        languages[number] = CODES.index(language_of(text, counted.keys()))
        weighted = with_headings(counted, its_headings)
        stored = [min(n, COUNT_MAX) | (OPENING if term in opening else 0) for term, n in weighted.items()]
        stored += [1 | (OPENING if before < OPENING_TERMS else 0) for before in forms.values()]
        ids.append(np.array([keys.setdefault(term, len(keys)) for term in (*counted, *forms)], np.uint32))
        pages.append(np.full(len(stored), number, np.uint32))
        counts.append(np.array(stored, np.uint8))
    hashed = np.array([term_key(term) for term in keys], np.uint64)
    terms, place = np.unique(hashed, return_inverse=True)
    every = place[np.concatenate([np.zeros(0, np.uint32), *ids])].astype(np.uint32)
    listed = np.concatenate([np.zeros(0, np.uint32), *pages])
    order = np.lexsort((listed, every))
    starts = np.searchsorted(every[order], np.arange(len(terms) + 1)).astype(np.int64)
    df = np.diff(starts)[place]
    words = vocabulary.collect((word, n) for word, n in zip(keys, df.tolist(), strict=True) if word[0] not in MARKS)
    part = TextPart(
        terms,
        starts,
        listed[order],
        np.concatenate([np.zeros(0, np.uint8), *counts])[order],
        lengths,
        numbers,
        languages,
        segments,
        lambda: words,
    )
    if folder is not None:
        for name in (TERMS, STARTS, PAGES, COUNTS, LENGTHS, NUMBERS, LANGUAGES):
            np.save(folder / name, getattr(part, name.removesuffix(".npy")))
        np.save(folder / LAYOUT_FILE, np.array([LAYOUT]))
        vocabulary.save(words, folder)
    return part
