"""Vectors of words go in; the best cosine of each with every page comes out, kept for the words asked for last.

The words of one question come back in the next: in what a user types key by key, in a batch of questions, in "the".
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import numpy as np

from .records import F32, I64
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
        keys = [hashlib.blake2b(vector.tobytes(), digest_size=16).digest() for vector in vectors]
        with self._one_at_a_time:
            known = {key: self._kept[key] for key in keys if key in self._kept}
            for key in known:
                self._kept.move_to_end(key)
        out = np.empty((len(keys), self._pages if rows is None else len(rows)), np.float32).T  # a word's stand together
        unknown: dict[bytes, int] = {}
        for i, key in enumerate(keys):
            if key in known:
                out[:, i] = known[key] if rows is None else known[key][rows]
            else:
                unknown.setdefault(key, i)
        if unknown:
            fresh = self._maxima_of(vectors[list(unknown.values())], rows)
            column = {key: i for i, key in enumerate(unknown)}
            for i, key in enumerate(keys):
                if key in column:
                    out[:, i] = fresh[:, column[key]]
            if rows is None:
                self._keep({key: fresh[:, i].copy() for key, i in column.items()})
        return out

    def clear(self) -> None:
        """Forget every word."""
        with self._one_at_a_time:
            self._kept.clear()

    def _keep(self, fresh: dict[bytes, F32]) -> None:
        with self._one_at_a_time:
            self._kept.update(fresh)
            while len(self._kept) > self._words_max:
                self._kept.popitem(last=False)
