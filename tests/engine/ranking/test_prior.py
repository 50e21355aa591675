"""What makes a page likelier to answer before its words are compared."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from docsearch.engine.query.numeric import asks_for_number
from docsearch.engine.ranking.prior import LONGEST, PagePrior

ROWS = np.arange(4)
LENGTHS = np.array([5, 500, LONGEST, 9 * LONGEST])


def test_of_pages_that_match_equally_well_the_shortest_comes_first() -> None:
    found = PagePrior(LENGTHS).applied("who", None, None).scores(np.full(4, 0.5, np.float32), ROWS)
    assert found[0] > found[1] > found[2] == found[3]


def test_a_page_that_matches_nothing_scores_0_however_short_it_is() -> None:
    assert (
        not PagePrior(LENGTHS)
        .applied("how much", None, np.ones(4, np.float32))
        .scores(np.zeros(4, np.float32), ROWS)
        .any()
    )


def test_numbers_count_only_if_a_number_is_asked_for() -> None:
    prior, visual = PagePrior(np.full(4, 100)), np.full(4, 0.5, np.float32)
    numbers = np.array([0, 0.9, np.nan, 0.2], np.float32)
    asked = prior.applied("How much was spent?", None, numbers).scores(visual, ROWS)
    assert asked[1] > asked[3] > asked[0]
    assert asked[2] == asked[3], "a page without text has the usual share"
    other = prior.applied("Who wrote it?", None, numbers).scores(visual, ROWS)
    assert_array_equal(other, other[0])


@given(
    st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4),
    st.lists(st.integers(0, 10_000), min_size=4, max_size=4),
)
def test_scores_stay_in_0_to_1_and_rise_with_visual_scores(visual: list[float], lengths: list[int]) -> None:
    applied = PagePrior(np.array(lengths)).applied("how many", None, np.array([0, 0.3, 1, np.nan], np.float32))
    low, high = np.sort(np.array([visual, np.ones(4)], np.float32), axis=0)
    assert ((applied.scores(high, ROWS) >= applied.scores(low, ROWS)) & (applied.scores(high, ROWS) <= 1)).all()
    assert (applied.scores(low, ROWS) >= 0).all()


def test_questions_that_ask_for_numbers_are_told_in_many_languages() -> None:
    for question in (
        "How many employees?",
        "Wie hoch war der Umsatz?",
        "combien de salariés",
        "¿Cuántos empleados?",
        "quanto custa",
        "売上高はいくら",
        "매출은 얼마",
        "сколько сотрудников",
        "公司有多少员工",
        "growth in %",
        "EBITDA",
    ):
        assert asks_for_number(question), question
    for question in ("Who signed the lease?", "Wer ist Geschäftsführer?", "map of the harbour", "notice period"):
        assert not asks_for_number(question), question
