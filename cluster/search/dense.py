"""Stage 1 by one dense vector a page, whose vectors and codes are held by the workers of shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.records import F32, I64, Candidates
from ...engine.retrieval.dense import is_few
from ...engine.retrieval.flat_scan import best_rows
from .fan_out import PREPARE_TIMEOUT_S, Call
from .in_step import send_in_step

if TYPE_CHECKING:
    from .pages import ShardedPages, ShardRows


class ShardedDense:
    """Search by dense vectors in all shards, with the pages and scores of `DenseIndex`."""

    def __init__(self, pages: ShardedPages) -> None:
        self._pages = pages
        self._coded = pages.coded
        self._codes = sum(int(given.segments[:, 1].sum()) for given in self._coded)
        self._oversampling = max((given.measured.oversampling for given in self._coded), default=1)

    def nearest(self, vector: F32, *, count: int, rows: I64 | None = None) -> Candidates:
        """The `count` pages with the largest inner products with `vector` (S,), among `rows` if given.

        The best pages by codes are those of all shards together, as many as an undivided index takes.
        """
        depth = self._oversampling * count
        if not self._coded or (rows is not None and is_few(len(rows), depth, self._codes)):
            return self.nearest_exactly(vector, count=count, rows=rows)
        assert self._prepared
        found = self._call("scan_dense", (vector, count, depth), rows)
        scanned = self._best([(shard, pages) for shard, (pages, _) in found], count)
        chosen = self._best([(shard, pages) for shard, (_, pages) in found], depth)
        coded = self.nearest_exactly(vector, count=count, rows=np.sort(chosen.pages))
        scores = np.concatenate([scanned.scores, coded.scores])
        rows = np.concatenate([scanned.pages, coded.pages])
        return best_rows(scores, rows, count, self._pages.page_order())

    def nearest_exactly(self, vector: F32, *, count: int, rows: I64 | None = None) -> Candidates:
        """As `nearest`, without codes: every page's own vector is read."""
        return self._best(self._call("nearest", (vector, count), rows), count)

    @cached_property
    def _prepared(self) -> bool:
        """True, once all shards have made their codes."""
        calls = [Call(shard.name, "codes") for shard in self._pages.shard_rows]
        self._pages.send(calls, timeout_s=PREPARE_TIMEOUT_S)
        return True

    def _call(self, method: str, arguments: tuple[Any, ...], rows: I64 | None) -> list[tuple[ShardRows, Any]]:
        """What the shards of `rows` (n,), rising, return for their own."""
        wanted: Iterable[tuple[ShardRows, I64 | None]] = ((shard, None) for shard in self._pages.shard_rows)
        if rows is not None:
            wanted = ((shard, shard.own(rows)) for shard in self._pages.shard_rows)
        chosen = [(shard, own) for shard, own in wanted if own is None or len(own)]
        calls = [Call(shard.name, method, (*arguments, own)) for shard, own in chosen]
        found = send_in_step(self._pages.send, calls)
        return [(shard, each) for (shard, _), each in zip(chosen, found, strict=True)]

    def _best(self, found: Sequence[tuple[ShardRows, tuple[I64, F32]]], count: int) -> Candidates:
        """The best `count` of the pages that shards found: their places and scores."""
        rows = np.concatenate([np.zeros(0, np.int64), *(shard.rows[places] for shard, (places, _) in found)])
        scores = np.concatenate([np.zeros(0, np.float32), *(scores for _, (_, scores) in found)])
        return best_rows(scores, rows, count, self._pages.page_order())
