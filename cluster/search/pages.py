"""The pages of an index whose vectors are held by the workers of its shards: what the driver searches.

The driver has the catalog, so that rows, texts, statistics and ties are those of one undivided index. What reads many
pages' vectors is computed by the shards and put together by rows.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...engine.compression.visual_words import VisualWords
from ...engine.distinct import distinct
from ...engine.errors import UsageError
from ...engine.kernels.token_scores.scores import BLOCK_PAGES
from ...engine.records import F32, I64, U8, PageRef, QueryVectors
from ...engine.retrieval.candidates import CandidateIndex
from ...engine.retrieval.dense import open_codes
from ...engine.retrieval.inverted_index import open_inverted_index
from ...engine.retrieval.rabitq import GivenCodes
from ...engine.store import Snapshot, open_snapshot, shards
from ...engine.store.cache import DerivedFiles, ReadOnlyCache
from ...engine.store.copies import Copies
from ...engine.store.copies import find as find_copies
from ...engine.store.readers import ReaderLock
from .dense import ShardedDense
from .fan_out import PREPARE_TIMEOUT_S, Call
from .in_step import Send, run_in_step, send_in_step
from .shard import Filled
from .shard_pages import LearnedWords, ShardSpec

T = TypeVar("T")
KEPT_MAXIMA, KEPT_ROWS, FEW_ROWS = 256, 1000, 4
"""Answers of workers that are kept, if they are of so many pages or fewer, and the pages that are looked for there."""
IN_STEP_BYTES, PAGE_BYTES = 256 << 20, 64
"""Memory for questions that are answered in step, and what one takes for each page: its scores, and what texts say."""


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The rows (m,) of a shard's own pages, rising."""

    name: str
    rows: I64

    def own(self, rows: I64) -> I64:
        """The places (n,) in the shard of those of `rows`, rising, that are of it."""
        places = np.searchsorted(self.rows, rows).clip(max=max(0, len(self.rows) - 1))
        found: I64 = places[self.rows[places] == rows] if len(self.rows) else np.zeros(0, np.int64)
        return found

    def places(self, rows: I64) -> tuple[I64, I64]:
        """Which of `rows` (n,), in any order, are of the shard, and their places in it: both (m,)."""
        found = np.searchsorted(self.rows, rows).clip(max=max(0, len(self.rows) - 1))
        here = np.flatnonzero(self.rows[found] == rows) if len(self.rows) else np.zeros(0, np.int64)
        return here, found[here]


def open_sharded_pages(directory: Path, without: Collection[str] = ()) -> ShardedPages:
    """Open the index in `directory` as `open_snapshot` does, without the pages of some shards if need be."""
    opened = open_snapshot(directory, partial(ShardedPages, without=frozenset(without)))
    assert isinstance(opened, ShardedPages)
    return opened


