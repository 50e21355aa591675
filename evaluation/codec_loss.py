"""What each codec would lose on an index: recall and nDCG of the top 10 hits against the vectors as stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from ..engine.compression import codecs
from ..engine.compression.residual import Codebook
from ..engine.page_maxima import evenly_spaced
from ..engine.ranking import rerank
from ..engine.records import F32, I64, QUESTION_MAX_CHARS, U16, QueryVectors
from ..engine.searcher import Searcher
from ..engine.store import Block, Snapshot
from .metrics import mean, ndcg, overlap

TOP = 10
GRADED = 100
"""Only this many top exact pages carry a gain; a lower page that a codec promotes gains nothing."""
MAX_VECTORS = 4_000_000
"""Larger collections are measured on evenly spaced pages."""


@dataclass(frozen=True, slots=True)
class CodecLoss:
    """A codec's ranking against that of the vectors as stored, over `queries` queries and `pages` pages.

    `vector_bytes` is the size of a patch vector, without its box; `recall_at_10` the share of the exact top 10 that
    is among the codec's own; `ndcg_at_10` has the exact score of a page as its gain; `same_first` is the share of
    queries whose first hit stays first.
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
    """The pages of a snapshot as if their vectors were stored in another codec; see `page_maxima.Pages`."""

    snapshot: Snapshot
    codec: str
    codebook: Codebook | None = None

    def __len__(self) -> int:
        return len(self.snapshot)

    def first_pages(self) -> I64:
        """The snapshot's."""
        return self.snapshot.first_pages()

    def page_order(self) -> I64:
        """The snapshot's."""
        return self.snapshot.page_order()

    def sizes(self, wanted: I64 | Sequence[int]) -> F32:
        """The snapshot's."""
        return self.snapshot.sizes(wanted)

    def boxes(self, row: int) -> U16:
        """The snapshot's."""
        return self.snapshot.boxes(row)

    def blocks(self, *, rows: I64 | None = None) -> Iterator[Block]:
        """The snapshot's blocks, re-encoded."""
        for block in self.snapshot.blocks(rows=rows):
            exact = codecs.decode(block.coded).astype(np.float16)
            words = None
            if self.codec == "residual":
                words = cast("U16", self.snapshot.words(block.rows).values)
            yield replace(block, coded=codecs.encode(self.codec, exact, words, self.codebook))

    def views(self, rows: I64 | None = None) -> Iterator[list[Block]]:
        """The same blocks, one by one."""
        return ([block] for block in self.blocks(rows=rows))


def measure(searcher: Searcher, questions: Sequence[str]) -> list[CodecLoss]:
    """The loss of each codec with fewer bits than the index's own, most bits first; every page is scored.

    Residual is measured where the index has visual words. What the index's own codec lost cannot be measured: the exact
    vectors are not stored.
    """
    asked = [searcher.encode(text[:QUESTION_MAX_CHARS]) for text in questions]
    return loss_of(searcher.snapshot, asked, searcher.codebook)


def loss_of(snapshot: Snapshot, queries: Sequence[QueryVectors], codebook: Codebook | None) -> list[CodecLoss]:
    """As `measure`, for encoded queries."""
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
        pairs = [(e, c.pages.tolist()) for e, c in zip(exact, coarse, strict=True) if len(e.pages)]
        recalls = [overlap(found, e.pages[:TOP].tolist()) for e, found in pairs]
        ndcgs = [ndcg(found, dict(zip(e.pages.tolist(), e.scores.tolist(), strict=True)), TOP) for e, found in pairs]
        firsts = [float(found[:1] == e.pages[:1].tolist()) for e, found in pairs]
        recall, gain, same_first = (mean(each) if each else 1.0 for each in (recalls, ndcgs, firsts))
        out.append(CodecLoss(name, codecs.vector_bytes(name, dim), recall, gain, same_first, len(pairs), len(rows)))
    return out


def sampled(snapshot: Snapshot) -> I64:
    """The rows (n,) of all pages, or of an evenly spaced sample with about MAX_VECTORS vectors."""
    total = int(snapshot.lengths.sum())
    count = len(snapshot) if total <= MAX_VECTORS else max(len(snapshot) * MAX_VECTORS // total, 1)
    return evenly_spaced(len(snapshot), count)
