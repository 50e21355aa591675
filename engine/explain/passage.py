"""Where on a page the passage stands that is nearest to a question in meaning: boxes of its lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..records import F32, PageWords

MAX_BETWEEN = 100
"""Characters of the text between two words of the page, at most: words that the text has otherwise are passed over."""
FOUND_SHARE = 0.5
"""Least share of a passage's characters whose words are found on the page; of less, the document has changed."""
SAME_LINE = 0.5
"""Share of the lower of two boxes' heights by which they overlap if they are on one line."""


def line_boxes(text: str, start: int, end: int, words: PageWords) -> F32:
    """The boxes (L, 4) float32 of the lines of a page that print the characters `start` to `end` of its `text`.

    `words` are those of the page, in the order of the text, and boxes are x0, y0, x1, y1 in page fractions as theirs
    are. None where the page does not have these words.
    """
    found: list[int] = []
    characters = at = 0
    for number, word in enumerate(words.texts):
        place = text.find(word, at, at + len(word) + MAX_BETWEEN)
        if place < 0:
            continue
        at = place + len(word)
        if place >= end:
            break
        if at > start:
            found.append(number)
            characters += min(at, end) - max(place, start)
    if characters < FOUND_SHARE * len("".join(text[start:end].split())):
        return np.zeros((0, 4), np.float32)
    return np.array([*_lines(words.boxes[found])], np.float32).reshape(-1, 4)


def _lines(boxes: F32) -> Iterator[F32]:
    """Boxes in the order of reading, those on one line as one."""
    line = None
    for box in boxes:
        if line is not None and _are_on_one_line(line, box):
            line = np.concatenate([np.minimum(line[:2], box[:2]), np.maximum(line[2:], box[2:])])
            continue
        if line is not None:
            yield line
        line = box
    if line is not None:
        yield line


def _are_on_one_line(one: F32, other: F32) -> bool:
    lower = min(one[3] - one[1], other[3] - other[1])
    return bool(min(one[3], other[3]) - max(one[1], other[1]) > SAME_LINE * lower)
