"""Which pages of a document remain to be rendered, and when to give up on a document whose pages keep failing."""

from __future__ import annotations

from dataclasses import dataclass

PAGES_PER_TASK = 4
"""Consecutive pages that one process renders before another process may continue the document."""
CONSECUTIVE_PROCESSES_LOST_MAX = 5
"""A document is given up after this many pages in a row that killed their process, ..."""
CONSECUTIVE_FAILURES_MAX = 100
"""... or after this many in a row that failed in any way."""


@dataclass(slots=True)
class RemainingPages:
    """The pages from `next_page` to `page_count`, or to `last_page` if that is less, except those in `skip`.

    `page_count` is None until the document is open. Holds counters rather than lists, so a document that claims a
    billion pages costs nothing.

    >>> remaining = RemainingPages(frozenset({2}), page_count=6)
    >>> remaining.claim(), remaining.claim(), remaining.claim()
    ([1, 3, 4, 5], [6], [])
    """

    skip: frozenset[int] = frozenset()
    page_count: int | None = None
    next_page: int = 1
    processes_lost_in_a_row: int = 0
    failures_in_a_row: int = 0
    last_reason: str = ""
    last_page: int | None = None

    @property
    def end(self) -> int:
        """The last page to render, of a document that is open."""
        assert self.page_count is not None
        return self.page_count if self.last_page is None else min(self.page_count, self.last_page)

    @property
    def is_empty(self) -> bool:
        """Whether no page remains to be claimed; also true while the document is not open."""
        return self.page_count is None or self.next_page > self.end

    @property
    def is_hopeless(self) -> bool:
        """Whether so many pages failed in a row that trying the rest would waste hours."""
        return (
            self.processes_lost_in_a_row >= CONSECUTIVE_PROCESSES_LOST_MAX
            or self.failures_in_a_row >= CONSECUTIVE_FAILURES_MAX
        )

    @property
    def give_up_reason(self) -> str:
        """Why the document is hopeless."""
        return f"{self.failures_in_a_row} pages in a row failed, the last because: {self.last_reason}"

    def claim(self) -> list[int]:
        """Take up to PAGES_PER_TASK pages; none if the document is not open or is hopeless."""
        pages: list[int] = []
        while not self.is_empty and not self.is_hopeless and len(pages) < PAGES_PER_TASK:
            if self.next_page not in self.skip:
                pages.append(self.next_page)
            self.next_page += 1
        return pages

    def give_up(self) -> tuple[int, int]:
        """Drop all remaining pages untried; return the first of them and their number."""
        end = self.end
        skipped = sum(1 for page in self.skip if self.next_page <= page <= end)
        first, count = self.next_page, end - self.next_page + 1 - skipped
        while first in self.skip:
            first += 1
        self.next_page = end + 1
        return first, max(0, count)

    def record_success(self) -> None:
        """Reset the failure counters after a page that rendered."""
        self.failures_in_a_row = self.processes_lost_in_a_row = 0

    def record_failure(self, reason: str, *, process_lost: bool) -> None:
        """Count a page that failed; `process_lost` if it crashed, hung or exhausted its child process."""
        self.failures_in_a_row += 1
        self.processes_lost_in_a_row += process_lost
        self.last_reason = reason
