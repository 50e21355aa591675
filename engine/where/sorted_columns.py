"""Columns of a large index in memory, sorted by value, so that a comparison is a search in a sorted list.

The catalog answers the first comparison with a column as fast as the column could be read; from the second on, as in a
server, the column is kept.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Protocol

import numpy as np

from ..records import I64
from ..store.column_values import folded
from ..store.columns import CATALOG_COLUMNS, PATH, ColumnsTable

MIN_DOCUMENTS, MAX_DOCUMENTS = 5_000, 2_000_000
"""Documents of an index whose columns are kept: the catalog is as fast with fewer, and more would take much memory."""
KEPT = 16
"""Columns that are kept, those that were asked for last."""
END = "\0"
"""Between texts that are searched as one; no value has it."""
Value = Any
"""A number or a text; all values of a column are of one of the two."""


@dataclass(frozen=True, slots=True)
class Span:
    """Values from `low` to `high`, None for no limit, each included or not."""

    low: Value = None
    high: Value = None
    with_low: bool = True
    with_high: bool = True


class SortedColumn:
    """The `values` of a column, rising, each with the key of its document, (n,); a list has several values."""

    def __init__(self, values: list[Value], keys: I64) -> None:
        self._values = values
        self._keys = keys

    def within(self, spans: Sequence[Span]) -> list[I64]:
        """For each span, the keys (n,) of the documents with a value in it, in the order of their values."""
        return [self._keys[self._place(span)] for span in spans]

    def containing(self, piece: str) -> I64:
        """The keys (n,) of the documents with a text that contains `piece`, which is folded and not empty."""
        return self._keys[list(self._with(piece))]

    def like(self, pattern: str) -> I64:
        """The keys (n,) of the documents with a text that matches a pattern of SQL's LIKE, which is folded.

        In it `%` stands for any characters, `_` for one, and a backslash takes the meaning from what follows.
        """
        pieces, expression = _parsed(pattern)
        matches = re.compile(expression, re.DOTALL).fullmatch
        longest = max(pieces, key=len)
        places: Iterator[int] | range = self._with(longest) if longest else range(len(self._values))
        return self._keys[[place for place in places if matches(self._values[place])]]

    def _place(self, span: Span) -> slice:
        first, last = 0, len(self._values)
        if span.low is not None:
            first = (bisect_left if span.with_low else bisect_right)(self._values, span.low)
        if span.high is not None:
            last = (bisect_right if span.with_high else bisect_left)(self._values, span.high)
        return slice(first, max(first, last))

    def _with(self, piece: str) -> Iterator[int]:
        """The places of the values that contain `piece`, rising."""
        at = self._text.find(piece)
        while at >= 0:
            place = bisect_right(self._ends, at)
            yield place
            at = self._text.find(piece, self._ends[place])

    @cached_property
    def _text(self) -> str:
        return "".join(f"{value}{END}" for value in self._values)

    @cached_property
    def _ends(self) -> list[int]:
        return [*accumulate(len(value) + 1 for value in self._values)]


class HasColumns(Protocol):
    """What conditions are asked of: a snapshot, or `in_memory.ColumnsInMemory`."""

    @property
    def column_tables(self) -> list[tuple[int, ColumnsTable]]:
        """As `Snapshot.column_tables`."""


class SortedColumns:
    """The columns of one snapshot that are kept. May be shared between threads."""

    def __init__(self, snapshot: HasColumns) -> None:
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._kept: OrderedDict[str, SortedColumn | None] = OrderedDict()

    def find(self, name: str, documents: int) -> SortedColumn | None:
        """The column `name` of an index of so many documents; None where the catalog is to be asked."""
        if not MIN_DOCUMENTS <= documents <= MAX_DOCUMENTS:
            return None
        with self._lock:
            self._asked[name] += 1
            if self._asked[name] == 1:
                return None
            if name not in self._kept:
                self._kept[name] = self._read(name)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(name)
            return self._kept[name]

    def _read(self, name: str) -> SortedColumn | None:
        """A column of all the snapshot's indexes; None if its values cannot be compared, as text with numbers."""
        found: list[tuple[Value, int]] = []
        for start, table in self._snapshot.column_tables:
            if name in CATALOG_COLUMNS:
                column = CATALOG_COLUMNS[name]
                rows = table.query(f"SELECT {column}, key FROM documents WHERE {column} IS NOT NULL")
            elif table.has_values:
                rows = table.query("SELECT compared, document FROM document_values WHERE counts = 1 AND name = ?", name)
            else:
                rows = []
            found.extend((folded(value) if name == PATH else value, start + key) for value, key in rows)
        if len({isinstance(value, str) for value, _ in found}) > 1 or any(
            isinstance(value, bytes) for value, _ in found
        ):
            return None
        found.sort()
        return SortedColumn([value for value, _ in found], np.array([key for _, key in found], np.int64))


def _parsed(pattern: str) -> tuple[list[str], str]:
    """The plain pieces of a pattern of LIKE, and a regular expression for it that does not try a place twice."""
    pieces, parts = [""], [""]
    letters = iter(pattern)
    for letter in letters:
        if letter == "%":
            pieces.append("")
            parts.append("")
        elif letter == "_":
            pieces.append("")
            parts[-1] += "."
        else:
            plain = next(letters, "") if letter == "\\" else letter
            pieces[-1] += plain
            parts[-1] += re.escape(plain)
    first, *others = parts
    if not others:
        return pieces, first
    between = "".join(f"(?>.*?{part})" for part in others[:-1])  # the first place that fits leaves most for the rest
    return pieces, f"{first}{between}.*{others[-1]}"
