"""Evaluates a condition: each comparison is an SQL query on the catalog, with bound values, for the documents that it
holds for; and, or and not join these sets.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..records import I64
from ..store.column_values import ColumnType, date_span, folded, moment, nanoseconds
from ..store.columns import CATALOG_COLUMNS, MODIFIED, OWN_COLUMNS, PATH
from .conditions import Comparison, Condition, Constant, Every, Negated
from .documents import all_types
from .grammar import error, parse
from .sorted_columns import END, HasColumns, SortedColumn, SortedColumns, Span

MAX_DEPTH = 32
MAX_WILDCARDS = 10
"""Wildcards in a pattern of "like": comparing takes time that grows with their number."""
VALUES = "SELECT group_concat(document) FROM document_values WHERE counts = 1 AND name = ?"
DOCUMENTS = "SELECT group_concat(key) FROM documents WHERE"
"""Queries give the keys as one text: rows of their own take longer to read than to find."""
FOLDED_PATH = "CASE WHEN length(path) = length(CAST(path AS BLOB)) THEN lower(path) ELSE folded(path) END"
"""In ASCII, of as many bytes as characters, SQLite folds by itself."""
ORDERED = ("=", "!=", "<", "<=", ">", ">=", "in", "between")
TYPE_NAMES: Mapping[ColumnType, str] = {
    "text": "text",
    "number": "a number",
    "date": "a date",
    "list": "a list of texts",
    "flag": "true or false",
}
Selected = NDArray[np.bool_]
"""For each document's key whether the document is selected, (K,)."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A part of a query, and the `values` to bind to its question marks, in order."""

    text: str
    values: tuple[str | float, ...] = ()


def select(
    where: str,
    snapshot: HasColumns,
    documents: Selected,
    matching: Callable[[str], list[int]],
    columns: SortedColumns,
) -> I64:
    """The keys (n,) of the documents for which a condition holds, rising.

    `documents` (K,) tells of which keys there is a document, `matching` finds the keys of those whose path matches a
    glob, `columns` keeps some in memory. A column without a value makes a comparison false. A list is what any of its
    items is.

    Raises UsageError for a mistake in the condition, a column that is not there, or a value of the wrong type.
    """
    found = _Evaluation(where, snapshot, len(documents), matching, columns).selected(parse(where), 1)
    return np.flatnonzero(found & documents)


