"""What a worker computes with the pages of its shard: MaxSim, pairs of tokens, and stage 1.

Rows are those of the shard's own pages, in the order of the index: 0 to m - 1.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ...engine import threads
from ...engine.compression.residual import Codebook
from ...engine.compression.visual_words import VisualWords
from ...engine.page_maxima import PageMaxima
from ...engine.ranking import rerank
from ...engine.records import F32, I64, U8, QueryVectors
from ...engine.retrieval import inverted_index, tiers
from ...engine.retrieval.candidates import CandidateIndex, open_candidates
from ...engine.retrieval.dense import PART_PAGES, DenseIndex
from ...engine.retrieval.inverted_index import InvertedIndex, PostingsPart
from ...engine.retrieval.rabitq import GivenCodes, RaBitQPart
from ...engine.store.checksums import DamagedFile
from .shard_pages import LearnedWords, ShardPages, ShardSpec

FETCHED_BELOW = 20
"""Fewer than one dense vector in so many are fetched one by one, and not found by a scan of all."""
Filled = tuple[U8, ...]
"""For each codebook, which of its lists have a patch on any page: packed bits."""


class Shard:
    """An open shard. May be shared between threads."""

    def __init__(self, spec: ShardSpec, directory: Path, cache: Path) -> None:
        """`directory` has the segments on this machine, and `cache` the derived files."""
        self._spec = spec
        self._pages = ShardPages(spec, directory, cache)
        self._own = spec.own
        self._maxima = PageMaxima(self._pages)
        self._opening = threading.Lock()
        self._filled: Filled = ()

    def close(self) -> None:
        """Unmap everything."""
        self._maxima.forget()
        self._pages.close()

    def opened(self) -> int:
        """How many pages it has; by then its segments are on this machine."""
        return len(self._own)

    def each(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What a method returns for each of several `arguments`: those of questions that are answered in step."""
        return [getattr(self, method)(*each) for each in arguments]

    def maxima(self, vectors: F32, rows: I64 | None) -> F32:
        """The largest inner product (n, Q) float32 of `vectors` (Q, D) with the pages `rows` (n,), or with all."""
        chosen = self._own if rows is None else self._own[rows]
        with threads.no_blas_threads():
            return self._maxima(vectors, None if len(chosen) == len(self._pages) else chosen)

    def pair_matches(self, asked: Sequence[tuple[QueryVectors, I64]]) -> list[F32]:
        """Matches (n, P) of the pairs of neighbouring tokens of each query on its pages `rows` (n,)."""
        with threads.no_blas_threads():
            return [rerank.pairs_on(self._pages, query, self._own[rows]) for query, rows in asked]

    def filled(self) -> Filled:
        """Which lists of each codebook have a patch on a page of this shard; opens or builds the lists."""
        index = self._candidates.inverted_index
        if index is None:
            return ()
        found = []
        for book in self._codebooks:
            own = [part.filled for part in index.parts if part.postings.codebook is book]
            found.append(np.packbits(np.logical_or.reduce([np.zeros(len(book.centroids), bool), *own])))
        return tuple(found)

    def scores(self, query: QueryVectors, filled: Filled) -> F32:
        """The approximate score (m,) float32 of every own page by its picture; `filled` are the lists of all shards."""
        self._use(filled)
        return self._candidates.scores(query)[self._own]

    def presence(self, vectors: F32, floors: F32, ceilings: F32, filled: Filled) -> list[U8]:
        """Which own pages (m,) each of the tokens `vectors` (Q, D) is present on, in packed bits."""
        self._use(filled)
        return [np.packbits(found[self._own]) for found in self._candidates.presence(vectors, floors, ceilings)]

    def nearest(self, vector: F32, count: int, rows: I64 | None) -> tuple[I64, F32]:
        """The `count` own pages with the largest inner products of their dense vectors with `vector` (S,), of `rows`.

        Every vector is read; best first, ties by the order of all pages.
        """
        chosen = self._own if rows is None else self._own[rows]
        nearest = self._dense.nearest_exactly if FETCHED_BELOW * len(chosen) < len(self._own) else self._dense.nearest
        found = nearest(vector, count=count, rows=chosen)
        return np.searchsorted(self._own, found.pages), found.scores

    def codes(self) -> int:
        """How many codes of dense vectors it has; opens or makes them."""
        with self._opening:
            return sum(len(part.codes) for part in self._coded_dense.parts)

    def scan_dense(
        self, vector: F32, count: int, depth: int, rows: I64 | None
    ) -> tuple[tuple[I64, F32], tuple[I64, F32]]:
        """As `DenseIndex.scan`: the places (n,) and scores (n,) of own pages without codes, and of those with codes."""
        chosen = self._own if rows is None else self._own[rows]
        with self._opening:
            dense = self._coded_dense
        scanned, coded = dense.scan(vector, count=count, depth=depth, rows=chosen)
        first, second = (np.searchsorted(self._own, found.pages) for found in (scanned, coded))
        return (first, scanned.scores), (second, coded.scores)

    @cached_property
    def _codebooks(self) -> list[Codebook]:
        if self._spec.centroids is not None:
            return [self._visual_words.codebook]
        return [words.codebook for words in self._learned]

    @cached_property
    def _visual_words(self) -> VisualWords:
        assert self._spec.centroids is not None
        return VisualWords(self._spec.centroids.astype(np.float32), self._spec.width)

    @cached_property
    def _learned(self) -> list[VisualWords]:
        return [VisualWords(each.centroids, 0) for each in self._spec.learned]

    @cached_property
    def _dense(self) -> DenseIndex:
        return DenseIndex(self._pages, ())

    @cached_property
    def _coded_dense(self) -> DenseIndex:
        """The dense vectors of its pages, with codes as those of all pages together have them."""
        given_of: dict[int, tuple[str, GivenCodes]] = {}
        parts: list[RaBitQPart] = []
        for number, given in enumerate(self._spec.coded):
            prefix = f"given{number}-"
            given_of |= dict.fromkeys(given.segments[:, 0].tolist(), (prefix, given))
            live = {i: size for i, size in self._live_pages().items() if i in given.segments[:, 0]}
            reader, builder = partial(given.read, self._pages), partial(given.build, self._pages)
            parts += tiers.open_parts(self._pages, prefix, live, read=reader, build=builder, max_size=PART_PAGES)

        def rebuild(segments: I64, error: DamagedFile) -> RaBitQPart:
            prefix, given = given_of[int(segments[0, 0])]
            reader, builder = partial(given.read, self._pages), partial(given.build, self._pages)
            return tiers.rebuild(self._pages, prefix, segments, error, read=reader, build=builder)

        return DenseIndex(self._pages, parts, rebuild=rebuild)

    def _live_pages(self) -> dict[int, int]:
        """How many pages of each segment the shard's table has."""
        ids, pages = np.unique(self._pages.locations()[0], return_counts=True)
        return dict(zip(ids.tolist(), pages.tolist(), strict=True))

    @property
    def _candidates(self) -> CandidateIndex:
        with self._opening:
            return self._opened

    @cached_property
    def _opened(self) -> CandidateIndex:
        if self._spec.centroids is not None:
            return open_candidates(self._pages, self._visual_words)
        parts = [
            part
            for number, (words, learned) in enumerate(zip(self._learned, self._spec.learned, strict=True))
            for part in self._learned_parts(number, words, learned)
        ]
        order = self._pages.first_pages(), self._pages.page_order()
        if not self._spec.learned:
            return CandidateIndex(*order, None, self._dense)
        return CandidateIndex(*order, InvertedIndex(self._pages, parts, self._cannot_rebuild), None)

    def _learned_parts(self, number: int, words: VisualWords, learned: LearnedWords) -> list[PostingsPart]:
        """The lists of this shard's pages for words that were learned from some segments, some of which it may have."""
        live = {i: size for i, size in tiers.segment_vectors(self._pages).items() if i in learned.segments}
        return tiers.open_parts(
            self._pages,
            f"learned{number}-",
            live,
            read=partial(inverted_index.read, words),
            build=partial(inverted_index.build, self._pages, words, assign=True),
            max_size=inverted_index.PART_VECTORS,
        )

    def _cannot_rebuild(self, _: I64, error: Exception) -> PostingsPart:
        raise error

    def _use(self, filled: Filled) -> None:
        """Let stage 1 take the lists for filled that any shard has: it scans the nearest of them in each."""
        index = self._candidates.inverted_index
        if index is None or (self._filled and all(map(np.array_equal, filled, self._filled))):
            return
        of_all = {
            book: np.unpackbits(bits, count=len(book.centroids)).astype(bool)
            for book, bits in zip(self._codebooks, filled, strict=True)
        }
        index.use_filled(of_all)
        self._filled = filled
