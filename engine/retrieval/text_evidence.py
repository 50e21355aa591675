"""What the text layers and the names of documents say of a question, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..distinct import distinct
from ..query.implied import IMPLIED_WEIGHT, implied_text
from ..query.terms import joined_terms, name_terms, query_terms
from ..records import F32, TextEvidence
from ..store import Snapshot
from .text_index import TermPages, TextIndex

MIN_IMPLIED_IDF = 0.5
"""Implied terms that are on more than about three of five pages are left out: "cash" in a bank's reports."""


class TextSearch:
    """Looks questions up in the texts and names of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._first_pages = snapshot.first_pages()
        self._index = TextIndex(snapshot)

    def evidence(self, question: str) -> TextEvidence:
        """What the text of every page says: BM25, and the share of the question that its document tells.

        A document tells by its path, and by the first OPENING_TERMS terms of its first page; terms count by their
        inverse document frequency.
        """
        terms = query_terms(question)
        found = [self._index.look_up(term) for term in terms]
        shares = self._document_shares(question, terms, found)
        return TextEvidence(self._text_scores(question, found), shares, self.has_text)

    @property
    def has_text(self) -> NDArray[np.bool_]:
        """Which pages have a text layer with words, (N,)."""
        return self._index.lengths > 0

    def _text_scores(self, question: str, found: Sequence[TermPages]) -> F32:
        own = self._index.scores(found)
        if not (implied := implied_text(question)):
            return own
        looked_up = map(self._index.look_up, query_terms(implied))
        parts = self._index.scores([term for term in looked_up if term.idf > MIN_IMPLIED_IDF])
        together = (own + np.float32(IMPLIED_WEIGHT) * parts) / np.float32(1 + IMPLIED_WEIGHT)
        return together.astype(np.float32)

    def _document_shares(self, question: str, terms: Sequence[str], found: Sequence[TermPages]) -> F32:
        joined = joined_terms(question)
        held = np.zeros(len(self._snapshot))
        for term, pages in zip(terms, found, strict=True):
            is_held = np.zeros(len(self._snapshot), bool)
            is_held[pages.rows[pages.begins]] = True  # of first pages only these rows are read
            named = [term, *(run for run, parts in joined if term in parts)]
            for document in {key for each in named for key in self._names.get(each, ())}:
                is_held[self._first_page_of[document]] = True
            held += pages.idf * is_held
        total = sum(pages.idf for pages in found)
        shares: F32 = (held[self._first_pages] / total if total else held).astype(np.float32)
        return shares

    @cached_property
    def _first_page_of(self) -> dict[int, int]:
        """The row of each document's first page, by the document's key."""
        keys, _ = self._snapshot.page_documents()
        rows = distinct(self._first_pages)
        return dict(zip(keys[rows].tolist(), rows.tolist(), strict=True))

    @cached_property
    def _names(self) -> dict[str, list[int]]:
        """The keys of the documents that have a term in their path, by term."""
        found: dict[str, list[int]] = {}
        _, paths = self._snapshot.page_documents()
        for key in self._first_page_of:
            for term in name_terms(paths[key]):
                found.setdefault(term, []).append(key)
        return found
