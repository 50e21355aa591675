"""MaxSim of query vectors with stored pages, and the page interface it requires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, groupby
from typing import ClassVar, Protocol, TypeGuard, TypeVar

import numpy as np

from .distinct import distinct
from .kernels import maxsim
from .records import F32, I64, U16, QueryVectors
from .store import Block, Snapshot

T = TypeVar("T")
PLACED_VECTORS, PLACED_SEGMENTS = 4_000_000, 64
"""Most vectors and segments of a collection whose files stay mapped for questions about all of its pages."""
PLACED_ROWS = 1000
"""Most pages that are read without releasing memory between them."""
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


class PagesElsewhere(Protocol):
    """Pages whose vectors other processes hold, which compute with them: those of an index on several machines."""

    are_elsewhere: ClassVar[bool]
    """True."""

    def token_maxima(self, vectors: F32, rows: I64 | None) -> F32:
        """As the function `token_maxima`."""

    def pair_matches(self, asked: Sequence[tuple[QueryVectors, I64]]) -> list[F32]:
        """As `ranking.rerank.pairs_on`, for several queries, each with its own pages."""

    def in_step(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """The results of `tasks`, in their order. Each runs in a thread; what they ask for is sent together."""


def are_elsewhere(pages: object) -> TypeGuard[PagesElsewhere]:
    """Whether the vectors of `pages` are held by other processes."""
    return getattr(pages, "are_elsewhere", False)


class FixedPages(Protocol):
    """Some pages that are asked for again and again."""

    def maxima(self, vectors: F32) -> F32:
        """The maxima (n, Q) of `vectors` (Q, D) with the pages."""


def token_maxima(pages: Pages, vectors: F32, rows: I64 | None) -> F32:
    """The largest inner product of each of `vectors` (Q, D) with each page, (n, Q) float32.

    `rows` (n,) are the pages, each once and in rising order; None stands for all of them.
    """
    if are_elsewhere(pages):
        return pages.token_maxima(vectors, rows)
    found = [
        maxsim.maxima_of_parts(vectors, [(block.coded, block.offsets) for block in together])
        for together in pages.views(rows)
    ]
    return np.concatenate(found) if found else np.zeros((0, len(vectors)), np.float32)


class PageMaxima:
    """`token_maxima` for the pages of one snapshot; where all of them lie is looked up once, in a small collection.

    May be shared between threads.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __call__(self, vectors: F32, rows: I64 | None) -> F32:
        """The maxima (n, Q) of `vectors` (Q, D) with the pages `rows` (n,), each once and rising, or with all."""
        if are_elsewhere(self._snapshot):
            return self._snapshot.token_maxima(vectors, rows)
        if rows is None and self._stays_mapped:
            return self._all.maxima(vectors)
        if rows is not None and len(rows) <= PLACED_ROWS:
            return KnownPages(self._snapshot.in_segments(rows)).maxima(vectors)
        return token_maxima(self._snapshot, vectors, rows)

    def of(self, rows: I64) -> FixedPages:
        """The pages `rows` (n,), each once and rising, for many queries. Those of a large collection are copied."""
        if are_elsewhere(self._snapshot):
            return _FixedElsewhere(self._snapshot, rows)
        if self._stays_mapped:
            return KnownPages(self._snapshot.in_segments(rows))
        return KnownPages(map(_part, self._snapshot.blocks(rows=rows)))

    def forget(self) -> None:
        """Unmap what is mapped."""
        self.__dict__.pop("_all", None)

    @cached_property
    def _all(self) -> KnownPages:
        return KnownPages(map(_part, chain.from_iterable(self._snapshot.views())))

    @cached_property
    def _stays_mapped(self) -> bool:
        segments, _ = self._snapshot.locations()
        few = np.count_nonzero(np.diff(segments)) < PLACED_SEGMENTS
        return bool(few and self._snapshot.lengths.sum() <= PLACED_VECTORS)


class _FixedElsewhere:
    """Some `rows` (n,) of pages that other processes hold."""

    def __init__(self, pages: PagesElsewhere, rows: I64) -> None:
        self._pages, self._rows = pages, rows

    def maxima(self, vectors: F32) -> F32:
        return self._pages.token_maxima(vectors, self._rows)


class KnownPages:
    """Pages that are asked for again and again: where their vectors lie is looked up once."""

    def __init__(self, parts: Iterable[maxsim.Part]) -> None:
        """`parts` have the pages, in order."""
        by_codec = groupby(parts, key=lambda part: part[0].codec)
        self._pages = [maxsim.PlacedPages([*together]) for _, together in by_codec]

    def maxima(self, vectors: F32) -> F32:
        """The maxima (n, Q) of `vectors` (Q, D) with the pages."""
        found = [each.maxima(vectors) for each in self._pages]
        return np.concatenate(found) if found else np.zeros((0, len(vectors)), np.float32)


def _part(block: Block) -> maxsim.Part:
    return block.coded, block.offsets[:-1], np.diff(block.offsets)


def sample(snapshot: Snapshot, count: int) -> I64:
    """At most `count` rows (n,) of a collection, rising and evenly spaced among its pages, copies counted as one."""
    copies = snapshot.copies
    if copies is None:
        return evenly_spaced(len(snapshot), count)
    return copies.counted[evenly_spaced(len(copies.counted), count)]


def evenly_spaced(pages: int, count: int) -> I64:
    """A sample of a collection of `pages` pages: at most `count` rows (n,), evenly spaced and rising."""
    return distinct(np.linspace(0, pages - 1, min(pages, count)).astype(np.int64))
