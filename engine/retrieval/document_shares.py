"""How much of a question each document tells by its name, its title and the beginning of its first page.

A year counts more than the other words, in proportion to what the document tells of them: of the yearly reports of one
company, the one of the year that is asked for comes first, though all print that year as often.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..query.terms import YEAR, QuestionTerm, joined_terms
from ..records import F32, F64
from ..store import Snapshot
from .name_index import Named, NameIndex
from .term_pages import TermPages

YEAR_WEIGHT = 6.0
"""How much the year of a document counts beside the other words; docs/log.md#sibling-years compares 1 to 8."""
YEARS = tuple(map(str, range(1950, 2060)))
"""Years that a name or a title may say a document is of."""
YEAR_IN_TEXT = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
READ_OPENINGS = 200
"""Most first pages that are read for their first year; where more have the year, all are taken to be of it."""
CACHED_OPENINGS = 10_000


class DocumentShares:
    """The shares of questions that the documents of one snapshot tell. May be shared between threads."""

    def __init__(self, snapshot: Snapshot, names: NameIndex) -> None:
        self._snapshot = snapshot
        self._names = names
        self._first_pages = snapshot.first_pages()
        self._first_years: dict[int, str] = {}

    def shares(self, question: str, words: Sequence[QuestionTerm], found: Sequence[TermPages]) -> F32:
        """The share (N,) float32, 0..1, of a question that the document of each page tells.

        `found` are the pages of each of the `words`, which count by their inverse document frequency.
        """
        joined = joined_terms(question)
        named = {word.term: [word.term, *(run for run, parts in joined if word.term in parts)] for word in words}
        named_pages = self._names.first_pages_of({each for names in named.values() for each in names})
        held, total = np.zeros(len(self._snapshot)), 0.0
        years: list[tuple[str, TermPages]] = []
        for (term, _), pages in zip(words, found, strict=True):
            if YEAR.fullmatch(term):
                years.append((term, pages))
                continue
            share = self._named(named[term], named_pages)
            share[pages.rows[pages.begins]] = 1  # of first pages only these rows are read
            self._share_with_copies(share)
            held += pages.idf * share
            total += pages.idf
        if years:
            # Reports give the years before theirs for comparison: of several years, the last one is the document's.
            term, pages = max(years, key=lambda each: each[0])
            weight, year = self._of_year(term, named[term], named_pages, pages)
            told = held[self._first_pages].max(initial=0)
            held += weight * year * (held / told if told else 1)
            total += weight
        shares: F32 = (held[self._first_pages] / total if total else held).astype(np.float32)
        return shares

    def _named(self, names: Sequence[str], named_pages: Mapping[str, Named]) -> F64:
        """How much the names (N,) of the documents that begin with each page have one of some terms, 0..1."""
        share = np.zeros(len(self._snapshot))
        for each in names:
            if each in named_pages:
                rows, weights = named_pages[each]
                share[rows] = np.maximum(share[rows], weights)
        return share

    def _of_year(
        self, year: str, names: Sequence[str], named_pages: Mapping[str, Named], pages: TermPages
    ) -> tuple[float, F64]:
        """How much a year counts, and which documents are of it, (N,) 0..1, by the rows of their first pages.

        The path or the title of a document says of what year it is, else the first year in its text.
        """
        share = self._named(names, named_pages)
        opened = pages.rows[pages.begins]
        opened = opened[(self._first_pages[opened] == opened) & ~self._has_named_year[opened]]
        if len(opened) <= READ_OPENINGS:
            opened = opened[[self._first_year(row) == year for row in opened.tolist()]]
        share[opened] = 1
        self._share_with_copies(share)
        documents, of_year = self._documents, int(np.count_nonzero(share[self._first_pages == np.arange(len(share))]))
        if not of_year:
            return pages.idf, share
        idf = float(np.log1p((documents - of_year + 0.5) / (of_year + 0.5)))
        return YEAR_WEIGHT * max(idf, pages.idf), share

    def _share_with_copies(self, share: F64) -> None:
        """Give each copy of a document the largest share (N,) of any of them."""
        if self._snapshot.copies is not None:
            self._snapshot.copies.share_largest(share)

    def _first_year(self, row: int) -> str:
        """The first year in the text of a page, "" if it has none."""
        if (known := self._first_years.get(row)) is None:
            match = YEAR_IN_TEXT.search(self._snapshot.text(row))
            known = match.group() if match else ""
            if len(self._first_years) >= CACHED_OPENINGS:
                self._first_years.clear()
            self._first_years[row] = known
        return known

    @cached_property
    def _documents(self) -> int:
        return int(np.count_nonzero(self._first_pages == np.arange(len(self._first_pages))))

    @cached_property
    def _has_named_year(self) -> NDArray[np.bool_]:
        """Whether the path or the title of the document that begins with each page has a year, (N,)."""
        found = np.zeros(len(self._snapshot), bool)
        for rows, weights in self._names.first_pages_of(YEARS).values():
            found[rows[weights >= 1]] = True
        return found
