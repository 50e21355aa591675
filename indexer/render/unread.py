"""What a renderer reports as unread: attached files, comments, dynamic forms, and print that is drawn too small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ...engine.store.unread import ATTACHMENT, KINDS, SMALL_PRINT

LEGIBLE_PX = 8.0
"""Height of an em, in pixels of the rendered page, below which print is too small; the letters are half as tall."""
SMALL_SHARE, SMALL_CHARACTERS = 0.05, 20
"""Share and number of a page's characters from which small print is reported: less than that are superscripts."""
REDUCED_SHARE = 0.55
"""A page without a text layer may have small print if it is drawn at less than this share of the resolution: a sheet
larger than A2 at 165 dpi and 4 million pixels.
"""
POINTS_PER_INCH = 72.0
COMMENT_SUBTYPES = frozenset(("Text", "Highlight", "Underline", "StrikeOut", "Squiggly", "Caret"))
"""Annotations of a PDF whose text is shown by viewers when somebody clicks on them, and not on the page."""
NAMES_SHOWN = 3
NAME_MAX_CHARS = 60
DETAIL_MAX_CHARS = 250
REPORTS_MAX = 8
ITEMS_MAX = 1 << 40


class Unread(NamedTuple):
    """How many `items` of a `kind` were not read, and `detail`; see `store.UnreadContent`."""

    kind: str
    items: int
    detail: str = ""


def attachments(names: Sequence[str], more: int = 0, *, looked_at: int | None = None) -> list[Unread]:
    """The report of attached files: those with these names, and `more` after the first ones that were `looked_at`, by
    default as many as there are names; empty without any.

    >>> attachments(["a.zip"], 3, looked_at=500)
    [Unread(kind='attachment', items=4, detail='a.zip, and all after the first 500')]
    """
    if not (names or more):
        return []
    shown = [" ".join(name.split())[:NAME_MAX_CHARS] or "(no name)" for name in names[:NAMES_SHOWN]]
    shown += ["…"] if len(names) > NAMES_SHOWN else []
    if more:
        rest = f"all after the first {len(names) if looked_at is None else looked_at:,}"
        shown.append(f"and {rest}" if shown else rest)
    return [Unread(ATTACHMENT, len(names) + more, ", ".join(shown))]


def merged(reports: Iterable[Unread]) -> tuple[Unread, ...]:
    """Reports with those of one kind as one: an index has one for each kind, of a document as of a page.

    >>> merged([Unread("partial", 0, "the first 8 MB"), Unread("partial", 0, "without a hidden sheet (Data)")])
    (Unread(kind='partial', items=0, detail='the first 8 MB; without a hidden sheet (Data)'),)
    """
    found: dict[str, Unread] = {}
    for each in reports:
        known = found.get(each.kind)
        if known is not None:
            detail = "; ".join(filter(None, (known.detail, each.detail)))
            each = Unread(each.kind, known.items + each.items, detail[:DETAIL_MAX_CHARS])
        found[each.kind] = each
    return tuple(found.values())


def small_print(sizes_pt: Iterable[tuple[float, int]], *, dpi: float, wanted_dpi: float) -> list[Unread]:
    """The report of print that is too small on a page drawn at `dpi`; empty where there is none, or little.

    `sizes_pt` are font sizes in points, each with its number of characters; empty for a page without a text layer.
    """
    small = total = 0
    for size_pt, characters in sizes_pt:
        total += characters
        if 0 < size_pt * dpi / POINTS_PER_INCH < LEGIBLE_PX:
            small += characters
    if small >= max(SMALL_CHARACTERS, SMALL_SHARE * total):
        return [Unread(SMALL_PRINT, small, f"drawn at {dpi:.0f} dpi")]
    if not total and dpi < REDUCED_SHARE * wanted_dpi:
        limit_pt = LEGIBLE_PX * POINTS_PER_INCH / dpi
        return [Unread(SMALL_PRINT, 0, f"drawn at {dpi:.0f} dpi, print below {limit_pt:.0f} pt")]
    return []


def received(value: Any) -> tuple[Unread, ...]:
    """Reports as the child process sent them, checked: a document may have made it send anything. Raises ValueError."""
    if not isinstance(value, list) or len(value) > REPORTS_MAX:
        raise ValueError("unread content that is no short list")
    found = []
    for each in value:
        kind, items, detail = each
        if (
            kind not in KINDS
            or not isinstance(items, int)
            or not 0 <= items <= ITEMS_MAX
            or not isinstance(detail, str)
        ):
            raise ValueError(f"unread content of kind {str(kind)[:20]!r}")
        found.append(Unread(kind, items, detail[:DETAIL_MAX_CHARS]))
    return tuple(found)
