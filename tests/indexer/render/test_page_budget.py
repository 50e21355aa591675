"""Pages are handed out once each, in order, and not for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docsearch.indexer.render.renderer.page_budget import FAILED_IN_A_ROW_MAX, LOST_IN_A_ROW_MAX, PagesLeft


@given(st.integers(0, 60), st.frozensets(st.integers(1, 70)))
def test_each_page_that_is_not_skipped_is_handed_out_once(page_count: int, skip: frozenset[int]) -> None:
    left = PagesLeft(skip, page_count)
    handed: list[int] = []
    while pages := left.claim():
        handed += pages
    assert handed == [page for page in range(1, page_count + 1) if page not in skip]
    assert left.none


@given(st.integers(1, 60), st.frozensets(st.integers(1, 70)), st.integers(0, 5))
def test_what_is_given_up_is_what_was_not_handed_out(page_count: int, skip: frozenset[int], claims: int) -> None:
    left = PagesLeft(skip, page_count)
    handed = [page for _ in range(claims) for page in left.claim()]
    first, count = left.give_up()
    untried = [page for page in range(1, page_count + 1) if page not in skip and page not in handed]
    assert count == len(untried)
    assert not untried or first == untried[0]


def test_a_page_count_that_lies_costs_nothing() -> None:
    left = PagesLeft(page_count=10**15)
    while left.claim():
        left.failed("no such page", lost=False)
    assert left.give_up() == (4 * FAILED_IN_A_ROW_MAX + 1, 10**15 - 4 * FAILED_IN_A_ROW_MAX)


def test_a_page_that_is_drawn_brings_hope_back() -> None:
    left = PagesLeft(page_count=9)
    for _ in range(LOST_IN_A_ROW_MAX):
        left.failed("crashed", lost=True)
    assert left.hopeless
    assert left.claim() == []
    left.drawn()
    assert left.claim() == [1, 2, 3, 4]
