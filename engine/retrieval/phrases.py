"""Exact phrases in the text layers: words that stand one after the other, as they are spelled."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from ..query.characters import clean
from ..query.terms import terms_of
from ..store import Snapshot
from .text_index import TextIndex

CACHED_PHRASES = 64
"""Phrases whose pages are kept: a question needs them twice, and a server may be asked again."""


class PhraseSearch:
    """Finds phrases in the texts of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot, index: TextIndex) -> None:
        self._snapshot = snapshot
        self._index = index
        self._found: OrderedDict[str, NDArray[np.bool_]] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, phrase: str) -> NDArray[np.bool_]:
        """The pages (N,) whose text has the phrase; case, and what stands between its words, do not matter."""
        with self._lock:
            if phrase not in self._found:
                self._found[phrase] = self._find(phrase)
                if len(self._found) > CACHED_PHRASES:
                    self._found.popitem(last=False)
            self._found.move_to_end(phrase)
            return self._found[phrase]

    def _find(self, phrase: str) -> NDArray[np.bool_]:
        found = np.zeros(len(self._snapshot), bool)
        terms = terms_of(phrase)
        if not terms:
            return found
        lists = sorted((self._index.look_up(term).rows for term in dict.fromkeys(terms)), key=len)
        possible = lists[0]
        for rows in lists[1:]:
            possible = possible[np.isin(possible, rows)]
        pattern = _pattern(phrase)
        for row in possible.tolist():
            found[row] = pattern.search(clean(self._snapshot.text(row))) is not None
        return found


def _pattern(phrase: str) -> re.Pattern[str]:
    r"""What matches the words of a phrase with anything but words between them.

    >>> bool(_pattern("net sales").search("Total Net\nSales: 5")), bool(_pattern("net sales").search("internet sales"))
    (True, False)
    """
    words = [re.escape(word) for word in re.findall(r"\w+", clean(phrase))]
    return re.compile(r"(?<!\w)" + r"[\W_]+".join(words) + r"(?!\w)", re.IGNORECASE)
