"""Each page is claimed once, in order, and a document whose pages keep failing is given up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docsearch.indexer.render.page_budget import (
    CONSECUTIVE_FAILURES_MAX,
    CONSECUTIVE_PROCESSES_LOST_MAX,
    RemainingPages,
)


@given(st.integers(0, 60), st.frozensets(st.integers(1, 70)))
def test_each_page_that_is_not_skipped_is_claimed_once(page_count: int, skip: frozenset[int]) -> None:
    remaining = RemainingPages(skip, page_count)
    claimed: list[int] = []
    while pages := remaining.claim():
        claimed += pages
    assert claimed == [page for page in range(1, page_count + 1) if page not in skip]
    assert remaining.is_empty


@given(st.integers(1, 60), st.frozensets(st.integers(1, 70)), st.integers(0, 5))
def test_pages_given_up_are_those_not_claimed(page_count: int, skip: frozenset[int], claims: int) -> None:
    remaining = RemainingPages(skip, page_count)
    claimed = [page for _ in range(claims) for page in remaining.claim()]
    first, count = remaining.give_up()
    untried = [page for page in range(1, page_count + 1) if page not in skip and page not in claimed]
    assert count == len(untried)
    assert not untried or first == untried[0]


@given(st.integers(0, 60), st.frozensets(st.integers(1, 70)), st.integers(1, 60), st.integers(0, 30))
def test_ranges_of_pages_are_claimed_and_given_up_alone(
    page_count: int, skip: frozenset[int], first: int, length: int
) -> None:
    def part() -> RemainingPages:
        return RemainingPages(skip, page_count, next_page=first, last_page=first + length - 1)

    expected = [page for page in range(first, min(first + length - 1, page_count) + 1) if page not in skip]
    remaining, claimed = part(), list[int]()
    while pages := remaining.claim():
        claimed += pages
    assert claimed == expected
    assert remaining.is_empty
    assert part().give_up()[1] == len(expected)


def test_a_false_page_count_costs_nothing() -> None:
    remaining = RemainingPages(page_count=10**15)
    while remaining.claim():
        remaining.record_failure("no such page", process_lost=False)
    assert remaining.give_up() == (4 * CONSECUTIVE_FAILURES_MAX + 1, 10**15 - 4 * CONSECUTIVE_FAILURES_MAX)


def test_a_rendered_page_resets_the_failure_counts() -> None:
    remaining = RemainingPages(page_count=9)
    for _ in range(CONSECUTIVE_PROCESSES_LOST_MAX):
        remaining.record_failure("crashed", process_lost=True)
    assert remaining.is_hopeless
    assert remaining.claim() == []
    remaining.record_success()
    assert remaining.claim() == [1, 2, 3, 4]
