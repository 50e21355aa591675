"""What storing the vectors of an index in fewer bits would lose: queries in, for each codec how much of their first
ten hits stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from ..engine.compression import codecs
from ..engine.compression.residual import Codebook
from ..engine.ranking import rerank
from ..engine.records import F32, I64, U16, QueryVectors, Ranking
from ..engine.store import Block, Snapshot

TOP = 10
GRADED = 100
"""Pages whose exact score counts as a gain; what a codec brings up from further below counts nothing."""
MOST_VECTORS = 4_000_000
"""Larger collections are measured on pages spread evenly over them."""


@dataclass(frozen=True, slots=True)
class CodecLoss:
    """How a codec ranks against the vectors as stored, over `queries` queries and `pages` pages: the share of the exact
    first ten that it has among its own; nDCG@10 where a page's gain is its exact score; the share of queries whose
    first hit stays first. `vector_bytes` is what a patch vector takes, without its box.
    """

    codec: str
    vector_bytes: int
    recall_at_10: float
    ndcg_at_10: float
    same_first: float
    queries: int
    pages: int


@dataclass(frozen=True, slots=True)
class Recoded:
    """The pages of a snapshot as if their vectors were stored in another codec; see `rerank.Pages`."""

    snapshot: Snapshot
    codec: str
    codebook: Codebook | None = None

    def __len__(self) -> int:
        return len(self.snapshot)

    def first_pages(self) -> I64:
        """The snapshot's."""
        return self.snapshot.first_pages()

    def sizes(self, wanted: I64 | Sequence[int]) -> F32:
        """The snapshot's."""
        return self.snapshot.sizes(wanted)

    def boxes(self, row: int) -> U16:
        """The snapshot's."""
        return self.snapshot.boxes(row)

    def blocks(self, *, rows: I64 | None = None) -> Iterator[Block]:
        """The snapshot's, coded anew."""
        for block in self.snapshot.blocks(rows=rows):
            exact = codecs.decode(block.coded).astype(np.float16)
            words = None
            if self.codec == "residual":
                words = cast("U16", self.snapshot.words(block.rows).values)
            yield replace(block, coded=codecs.encode(self.codec, exact, words, self.codebook))

    def views(self, rows: I64 | None = None) -> Iterator[list[Block]]:
        """The same blocks, one by one."""
        return ([block] for block in self.blocks(rows=rows))


def measure(snapshot: Snapshot, queries: Sequence[QueryVectors], codebook: Codebook | None = None) -> list[CodecLoss]:
    """The loss of each codec that has fewer bits than the index, most bits first; of residual where the index has
    visual words, those of the `codebook`.

    Every page is scored. Nothing is said of the index's own codec: what it lost is not in the index any more.
    """
    dim = int(str(snapshot.info()["dim"]))
    own = codecs.vector_bytes(snapshot.codec, dim)
    smaller = [name for name in codecs.CODECS if codecs.vector_bytes(name, dim) < own]
    if codebook is None or not snapshot.has_words:
        smaller = [name for name in smaller if name != "residual"]
    rows = sampled(snapshot)
    exact = rerank.rank(snapshot, queries, rows=rows, k=GRADED)
    out = []
    for name in sorted(smaller, key=lambda name: -codecs.vector_bytes(name, dim)):
        coarse = rerank.rank(Recoded(snapshot, name, codebook), queries, rows=rows, k=TOP)
        pairs = [(e, c) for e, c in zip(exact, coarse, strict=True) if len(e.pages)]
        kept = [np.isin(e.pages[:TOP], c.pages).mean() for e, c in pairs]
        gains = [gain(c.pages, e) / gain(e.pages[:TOP], e) for e, c in pairs]
        same = [len(c.pages) > 0 and e.pages[0] == c.pages[0] for e, c in pairs]
        recall, ndcg, first = (float(np.mean(each)) if each else 1.0 for each in (kept, gains, same))
        out.append(CodecLoss(name, codecs.vector_bytes(name, dim), recall, ndcg, first, len(pairs), len(rows)))
    return out


def sampled(snapshot: Snapshot) -> I64:
    """Rows of all pages, or of so many, evenly spread, as have about MOST_VECTORS vectors."""
    total = int(snapshot.lengths.sum())
    count = len(snapshot) if total <= MOST_VECTORS else max(len(snapshot) * MOST_VECTORS // total, 1)
    return np.unique(np.linspace(0, len(snapshot) - 1, count).astype(np.int64))


def gain(pages: I64, exact: Ranking) -> float:
    """Discounted gain of `pages`, best first, where a page's gain is its score in the `exact` ranking."""
    scores = dict(zip(exact.pages.tolist(), exact.scores.tolist(), strict=True))
    return float(sum(scores.get(page, 0.0) / np.log2(i + 2) for i, page in enumerate(pages.tolist())))
