"""Vectors of words go in; the best cosine of each with every page comes out, kept for the words asked for last.

The words of one question come back in the next: in what a user types key by key, in a batch of questions, in "the".
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import numpy as np

from ..records import F32, I64
from .rerank import MaximaOf

BYTES_MAX = 64 << 20
"""Of maxima kept: of 10,000 pages those of 1,600 words."""
WORDS_MIN = 64
"""So many are kept however many pages there are: those of one question, which are asked for more than once."""


class WordMaxima:
    """The maxima of words with the pages of an index that does not change. May be shared between threads."""

    def __init__(self, pages: int, maxima_of: MaximaOf, bytes_max: int = BYTES_MAX, words_min: int = WORDS_MIN) -> None:
        """`maxima_of` finds those of words with the `pages` of the index."""
        self._pages = pages
        self._maxima_of = maxima_of
        self._words_max = max(words_min, bytes_max // (4 * max(1, pages)))
        self._kept: OrderedDict[bytes, F32] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def of(self, vectors: F32, rows: I64 | None) -> F32:
        """The maxima of `vectors` (Q, D) with the pages `rows`, each once and in order, or with all: (n, Q).

        Only those of all pages are kept; where they are, some of them cost nothing.
        """
        if rows is None:
            return np.stack([*self.of_each(vectors), *np.zeros((0, self._pages), np.float32)]).T
        known = self._known(vectors)
        unknown = {key: i for i, (key, maxima) in enumerate(known) if maxima is None}
        out = np.empty((len(rows), len(vectors)), np.float32)
        fresh = self._maxima_of(vectors[list(unknown.values())], rows) if unknown else None
        column = {key: i for i, key in enumerate(unknown)}
        for i, (key, maxima) in enumerate(known):
            if maxima is not None:
                out[:, i] = maxima[rows]
            elif fresh is not None:
                out[:, i] = fresh[:, column[key]]
        return out

    def of_each(self, vectors: F32) -> list[F32]:
        """The maxima of each of `vectors` (Q, D) with all pages, (N,)."""
        known = self._known(vectors)
        unknown = {key: i for i, (key, maxima) in enumerate(known) if maxima is None}
        fresh: dict[bytes, F32] = {}
        if unknown:
            maxima_of = self._maxima_of(vectors[list(unknown.values())], None)
            fresh = {key: maxima_of[:, i].copy() for i, key in enumerate(unknown)}
            self._keep(fresh)
        return [fresh[key] if maxima is None else maxima for key, maxima in known]

    def clear(self) -> None:
        """Forget every word."""
        with self._one_at_a_time:
            self._kept.clear()

    def _known(self, vectors: F32) -> list[tuple[bytes, F32 | None]]:
        """For each vector its key, and its maxima if they are kept."""
        keys = [hashlib.blake2b(vector.tobytes(), digest_size=16).digest() for vector in vectors]
        with self._one_at_a_time:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
            return [(key, self._kept.get(key)) for key in keys]

    def _keep(self, fresh: dict[bytes, F32]) -> None:
        with self._one_at_a_time:
            self._kept.update(fresh)
            while len(self._kept) > self._words_max:
                self._kept.popitem(last=False)
