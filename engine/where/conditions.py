"""A condition as a tree: comparisons of a column with values, joined by and, or and not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "like", "contains", "matches", "between", "is null", "is true"
]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value in a condition: its `text` without quotes, and the position `at` which it stands, from 0.

    `kind` is how it was written: "text" in quotes, "number", "size" (a number with a unit, in `text` as bytes), "date"
    or "flag".
    """

    text: str
    kind: Literal["text", "number", "size", "date", "flag"]
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A `column`, whose name stands `at` a position, compared with `values`: one, or more for "in" and "between"."""

    column: str
    operator: Operator
    values: tuple[Constant, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Every:
    """True where each of its parts is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where one of its parts is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """True where its part is not."""

    part: Condition


Condition = Comparison | Every | AnyOf | Negated
