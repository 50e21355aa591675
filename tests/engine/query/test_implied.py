"""What questions imply: the parts of the quantities that they name."""

from __future__ import annotations

import numpy as np

from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.query.implied import FILE, IMPLIED_WEIGHT, implied_text, with_implied


def test_a_question_that_names_no_quantity_implies_nothing() -> None:
    assert implied_text("revenue chart 2023") == ""
    assert implied_text("") == ""


def test_names_in_any_form() -> None:
    expected = implied_text("days payable outstanding")
    assert "accounts payable" in expected
    assert implied_text("What was DPO in 2019?") == expected


def test_the_longest_name_counts() -> None:
    assert "total debt" in implied_text("debt to EBITDA")
    assert "income taxes" not in implied_text("debt to EBITDA")  # a part of EBITDA alone
    assert "income taxes" in implied_text("EBITDA")


def test_what_the_question_says_is_not_implied() -> None:
    assert "total current liabilities" not in implied_text("current ratio of total current liabilities")


def test_every_line_of_the_file_is_used() -> None:
    lines = [line for line in FILE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert len(lines) > 450
    for line in lines:
        names, colon, parts = line.partition(":")
        assert colon, line
        assert all(part.strip() for part in parts.split(",")), line
        assert all(name.strip() for name in names.split(",")), line


def test_names_are_unique() -> None:
    names = [
        name.strip().lower()
        for line in FILE.read_text("utf-8").splitlines()
        if line and not line.startswith("#")
        for name in line.partition(":")[0].split(",")
    ]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_own_and_implied_words_as_one_query() -> None:
    text = PixelText.load()
    own, implied = text.encode_query("quick ratio chart"), text.encode_query("current assets, inventories")
    both = with_implied(own, implied)
    count = len(own.weights)
    assert both.tokens == own.tokens + implied.tokens
    np.testing.assert_allclose(both.weights.sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(both.weights[count:].sum() / both.weights[:count].sum(), IMPLIED_WEIGHT, rtol=1e-5)
    assert {tuple(pair) for pair in both.pairs.tolist()} >= {(a + count, b + count) for a, b in implied.pairs.tolist()}
    assert both.expansion is not None
    assert len(both.expansion.tokens) == sum(
        len(each.expansion.tokens) for each in (own, implied) if each.expansion is not None
    )
