"""A document of a run that is not in the index as a whole yet: which of its pages are done, and which came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class DocumentInFlight:
    """A document whose pages are being rendered and embedded.

    `done_pages` are in the index already, or known to fail; `seen_pages` came from the renderer. Pages that did not are
    counted, not listed: a document may claim a billion. `size` is that of its file in bytes.
    """

    doc_id: str
    done_pages: frozenset[int]
    size: int = 0
    page_count: int = 0
    seen_pages: set[int] = field(default_factory=set)
    properties: Mapping[str, str] = field(default_factory=dict)
    last_failure: str = "the renderer left this page out"

    @property
    def skipped_bytes(self) -> int:
        """The share of its size that pages have which were done before this run; 0 until the pages are counted."""
        return self._share(len(self.done_pages))

    @property
    def processed_bytes(self) -> int:
        """The share of its size that pages have which are done, or came in this run; 0 until the pages are counted."""
        return self._share(len(self.done_pages) + len(self.seen_pages))

    def _share(self, pages: int) -> int:
        return self.size * min(pages, self.page_count) // max(self.page_count, 1)

    @property
    def missing_count(self) -> int:
        """How many pages are neither done nor seen."""
        done = sum(1 for page in self.done_pages if 1 <= page <= self.page_count)
        return self.page_count - done - len(self.seen_pages)

    def missing_pages(self) -> Iterator[int]:
        """The pages that are neither done nor seen, in order."""
        return (
            page
            for page in range(1, self.page_count + 1)
            if page not in self.done_pages and page not in self.seen_pages
        )
