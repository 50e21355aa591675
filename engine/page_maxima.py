"""MaxSim of query vectors with stored pages, and the page interface it requires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from .distinct import distinct
from .kernels import maxsim
from .records import F32, I64, U16
from .store import Block, Snapshot

MaximaOf = Callable[[F32, I64 | None], F32]
"""What `token_maxima` does for the pages of one index."""


class Pages(Protocol):
    """The N pages of a `store.Snapshot`, or the same pages with their vectors stored another way."""

    def __len__(self) -> int: ...

    def first_pages(self) -> I64:
        """As `Snapshot.first_pages`."""

    def page_order(self) -> I64:
        """As `Snapshot.page_order`."""

    def blocks(self, *, rows: I64 | None = None) -> Iterator[Block]:
        """As `Snapshot.blocks`."""

    def views(self, rows: I64 | None = None) -> Iterator[list[Block]]:
        """As `Snapshot.views`."""

    def sizes(self, wanted: I64 | Sequence[int]) -> F32:
        """As `Snapshot.sizes`."""

    def boxes(self, row: int) -> U16:
        """As `Snapshot.boxes`."""


def token_maxima(pages: Pages, vectors: F32, rows: I64 | None) -> F32:
    """The largest inner product of each of `vectors` (Q, D) with each page, (n, Q) float32.

    `rows` (n,) are the pages, each once and in rising order; None stands for all of them.
    """
    found = [
        maxsim.maxima_of_parts(vectors, [(block.coded, block.offsets) for block in together])
        for together in pages.views(rows)
    ]
    return np.concatenate(found) if found else np.zeros((0, len(vectors)), np.float32)


def sample(snapshot: Snapshot, count: int) -> I64:
    """At most `count` rows (n,) of a collection, rising and evenly spaced among its pages, copies counted as one."""
    copies = snapshot.copies
    if copies is None:
        return evenly_spaced(len(snapshot), count)
    return copies.counted[evenly_spaced(len(copies.counted), count)]


def evenly_spaced(pages: int, count: int) -> I64:
    """At most `count` of `pages` rows, evenly spaced: a sample of a collection."""
    return distinct(np.linspace(0, pages - 1, min(pages, count)).astype(np.int64))
