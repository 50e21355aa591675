"""Text layers without words that nobody can see: white on white, or drawn in no colour where no scan shows them.

A word is seen if the page's picture is not of one colour where it stands. The text of a scan lies over its print.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...engine.records import U8

MIN_CONTRAST = 12
"""Least difference, of 255, between the lightest and the darkest pixel of a word that is seen."""
MARGIN_PX = 1
"""Pixels around a word's box that are looked at, too: boxes are rounded, and print may reach beyond them."""
MIN_WIDTH_PX, MIN_HEIGHT_PX = 2.0, 2.0
"""Words that are drawn smaller are taken to be seen: a picture does not tell."""

MAX_BETWEEN = 100
"""Characters between two words, at most: where a line's end cuts a word in two, only the text has the whole word."""

Word = tuple[float, float, float, float, str]
"""The box of a word on the picture, x0, y0, x1, y1 in px, and the word."""


def visible_text(text: str, words: Iterable[Word], pixels: U8) -> str:
    """The `text` of a page, drawn as `pixels` (H, W, 3), without those of its `words`, in order, that are not seen."""
    green = pixels[:, :, 1]
    kept: list[str] = []
    end, at = 0, 0
    for *box, word in words:
        found = text.find(word, at, at + len(word) + MAX_BETWEEN)
        if found < 0:
            continue
        at = found + len(word)
        if not _is_seen(green, *box):
            kept.append(text[end:found])
            end = at
    return "".join([*kept, text[end:]]) if kept else text


def seen_words(words: Iterable[Word], pixels: U8) -> Iterator[Word]:
    """Those of `words`, the same way, that are seen on the page drawn as `pixels` (H, W, 3)."""
    green = pixels[:, :, 1]
    return (word for word in words if _is_seen(green, *word[:4]))


def _is_seen(green: U8, x0: float, y0: float, x1: float, y1: float) -> bool:
    height, width = green.shape
    if x1 - x0 < MIN_WIDTH_PX or y1 - y0 < MIN_HEIGHT_PX:
        return True
    rows = slice(max(0, int(y0) - MARGIN_PX), min(height, int(y1) + 1 + MARGIN_PX))
    columns = slice(max(0, int(x0) - MARGIN_PX), min(width, int(x1) + 1 + MARGIN_PX))
    part = green[rows, columns]
    return part.size == 0 or int(part.max()) - int(part.min()) >= MIN_CONTRAST
