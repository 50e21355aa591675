"""Finds the page that `docsearch query --like` names: a document with a page, or with lines of a text file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..engine.errors import UsageError
from ..engine.printable import printable
from ..engine.records import Lines, PageRef
from ..engine.store import DocumentRow, Snapshot

PLACE = re.compile(r"(?P<path>.+?)(?::(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?)?")
NAMED_MAX = 3
"""Documents that an error names."""


def find_page(like: str, snapshot: Snapshot) -> PageRef:
    """The page that FILE:PAGE names, or the one that shows most of the lines FILE:FIRST-LAST of a text file.

    FILE is a document's path in the index, or the end of one. Raises UsageError where it names none, or several.
    """
    row, first, last = _document(like, snapshot)
    count = row.page_count or 0
    refs = [ref for page in range(1, count + 1) if _is_stored(ref := PageRef(row.id, row.path, page), snapshot)]
    if not refs:
        raise UsageError(f"--like {like}: no page of {printable(row.path)} is in the index")
    shown = snapshot.lines([snapshot.row(ref) for ref in refs])
    if any(lines is not None for lines in shown):
        return _page_of_lines(like, refs, shown, first or 1, last or first or 1)
    if last is not None:
        raise UsageError(f"--like {like}: {printable(row.path)} has no lines that are known; name a page, as in FILE:3")
    found = next((ref for ref in refs if ref.page == (first or 1)), None)
    if found is None:
        raise UsageError(f"--like {like}: {printable(row.path)} has no page {first}; its pages are 1 to {count}")
    return found


def _document(like: str, snapshot: Snapshot) -> tuple[DocumentRow, int | None, int | None]:
    """The document that is meant, and the numbers after it. A name that ends like a place is taken as it is first."""
    match = PLACE.fullmatch(like)
    if (row := snapshot.document(path=like)) is not None or match is None:
        if row is None:
            raise UsageError("--like is empty; name a document with a page or lines, as in main.py:120-160")
        return row, None, None
    path, *numbers = match["path"], match["first"], match["last"]
    first, last = (None if number is None else int(number) for number in numbers)
    row = snapshot.document(path=path)
    if row is None:
        ending = f"/{path.removeprefix('./')}"
        known = [each for each in snapshot.documents() if f"/{each}".endswith(ending)]
        if len(known) != 1:
            named = ", ".join(map(printable, known[:NAMED_MAX]))
            raise UsageError(
                f"--like {like}: several documents end so ({named}); name one by its whole path"
                if known
                else f"--like {like}: no document of the index is called {printable(path)}"
            )
        row = snapshot.document(path=known[0])
        assert row is not None, "read before"
    return row, first, last


def _is_stored(ref: PageRef, snapshot: Snapshot) -> bool:
    try:
        snapshot.row(ref)
    except UsageError:
        return False
    return True


def _page_of_lines(like: str, refs: Sequence[PageRef], shown: Sequence[Lines | None], first: int, last: int) -> PageRef:
    """The page that shows most of the lines `first` to `last`; of equals the one that shows the fewest others."""
    if first > last:
        raise UsageError(f"--like {like}: the first line is behind the last")
    best: tuple[int, int, PageRef] | None = None
    for ref, lines in zip(refs, shown, strict=True):
        if lines is not None and (common := min(last, lines[1]) - max(first, lines[0]) + 1) > 0:
            found = (-common, lines[1] - lines[0], ref)
            best = found if best is None or found[:2] < best[:2] else best
    if best is None:
        ends = max(lines[1] for lines in shown if lines is not None)
        raise UsageError(f"--like {like}: no page shows these lines; the last one with text is {ends}")
    return best[2]
