"""Facets: how many documents and pages have each value of a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import UsageError
from ..store.column_values import ColumnType, iso_of_nanoseconds
from ..store.columns import CATALOG_COLUMNS, MODIFIED, PAGES, PATH, SIZE
from .documents import DocumentFilter, all_types

DEFAULT_VALUES = 20


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a column, and how many `documents` with how many `pages` have it."""

    value: str | float | bool
    documents: int
    pages: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a column among some documents, the most frequent ones first.

    Dates are counted by year, and paths by their first folder ("./" for none). `documents` have a value, `without` have
    none; `more` is how many further values there are. `least` and `most` are the extremes of numbers and dates.
    """

    column: str
    type: ColumnType
    documents: int
    without: int
    values: tuple[FacetValue, ...]
    more: int
    least: str | float | None = None
    most: str | float | None = None

    def as_dict(self) -> dict[str, object]:
        """The facet as a JSON object."""
        return asdict(self)


def count_facets(
    documents: DocumentFilter,
    names: Sequence[str] = (),
    where: str | None = None,
    path: str | None = None,
    *,
    limit: int = DEFAULT_VALUES,
) -> list[Facet]:
    """The facets of the columns `names`, by default of all that have a value, over the documents that have pages.

    `where` and `path` select documents, as in a search; at most `limit` values of each column are listed. Raises
    UsageError for an unknown column or a condition that does not fit the index.
    """
    if limit < 1:
        raise UsageError(f"the number of values to list must be 1 or more, not {limit}")
    types = all_types(documents.snapshot)
    for name in names:
        if name.lower() not in types:
            import difflib

            near = difflib.get_close_matches(name.lower(), types, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(f"there is no column {name!r}{hint}; the columns are {', '.join(types)}")
    counter = _Counter(documents, path, where, limit)
    found = [counter.facet(name.lower(), types[name.lower()]) for name in (names or types)]
    return found if names else [facet for facet in found if facet.documents]


class _Counter:
    """Counts values among the documents that `path` and `where` select and that have pages."""

    def __init__(self, documents: DocumentFilter, path: str | None, where: str | None, limit: int) -> None:
        self._tables, self._limit = documents.snapshot.column_tables, limit
        pages = np.bincount(documents.snapshot.page_documents()[0])
        selected = documents.keys(path, where)
        selected = selected[selected < len(pages)]
        counts = zip(selected.tolist(), pages[selected].tolist(), strict=True)
        self._pages = {key: count for key, count in counts if count}

    def facet(self, name: str, kind: ColumnType) -> Facet:
        """The facet of one column."""
        groups: dict[Any, FacetValue] = {}
        having: set[int] = set()
        counted: set[tuple[int, Any]] = set()
        least = most = None
        for key, compared, value in self._values(name):
            if key not in self._pages:
                continue
            if kind in ("number", "date"):
                least = compared if least is None else min(least, compared)
                most = compared if most is None else max(most, compared)
            having.add(key)
            group, shown = _group(name, kind, compared, value)
            if (key, group) in counted:  # a list may have an item twice
                continue
            counted.add((key, group))
            so_far = groups.get(group, FacetValue(shown, 0, 0))
            groups[group] = FacetValue(so_far.value, so_far.documents + 1, so_far.pages + self._pages[key])
        if kind == "date" and having:
            least, most = (iso_of_nanoseconds(each) if isinstance(each, int) else f"{each}Z" for each in (least, most))
        values = [] if name in (SIZE, PAGES) else sorted(groups.items(), key=lambda item: (-item[1].documents, item[0]))
        return Facet(
            name,
            kind,
            len(having),
            len(self._pages) - len(having),
            tuple(value for _, value in values[: self._limit]),
            max(0, len(values) - self._limit),
            least,
            most,
        )

    def _values(self, name: str) -> list[Any]:
        """The key of each document with a value of a column, its form that is compared, and the value."""
        query = "SELECT document, compared, value FROM document_values WHERE name = ? AND counts = 1"
        asked: tuple[str, ...] = (name,)
        if name in CATALOG_COLUMNS:
            column = CATALOG_COLUMNS[name]
            query, asked = f"SELECT key, {column}, {column} FROM documents WHERE {column} IS NOT NULL", ()
        return [
            (start + key, compared, value)
            for start, table in self._tables
            if name in CATALOG_COLUMNS or table.has_values
            for key, compared, value in table.query(query, *asked)
        ]


def _group(name: str, kind: ColumnType, compared: Any, value: Any) -> tuple[Any, str | float | bool]:
    """What a value is counted by, and how that is shown."""
    if name == PATH:
        folder, slash, _ = value.partition("/")
        return (folder + slash,) * 2 if slash else ("./",) * 2
    if kind == "date":
        year = (iso_of_nanoseconds(compared) if name == MODIFIED else compared)[:4]
        return year, year
    return compared, bool(value) if kind == "flag" else value
