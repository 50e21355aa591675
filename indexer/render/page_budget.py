"""Which pages of a document are still to be drawn, and whether trying them makes sense."""

from __future__ import annotations

from dataclasses import dataclass

PAGES_A_TASK = 4
"""Neighbouring pages that one process draws before another may go on with the document."""
LOST_IN_A_ROW_MAX = 5
FAILED_IN_A_ROW_MAX = 100
"""After so many pages of one document in a row that killed their process, or failed, the rest is not tried."""


@dataclass(slots=True)
class PagesLeft:
    """Pages from `next_page` to `page_count` but those in `skip`; `page_count` is None until the document is open.

    Counts, not lists, so that a document which says it has a billion pages costs nothing.

    >>> left = PagesLeft(frozenset({2}), page_count=6)
    >>> left.claim(), left.claim(), left.claim()
    ([1, 3, 4, 5], [6], [])
    """

    skip: frozenset[int] = frozenset()
    page_count: int | None = None
    next_page: int = 1
    lost_in_a_row: int = 0
    failed_in_a_row: int = 0
    last_reason: str = ""

    @property
    def none(self) -> bool:
        """Whether no page is left to claim; so it is where the document could not be opened."""
        return self.page_count is None or self.next_page > self.page_count

    @property
    def hopeless(self) -> bool:
        """Whether so many pages failed in a row that trying the others is a waste of hours."""
        return self.lost_in_a_row >= LOST_IN_A_ROW_MAX or self.failed_in_a_row >= FAILED_IN_A_ROW_MAX

    @property
    def verdict(self) -> str:
        """Why the document is hopeless, in words."""
        return f"{self.failed_in_a_row} pages in a row failed, the last because: {self.last_reason}"

    def claim(self) -> list[int]:
        """Take the next few pages; none while the document is not open, or when it is hopeless."""
        pages: list[int] = []
        while not self.none and not self.hopeless and len(pages) < PAGES_A_TASK:
            if self.next_page not in self.skip:
                pages.append(self.next_page)
            self.next_page += 1
        return pages

    def give_up(self) -> tuple[int, int]:
        """Take all that is left, untried; return the first page of it, and how many there are."""
        assert self.page_count is not None
        skipped = sum(1 for page in self.skip if self.next_page <= page <= self.page_count)
        first, count = self.next_page, self.page_count - self.next_page + 1 - skipped
        while first in self.skip:
            first += 1
        self.next_page = self.page_count + 1
        return first, max(0, count)

    def drawn(self) -> None:
        """Note that a page came out well."""
        self.failed_in_a_row = self.lost_in_a_row = 0

    def failed(self, reason: str, *, lost: bool) -> None:
        """Note that a page failed, and whether its process was lost with it."""
        self.failed_in_a_row += 1
        self.lost_in_a_row += lost
        self.last_reason = reason
