"""Passages of text files: within the budget, without gaps, cut where something new begins, numbered as editors do."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from docsearch.indexer.render.passages import LINE_MAX_CHARS, passages, tokens

FUNCTION = ["def name(value):", '    """What it does."""', "    found = value + 1", "    return found", "", ""]
LINE = st.text(alphabet="ab _(.\t", max_size=40)


@given(st.lists(LINE, max_size=80), st.integers(8, 60))
def test_every_line_with_text_is_in_a_passage_and_no_passage_is_too_long(lines: list[str], budget: int) -> None:
    found = passages(lines, budget)
    covered = {number for each in found for number in range(each.first, each.last + 1)}
    assert {number for number, line in enumerate(lines, 1) if line.strip()} <= covered
    for each in found:
        assert list(each.lines) == lines[each.first - 1 : each.last]
        assert each.lines[0].strip()
        assert each.lines[-1].strip()
        assert each.first == each.last or sum(map(tokens, each.lines)) <= budget
    starts = [each.first for each in found]
    assert starts == sorted(set(starts))


def test_passages_end_where_a_definition_begins() -> None:
    lines = FUNCTION * 20
    budget = 3 * sum(map(tokens, FUNCTION)) + 10
    found = passages(lines, budget)
    assert [each.first for each in found] == list(range(1, 121, 18))
    assert all(len(each.lines) <= 18 for each in found)


def test_a_decorator_stays_with_its_function() -> None:
    lines = ["x = 1", "y = 2", "", "@cache", "def f():", "    return 1"]
    (_, second) = passages(lines, 15)
    assert (second.first, second.lines[0]) == (4, "@cache")


def test_text_that_cannot_be_cut_well_is_repeated_a_little() -> None:
    lines = [f"word{number} and some more words" for number in range(40)]
    found = passages(lines, 60)
    assert len(found) > 3
    for one, other in itertools.pairwise(found):
        assert other.first == one.last - 2


def test_a_paragraph_is_not_repeated() -> None:
    lines = ["some words of a paragraph", "and more of it", ""] * 20
    found = passages(lines, 40)
    assert all(other.first == one.last + 2 for one, other in itertools.pairwise(found))


def test_a_long_line_is_several_passages_of_one_line() -> None:
    found = passages(["short", "x1 " * LINE_MAX_CHARS, "end"])
    assert len(found) > 3
    assert {(each.first, each.last) for each in found[1:-1]} == {(2, 2)}
    assert "".join(piece for each in found for piece in each.lines).count("x1") == LINE_MAX_CHARS


def test_blank_text_has_no_passage() -> None:
    assert passages([]) == passages(["", "  "]) == []