class _Evaluation:
    def __init__(
        self,
        where: str,
        snapshot: HasColumns,
        size: int,
        matching: Callable[[str], list[int]],
        columns: SortedColumns,
    ) -> None:
        self._where, self._size, self._matching, self._columns = where, size, matching, columns
        self._in_memory: dict[str, SortedColumn | None] = {}  # of the columns of this condition
        self._tables = snapshot.column_tables
        self._types = all_types(snapshot)
        self._has_values = any(table.has_values for _, table in self._tables)

    def selected(self, condition: Condition, depth: int) -> Selected:
        if depth > MAX_DEPTH:
            raise UsageError(f"where: the condition is nested more than {MAX_DEPTH} levels deep; make it flatter")
        if isinstance(condition, Comparison):
            return self._comparison(condition)
        if isinstance(condition, Negated):
            return ~self.selected(condition.part, depth + 1)
        parts = [self.selected(part, depth + 1) for part in condition.parts]
        join = np.logical_and if isinstance(condition, Every) else np.logical_or
        found: Selected = join.reduce(parts)
        return found

    def _comparison(self, asked: Comparison) -> Selected:
        kind = self._types.get(asked.column)
        if kind is None:
            raise self._unknown(asked)
        if asked.operator == "!=":
            return ~self._comparison(Comparison(asked.column, "=", asked.values, asked.at))
        self._check_operator(asked, kind)
        if asked.operator == "matches":
            found = np.zeros(self._size, np.bool_)
            found[self._matching(asked.values[0].text)] = True
            return found
        if (in_memory := self._look_up_in_memory(asked, kind)) is not None:
            return in_memory
        if asked.column in CATALOG_COLUMNS:
            column = CATALOG_COLUMNS[asked.column]
            if asked.operator == "is null":
                return self._look_up(f"{DOCUMENTS} {column} IS NULL")
            test = self._test(FOLDED_PATH if asked.column == PATH else column, asked, kind)
            return self._look_up(f"{DOCUMENTS} {test.text}", *test.values)
        if asked.column in OWN_COLUMNS and not self._has_values:
            what = f"the index was made by an earlier version, without {asked.column}; run 'docsearch index' again"
            raise self._error(asked.at, what)
        if asked.operator == "is null":
            return ~self._look_up(VALUES, asked.column)
        test = self._test("compared", asked, kind)
        return self._look_up(f"{VALUES} AND {test.text}", asked.column, *test.values)

    def _look_up_in_memory(self, asked: Comparison, kind: ColumnType) -> Selected | None:
        """As `_comparison`, of a column that is kept in memory; None for others."""
        if asked.operator == "is null":
            return None
        if asked.column not in self._in_memory:
            self._in_memory[asked.column] = self._columns.find(asked.column, self._size)
        if (column := self._in_memory[asked.column]) is None:
            return None
        if asked.operator == "like":
            keys = [column.like(self._pattern(asked.values[0]))]
        elif asked.operator == "contains":
            piece = folded(asked.values[0].text)
            if not piece or END in piece:
                return None
            keys = [column.containing(piece)]
        else:
            keys = column.within(self._spans(asked, kind))
        found = np.zeros(self._size, np.bool_)
        for each in keys:
            found[each[each < self._size]] = True
        return found

    def _spans(self, asked: Comparison, kind: ColumnType) -> list[Span]:
        """Where the values lie for which a comparison of a column in memory holds."""
        operator, values = asked.operator, asked.values
        if operator == "is true":
            return [Span(1, 1)]
        if kind == "date":
            spans = [self._span(value, asked.column, as_number=asked.column == MODIFIED) for value in values]
            (first, after), last = spans[0], spans[-1][1]
            return {
                "between": [Span(first, last, with_high=False)],
                "<": [Span(high=first, with_high=False)],
                "<=": [Span(high=after, with_high=False)],
                ">": [Span(after)],
                ">=": [Span(first)],
            }.get(operator, [Span(low, high, with_high=False) for low, high in spans])
        bound = [self._bound(value, kind, asked.column) for value in values]
        return {
            "between": [Span(bound[0], bound[-1])],
            "<": [Span(high=bound[0], with_high=False)],
            "<=": [Span(high=bound[0])],
            ">": [Span(bound[0], with_low=False)],
            ">=": [Span(bound[0])],
        }.get(operator, [Span(value, value) for value in bound])

    def _look_up(self, query: str, *values: str | float) -> Selected:
        found = np.zeros(self._size, np.bool_)
        for start, table in self._tables:
            if not query.startswith(VALUES) or table.has_values:
                keys = table.query(query, *values)[0][0]
                found[start + np.fromstring(keys or "", np.int64, sep=",")] = True
        return found

    def _test(self, column: str, asked: Comparison, kind: ColumnType) -> Sql:
        """What `column`, an SQL expression, has to be."""
        operator, values = asked.operator, asked.values
        if kind == "date":
            return self._date_test(column, asked, as_number=asked.column == MODIFIED)
        if operator == "is true":
            return Sql(f"{column} = 1")
        if operator == "like":
            return Sql(f"{column} LIKE ? ESCAPE '\\'", (self._pattern(values[0]),))
        if operator == "contains":
            return Sql(f"instr({column}, ?) > 0", (folded(values[0].text),))
        bound = tuple(self._bound(value, kind, asked.column) for value in values)
        if operator == "in":
            return Sql(f"{column} IN ({', '.join('?' * len(bound))})", bound)
        if operator == "between":
            return Sql(f"({column} >= ? AND {column} <= ?)", bound)
        return Sql(f"{column} {operator} ?", bound)

    def _date_test(self, column: str, asked: Comparison, *, as_number: bool) -> Sql:
        """As `_test`: a date that stops at the year or the month means all of it."""
        spans = [self._span(value, asked.column, as_number=as_number) for value in asked.values]
        (first, after), operator = spans[0], asked.operator
        if operator in ("=", "in"):
            return _any([Sql(f"({column} >= ? AND {column} < ?)", span) for span in spans])
        if operator == "between":
            return Sql(f"({column} >= ? AND {column} < ?)", (first, spans[1][1]))
        bound = first if operator in ("<", ">=") else after
        return Sql(f"{column} {'<' if operator in ('<', '<=') else '>='} ?", (bound,))

    def _span(self, value: Constant, column: str, *, as_number: bool) -> tuple[str | float, str | float]:
        if value.kind not in ("text", "date", "number"):
            raise self._error(value.at, f"{column} is a date, such as 2024-02-29")
        try:
            first, after = date_span(value.text)
        except ValueError as err:
            raise self._error(value.at, f"{column} is a date, and {err}") from err
        return (nanoseconds(first), nanoseconds(after)) if as_number else (moment(first), moment(after))

    def _bound(self, value: Constant, kind: ColumnType, column: str) -> str | float:
        """A value in the form in which those of its column are compared."""
        if kind == "number":
            number = float(value.text) if value.kind in ("number", "size") else math.nan
            if not math.isfinite(number):
                raise self._error(value.at, f"{column} is a number, not {value.text!r}")
            return number
        if kind == "flag":
            if value.kind != "flag":
                raise self._error(value.at, f"{column} is true or false, not {value.text!r}")
            return int(value.text.lower() == "true")
        return folded(value.text)

    def _pattern(self, value: Constant) -> str:
        pattern = folded(value.text)
        if sum(map(pattern.count, "%_")) > MAX_WILDCARDS:
            raise self._error(value.at, f"a pattern has at most {MAX_WILDCARDS} of % and _")
        if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
            raise self._error(value.at, "after \\ in a pattern comes %, _ or \\")
        return pattern

    def _check_operator(self, asked: Comparison, kind: ColumnType) -> None:
        allowed = {
            "text": (*ORDERED, "like", "contains"),
            "list": ("=", "in", "like", "contains"),
            "number": ORDERED,
            "date": ORDERED,
            "flag": ("=", "is true"),
        }[kind]
        if asked.column == PATH:
            allowed = (*allowed, "matches")
        if asked.operator not in (*allowed, "is null"):
            what = f"{asked.column} is {TYPE_NAMES[kind]}, for which there is no '{asked.operator}'"
            if asked.operator == "is true":
                what = f"{asked.column} is {TYPE_NAMES[kind]}; compare it with a value, as in {asked.column} = …"
            raise self._error(asked.at, what)

    def _unknown(self, asked: Comparison) -> UsageError:
        near = difflib.get_close_matches(asked.column, self._types, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        what = f"there is no column {asked.column!r}{hint}; the columns are {', '.join(self._types)}"
        return self._error(asked.at, what)

    def _error(self, at: int, what: str) -> UsageError:
        return error(self._where, at, what)


def _any(parts: list[Sql]) -> Sql:
    return Sql(f"({' OR '.join(part.text for part in parts)})", tuple(value for part in parts for value in part.values))
