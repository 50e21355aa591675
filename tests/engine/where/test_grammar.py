"""Conditions: what the grammar reads, and what is said about mistakes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.errors import UsageError
from docsearch.engine.where.conditions import AnyOf, Comparison, Every, Negated
from docsearch.engine.where.grammar import MAX_CHARS, parse


def test_and_binds_more_tightly_than_or_and_not_most_tightly() -> None:
    found = parse("a = 1 or not b = 2 and c = 3")
    assert isinstance(found, AnyOf)
    first, second = found.parts
    assert isinstance(first, Comparison)
    assert isinstance(second, Every)
    assert isinstance(second.parts[0], Negated)


def test_keywords_and_names_may_be_written_in_any_case() -> None:
    found = parse("(A = TRUE OR b IN (2)) AND c IS NOT NULL")
    assert isinstance(found, Every)
    assert isinstance(found.parts[0], AnyOf)
    assert [part.column for part in found.parts[0].parts] == ["a", "b"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "operator", "values"),
    [
        ("a = 'Kim'", "=", ["Kim"]),
        ('a == "Kim"', "=", ["Kim"]),
        ("a <> 'it''s'", "!=", ["it's"]),
        ("a in ('x', 2, 2024-02, true)", "in", ["x", "2", "2024-02", "true"]),
        ("a between 1 and 2.5", "between", ["1", "2.5"]),
        ("a like '%x_'", "like", ["%x_"]),
        ("a contains 'x'", "contains", ["x"]),
        ("a matches 'b/*.pdf'", "matches", ["b/*.pdf"]),
        ("a >= -3", ">=", ["-3"]),
        ("a > 2024-02-29T10:30", ">", ["2024-02-29T10:30"]),
        ("a < 5 MB", "<", ["5000000.0"]),
        ("a", "is true", []),
        ("a is null", "is null", []),
    ],
)
def test_comparisons(text: str, operator: str, values: list[str]) -> None:
    found = parse(text)
    assert isinstance(found, Comparison)
    assert (found.column, found.operator, [value.text for value in found.values]) == ("a", operator, values)


@pytest.mark.parametrize("text", ["a not in (1)", "a not like 'x'", "a is not null", "not not not a"])
def test_negations(text: str) -> None:
    assert isinstance(parse(text), Negated)


def test_names_that_are_no_words_stand_in_double_quotes() -> None:
    found = parse('"Due date" < 2024 and "in" = 1 and größe = 2')
    assert isinstance(found, Every)
    assert [part.column for part in found.parts] == ["due date", "in", "größe"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "character", "says"),
    [
        ("pages >", 8, "a value was expected"),
        ("pages > 3 and", 14, "the name of a column was expected"),
        ("author = Kim", 10, "text stands in quotes: 'Kim'"),
        ("author = 'Kim", 10, "has no end"),
        ("(pages > 3", 11, "')' was expected"),
        ("pages > 3) and a", 10, "the end was expected"),
        ("pages ! 3", 7, "expected one of ="),
        ("pages in 3", 10, "'(' was expected"),
        ("pages in (3", 12, "')' was expected"),
        ("title is", 9, "'null' or 'not null' was expected"),
        ("a between 1 or 2", 13, "'and' was expected"),
        ("a = 1 b = 2", 7, "'and', 'or' or"),
        ("a = 12abc", 5, "a value was expected"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, character: int, says: str) -> None:
    with pytest.raises(UsageError, match=rf"^where, character {character}\b") as raised:
        parse(text)
    assert says in str(raised.value)


@pytest.mark.parametrize(("text", "says"), [("", "empty"), ("  ", "empty"), ("a" * (MAX_CHARS + 1), "limit")])
def test_conditions_that_are_none(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text)


def test_a_condition_is_text() -> None:
    with pytest.raises(UsageError, match="text, not int"):
        parse(5)  # type: ignore[arg-type]


@given(st.text("ab'\"()<>=!,.%-0123 andorilkeTZ\\", max_size=40))
def test_any_text_is_a_condition_or_an_error(text: str) -> None:
    with suppress(UsageError):
        parse(text)