class ShardedPages(Snapshot):
    """A snapshot whose shards compute what needs vectors; see `page_maxima.PagesElsewhere`.

    Without some shards it has the rows, the statistics and the answers of an index without their pages.
    """

    are_elsewhere = True
    send: Send

    def __init__(
        self,
        directory: Path,
        connection: sqlite3.Connection,
        lock: ReaderLock,
        *,
        without: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(directory, connection, lock)
        self.without = without
        self._kept: deque[tuple[bytes, I64, F32]] = deque(maxlen=KEPT_MAXIMA)
        self.held = ExitStack()
        """What ends with this state of the index, such as the hold on its workers."""
        self._placement = self._placed()
        if without:
            self.cache = ReadOnlyCache(directory)

    def close(self) -> None:
        """Close the catalog, and let go of the workers. Closing twice is harmless."""
        super().close()
        self.held.close()

    @property
    def directory(self) -> Path:
        """The folder of the index."""
        return self._directory

    def _placed(self) -> dict[int, str]:
        """The shard of each segment; those that are in none yet are searched by the last one."""
        names = shards.names(self._directory) or ("",)
        found = shards.placement(self._directory)
        self.placed_segments = {segment: found.get(segment, "") for segment in self._segment_rows}
        return {segment: shard or names[-1] for segment, shard in self.placed_segments.items()}

    @property
    def placement(self) -> str:
        """Tells where the segments are from other placements of the same generation."""
        return hashlib.sha256(repr(sorted(self._placement.items())).encode()).hexdigest()[:16]

    @property
    def pages_missing(self) -> int:
        """How many pages are in the shards that are left out."""
        return self._stored_pages - len(self)

    @cached_property
    def _pages(self) -> int:
        return len(self._page_table) if self.without else self._stored_pages

    @cached_property
    def _table(self) -> NDArray[np.void]:
        whole = super()._table
        if not self.without:
            return whole
        left_out = [segment for segment, shard in self._placement.items() if shard in self.without]
        return whole[~np.isin(whole["segment"], left_out)]

    @property
    def copies(self) -> Copies | None:
        """Which pages have the same content as another one."""
        return self._copies

    @cached_property
    def _copies(self) -> Copies | None:
        if not self.without:
            return super().copies
        with self._connection_lock:
            return find_copies(self._connection, self._page_table, self._page_order, self.cache, self.generation)

    def row(self, ref: PageRef) -> int:
        """The row of a page. Raises UsageError if there is no such page, or its shard is left out."""
        row = super().row(ref)
        if self.without and (row >= len(self) or self.refs([row]) != [ref]):
            raise UsageError(f"{ref.path}, page {ref.page}: in a shard that does not answer")
        return row

    @property
    def names(self) -> frozenset[str]:
        """The names of the shards that have pages."""
        return frozenset(shard.name for shard in self.shard_rows)

    @cached_property
    def shard_rows(self) -> list[ShardRows]:
        """The rows of each shard that has any."""
        names = sorted(set(self._placement.values()) - self.without)
        segments = self._column("segment")
        found = []
        for name in names:
            own = [segment for segment, shard in self._placement.items() if shard == name]
            rows = np.flatnonzero(np.isin(segments, own))
            if len(rows):
                found.append(ShardRows(name, rows))
        return found

    def specs(self, visual_words: VisualWords | None) -> list[ShardSpec]:
        """What the workers need to know, with the model's visual words if it has any."""
        first_pages, files = self.first_pages(), self._files()
        words, learned = self._words(visual_words)
        return [self._spec(each, first_pages, files, words, learned) for each in self.shard_rows]

    def _spec(
        self,
        shard: ShardRows,
        first_pages: I64,
        files: dict[int, list[Any]],
        visual_words: VisualWords | None,
        learned: Sequence[LearnedWords],
    ) -> ShardSpec:
        rows = distinct(np.concatenate([shard.rows, first_pages[shard.rows]]))
        table = self._page_table[rows]
        held = np.unique(table["segment"]).tolist()
        return ShardSpec(
            name=shard.name,
            directory=self._directory.resolve(),
            generation=self.generation,
            fingerprint=dict(self.fingerprint),
            codec=self.codec,
            pool=self.pool,
            segments={segment: self._segment_rows[segment] for segment in held},
            digests={segment: self.segment_digests[segment] for segment in held},
            files={segment: files[segment] for segment in held},
            table=table,
            is_own=np.isin(rows, shard.rows),
            page_order=np.ascontiguousarray(self.page_order()[rows]),
            centroids=None if visual_words is None else visual_words.codebook.centroids,
            learned=[] if visual_words is not None else list(learned),
            width=0 if visual_words is None else visual_words.width,
            coded=[] if visual_words is not None or learned else self.coded,
        )

    def _words(self, visual_words: VisualWords | None) -> tuple[VisualWords | None, list[LearnedWords]]:
        """The visual words by which stage 1 looks patches up: the model's, or those learned from its pages."""
        if visual_words is not None and self.has_words:
            return visual_words, []
        if self.dense_dim or not self.lengths.any():
            return None, []
        parts = open_inverted_index(self, None).parts
        return None, [
            LearnedWords(
                part.segments[:, 0], part.postings.codebook.centroids_f32 if part.learned is None else part.learned
            )
            for part in parts
        ]

    @cached_property
    def coded(self) -> list[GivenCodes]:
        """What the codes of dense vectors are made with; they depend on all pages, as those of an undivided index."""
        return [GivenCodes.of(part) for part in open_codes(self)] if self.dense_dim else []

    def _files(self) -> dict[int, list[Any]]:
        from ...engine.store import statements

        with self._connection_lock:
            return {segment: statements.read_files(self._connection, segment) for segment in self._segment_rows}

    @property
    def derived_files(self) -> list[DerivedFiles]:
        """Where derived files of all segments are, those of shards that are left out among them."""
        return [DerivedFiles(self.cache, self.segment_digests)]

    def token_maxima(self, vectors: F32, rows: I64 | None) -> F32:
        """The largest inner product of each of `vectors` (Q, D) with each of `rows`, (n, Q); see `token_maxima`."""
        asked = np.arange(len(self)) if rows is None else rows
        if (known := self._known_maxima(vectors, asked)) is not None:
            return known
        out = np.empty((len(asked), len(vectors)), np.float32)
        self._gather("maxima", (np.ascontiguousarray(vectors),), asked, rows is None, out)
        if len(asked) <= KEPT_ROWS:
            self._kept.append((vectors.tobytes(), asked, out))
        return out

    def in_step(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """The results of tasks that ask for maxima and the like of these pages; see `page_maxima.PagesElsewhere`."""
        together = max(1, IN_STEP_BYTES // (PAGE_BYTES * max(1, len(self))))
        groups = [tasks[first : first + together] for first in range(0, len(tasks), together)]
        return [result for group in groups for result in run_in_step(self.send, group)]

    def _send(self, calls: Sequence[Call]) -> list[Any]:
        return send_in_step(self.send, calls)

    def _known_maxima(self, vectors: F32, rows: I64) -> F32 | None:
        """The maxima (n, Q) of pages that were asked for a moment ago: the best ones of a question, for its answer."""
        if not 0 < len(rows) <= FEW_ROWS:
            return None
        key = vectors.tobytes()
        for known, known_rows, maxima in reversed([*self._kept]):
            if known == key:
                places = np.searchsorted(known_rows, rows).clip(max=len(known_rows) - 1)
                if (known_rows[places] == rows).all():
                    found: F32 = maxima[places]
                    return found
        return None

    def pair_matches(self, asked: Sequence[tuple[QueryVectors, I64]]) -> list[F32]:
        """Matches (n, P) of the pairs of each query on its `rows` (n,), in any order; see `rerank.pairs_on`."""
        out = [np.empty((len(rows), len(query.pairs)), np.float32) for query, rows in asked]
        calls: list[Call] = []
        places: list[list[tuple[int, I64]]] = []
        for shard in self.shard_rows:
            own = [(i, query, *shard.places(rows)) for i, (query, rows) in enumerate(asked)]
            own = [each for each in own if len(each[2])]
            if own:
                calls.append(Call(shard.name, "pair_matches", ([(query, there) for _, query, _, there in own],)))
                places.append([(i, here) for i, _, here, _ in own])
        for of_shard, found in zip(places, self._send(calls), strict=True):
            for (i, here), matches in zip(of_shard, found, strict=True):
                out[i][here] = matches
        return out

    def _gather(self, method: str, arguments: tuple[Any, ...], rows: I64, is_all: bool, out: NDArray[Any]) -> None:
        """Call the shards of `rows` (n,), rising, and put the arrays (m, …) that they return into `out`."""
        wanted = [(shard, shard.own(rows)) for shard in self.shard_rows]
        wanted = [(shard, own) for shard, own in wanted if len(own)]
        calls = [Call(shard.name, method, (*arguments, None if is_all else own)) for shard, own in wanted]
        for (shard, own), found in zip(wanted, self._send(calls), strict=True):
            out[np.searchsorted(rows, shard.rows[own])] = found

    def open_candidates(self, visual_words: VisualWords | None) -> CandidateIndex:
        """Stage 1, whose lists or dense vectors the shards have."""
        has_patches = bool(self.lengths.any()) and ((visual_words is not None and self.has_words) or not self.dense_dim)
        return ShardedCandidates(self, has_patches=has_patches)


class ShardedCandidates(CandidateIndex):
    """Stage 1 of all shards: every page's approximate score, of which the best of all are candidates."""

    def __init__(self, pages: ShardedPages, *, has_patches: bool) -> None:
        """`has_patches`, patches are looked up; else each page has a dense vector, if it has any."""
        dense = None if has_patches or not pages.dense_dim else ShardedDense(pages)
        super().__init__(pages.first_pages(), pages.page_order(), None, dense)
        self._sharded = pages
        self._has_patches = has_patches

    @property
    def looks_up_patches(self) -> bool:
        """Whether patches are looked up in inverted lists."""
        return self._has_patches

    @cached_property
    def _filled(self) -> Filled:
        """The lists that have a patch in any shard."""
        calls = [Call(shard.name, "filled") for shard in self._sharded.shard_rows]
        of_each = self._sharded.send(calls, timeout_s=PREPARE_TIMEOUT_S)
        return tuple(np.bitwise_or.reduce(each) for each in zip(*of_each, strict=True))

    def presence(self, vectors: F32, floors: F32, ceilings: F32) -> Iterator[NDArray[np.bool_]]:
        """Which pages (N,) each of the tokens `vectors` (Q, D) is present on."""
        of_each: list[list[U8]] = self._call("presence", vectors, floors, ceilings, self._filled)
        for token in range(len(vectors)):
            found = np.zeros(len(self.first_pages), bool)
            for shard, bits in zip(self._sharded.shard_rows, of_each, strict=True):
                found[shard.rows] = np.unpackbits(bits[token], count=len(shard.rows)).astype(bool)
            yield found

    def _final_scores(self, query: QueryVectors, fused: Callable[[F32, I64], F32] | None) -> F32:
        totals = np.zeros(len(self.first_pages), np.float32)
        for shard, found in zip(self._sharded.shard_rows, self._call("scores", query, self._filled), strict=True):
            totals[shard.rows] = found
        if fused is not None:
            for first in range(0, len(totals), BLOCK_PAGES):
                block = slice(first, first + BLOCK_PAGES)
                totals[block] = fused(totals[block], np.arange(first, first + len(totals[block])))
        return totals

    def _call(self, method: str, *arguments: Any) -> list[Any]:
        return send_in_step(
            self._sharded.send, [Call(shard.name, method, arguments) for shard in self._sharded.shard_rows]
        )
