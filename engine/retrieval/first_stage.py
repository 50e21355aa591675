"""Whether stage 1 is needed at all, and its indexes, opened when first used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..compression.visual_words import VisualWords
from ..query.weighting import Presence
from ..records import F32
from ..store import Snapshot

if TYPE_CHECKING:
    from .candidates import CandidateIndex
    from .passage_index import PassageIndex
    from .text_evidence import TextSearch

DEFAULT_CANDIDATES = 200
"""Pages to rerank: they hold 0.998 of the exact top 10 of 3,323 pages; see docs/log.md#posting-lists."""
EXACT_VECTORS = 1_500_000
"""Collections of at most this many patch vectors are searched exactly; docs/log.md#exact-below-vectors has times."""
EXACT_VECTORS_UNKNOWN = 4_000_000
"""The same for models without visual words, for which the recall of stage 1 was not measured."""

OnPages = Callable[[int, int], None]
"""Callback: receives how many pages have had their passages embedded, and how many there are to embed."""


class FirstStage:
    """Stage 1 of one snapshot. May be shared between threads."""

    def __init__(
        self, snapshot: Snapshot, visual_words: VisualWords | None, *, on_gpu: bool, unread: Collection[str] = ()
    ) -> None:
        """`visual_words` are the model's, if it has any; `on_gpu`, dense vectors are searched there if FAISS can.

        `unread` are the codes of the languages that the model does not read.
        """
        self._snapshot = snapshot
        self._unread = unread
        self._visual_words = visual_words
        self._on_gpu = on_gpu
        self._opening = threading.RLock()  # two threads would write the same derived files
        self._opened: CandidateIndex | None = None
        self._opened_texts: TextSearch | None = None
        self._opened_passages: PassageIndex | None = None

    @property
    def exact_vectors(self) -> int:
        """The most patch vectors that are scored whole by default."""
        return EXACT_VECTORS_UNKNOWN if self._visual_words is None else EXACT_VECTORS

    @property
    def has_visual_words(self) -> bool:
        """Whether the model has visual words: it is the embedded one, or made from it."""
        return self._visual_words is not None

    @property
    def description(self) -> str:
        """How pages are found, in a few words."""
        if self.is_only:
            return "one vector per page: no MaxSim, no heat maps"
        return "exact: every page is scored" if self.is_skipped else f"two stages, {DEFAULT_CANDIDATES} candidates"

    def printed(self, question: str, row: int, beginnings: Sequence[str] = ()) -> frozenset[str]:
        """Which terms of a question the text layer of a page has, in any spelling; see `TextSearch.printed`."""
        return self.texts.printed(question, row, beginnings)

    def is_named(self, question: str, row: int) -> bool:
        """Whether a question is the file name of the document that the page is the first of."""
        return row in self.texts.named_pages(question)

    @cached_property
    def is_only(self) -> bool:
        """Whether stage 1 is the whole search: a page has one dense vector, and no patch vectors."""
        return self._snapshot.fingerprint["dim"] == 0

    @cached_property
    def is_skipped(self) -> bool:
        """Whether every page is scored by default, because there are few, copies counted once."""
        if self.is_only:
            return False
        lengths, copies = self._snapshot.lengths, self._snapshot.copies
        return int((lengths if copies is None else lengths[copies.counted]).sum()) <= self.exact_vectors

    @property
    def candidates(self) -> CandidateIndex:
        """The index that proposes candidates, opened or built the first time."""
        from .candidates import open_candidates  # FAISS takes a tenth of a second to import

        with self._opening:
            if self._opened is None:
                self._opened = open_candidates(self._snapshot, self._visual_words, on_gpu=self._on_gpu)
            return self._opened

    @property
    def texts(self) -> TextSearch:
        """The index of text layers and names, opened or built the first time."""
        from .text_evidence import TextSearch

        with self._opening:
            if self._opened_texts is None:
                self._opened_texts = TextSearch(self._snapshot, self._unread)
            return self._opened_texts

    def passages(self, on_pages: OnPages | None = None) -> PassageIndex | None:
        """The vectors of passages, for questions in other languages than pages; None if the index is without them.

        They are opened, or built, the first time; `on_pages` is told how many pages were embedded meanwhile. Raises
        UsageError where the sentence encoder is missing.
        """
        if self._snapshot.cross_language is None:
            return None
        from ..models.sentences import load_sentence_encoder
        from .passage_index import PassageIndex

        with self._opening:
            if self._opened_passages is None:
                encoder = load_sentence_encoder(self._snapshot.cross_language)
                self._opened_passages = PassageIndex(self._snapshot, encoder, on_pages)
            return self._opened_passages

    def cosines(self, question: str) -> F32 | None:
        """How near in meaning each page (N,) is to a question, nan for pages without text; None without passages."""
        passages = self.passages()
        return None if passages is None else passages.cosines(question)

    def presence(self) -> Presence | None:
        """The pages of tokens by the inverted index of a large collection; None for small ones, or without one."""
        if self.is_skipped or not self.candidates.looks_up_patches:
            return None
        return self.candidates.presence
