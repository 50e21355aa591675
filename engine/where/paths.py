"""Path filters: which documents' paths match a glob, or have it as their file name."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from fnmatch import translate
from functools import lru_cache
from itertools import accumulate
from unicodedata import normalize

from ..printable import printable

WILDCARD = re.compile(r"[*?[]")
LAST_CHARACTER = chr(sys.maxunicode)
COMPARED = 1000
"""Documents that are compared with a pattern without a search for a piece of it, which takes as long."""
MANY = 16
"""If more than one in so many documents has that piece, all are compared."""


def path_matches(path: str, pattern: str) -> bool:
    """Whether a document's path matches the glob `pattern`, or has it as its file name.

    Case and Unicode's normal form do not matter. Brackets in a pattern also stand for themselves, and a name with
    control characters also matches as it is printed.

    >>> path_matches("contracts/a.pdf", "contracts/*"), path_matches("contracts/a.pdf", "a.pdf")
    (True, True)
    >>> path_matches("contracts/a.pdf", "b.pdf")
    False
    >>> path_matches("reports [2023]/a.pdf", "Reports [2023]/*")
    True
    """
    return any(_matches_folded(each, pattern) for each in _forms(path))


def _forms(path: str) -> set[str]:
    """A path folded, as it is and as it is printed."""
    return {_folded(path), _folded(printable(path))}


def _matches_folded(path: str, pattern: str) -> bool:
    folded, matches = _compiled(pattern)
    return path == folded or path.endswith("/" + folded) or matches(path) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> tuple[str, Callable[[str], re.Match[str] | None]]:
    """A pattern folded, and its matcher: with sets of characters in brackets, and with brackets as they are."""
    folded = _folded(pattern)
    literal = folded.replace("[", "[[]")
    return folded, re.compile(f"{translate(folded)}|{translate(literal)}").match


def _folded(text: str) -> str:
    """Text in lower case and Unicode's composed normal form: macOS decomposes the names of files."""
    return text.lower() if text.isascii() else normalize("NFC", text.lower())


class DocumentNames:
    """The folded paths of documents, with their keys: sorted, by file name, and as one text to search in."""

    def __init__(self, paths: Mapping[int, str]) -> None:
        """`paths` of the documents by their keys."""
        self._sorted = sorted((each, key) for key, path in paths.items() for each in _forms(path))
        self._by_name: dict[str, list[tuple[str, int]]] = {}
        for entry in self._sorted:
            self._by_name.setdefault(entry[0].rpartition("/")[2], []).append(entry)
        self._text = "".join(f"{path}\0" for path, _ in self._sorted)
        self._ends = [*accumulate(len(path) + 1 for path, _ in self._sorted)]

    def matching(self, pattern: str) -> list[int]:
        """The keys of the documents that match `pattern`, rising."""
        return sorted({key for path, key in self.candidates(pattern) if _matches_folded(path, pattern)})

    def candidates(self, pattern: str) -> list[tuple[str, int]]:
        """Every document that may match `pattern`, by a folded path."""
        folded = _folded(pattern)
        named = self._by_name.get(folded.rpartition("/")[2], [])
        prefix = WILDCARD.split(folded, maxsplit=1)[0]
        if prefix == folded:
            return named
        first = bisect_left(self._sorted, (prefix,))
        last = bisect_left(self._sorted, (prefix + LAST_CHARACTER,)) if prefix else len(self._sorted)
        piece = "" if "[" in folded else max(WILDCARD.split(folded), key=len)
        if piece and last - first > COMPARED:
            return named + self._with(piece, first, last)
        return named + self._sorted[first:last]

    def _with(self, piece: str, first: int, last: int) -> list[tuple[str, int]]:
        """The documents `first` to `last` whose folded path contains `piece`; all of these where most might."""
        found: list[tuple[str, int]] = []
        at = self._text.find(piece, self._ends[first - 1] if first else 0, self._ends[last - 1])
        while at >= 0:
            number = bisect_right(self._ends, at)
            found.append(self._sorted[number])
            if len(found) > (last - first) // MANY:
                return self._sorted[first:last]
            at = self._text.find(piece, self._ends[number], self._ends[last - 1])
        return found
