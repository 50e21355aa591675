"""Words whose letters are spaced out, as in titles: single letters in a row are read again, moved together.

The network reads letters that are far apart as words of one letter. A row of them is copied with its gaps closed, and
the copy is read; the boxes of its words are those of the letters on the page.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from ...records import F32, I64, U8
from .architecture import STRIDE_PX
from .detections import NO_DETECTIONS, Detections, concatenated, detect_words
from .regions import INK_CONTRAST, paper_shade
from .rotated_words import Reader

LETTER_WIDTH = 1.0
"""Width of the box of a single letter, at most, as a multiple of its height."""
LETTERS_MIN = 4
"""Letters in a row, at least; the ends of the row may have more, which were not detected."""
LINE_OFFSET, NEXT_DISTANCE = 0.35, 3.0
"""How far the middles of neighbouring letters may be apart, down and across, as a multiple of their height."""
LETTER_HEIGHT_MAX = 60.0
"""Height of a letter, at most, in px; larger ones are read in the coarse pass."""
CLOSED_GAP, WORD_GAP = 0.12, 0.4
"""Width of a closed gap between letters and between words, as a multiple of the height of a letter."""
WORD_GAP_RATIO = 1.8
"""A gap of more than this many times the median gap is one between words."""
READ_HEIGHT = 24.0
"""Height of a letter's box to which a row is reduced: capitals of words that are larger and bold are read badly."""
ROWS_MAX = 12
"""Rows of a page that are read, at most."""


class Row(NamedTuple):
    """A row of single letters on a page, x0, y0, x1, y1 in px, and their height."""

    box: tuple[int, int, int, int]
    height: float


class ClosedRow(NamedTuple):
    """A row with its gaps closed: its `pixels` (h, w), and the column of the page (w,) from which each column is."""

    pixels: U8
    columns: I64

    def scaled(self, scale: float) -> ClosedRow:
        """The row at `scale`, of 1 at most."""
        height, width = (max(1, round(side * scale)) for side in self.pixels.shape)
        small = Image.fromarray(self.pixels).resize((width, height), Image.Resampling.BILINEAR)
        places = ((np.arange(width) + 0.5) * len(self.columns) / width).astype(np.int64)
        return ClosedRow(np.asarray(small), self.columns[places])


def read_spaced(reader: Reader, page: U8, words: Detections) -> Detections:
    """The words made of single letters on a grey page (H, W), given all its `words`."""
    height, width = page.shape
    rows = letter_rows(words.boxes * np.array([width, height] * 2, np.float32), words.heights, width, height)
    if not rows:
        return NO_DETECTIONS
    paper = paper_shade(page)
    scales = [min(1.0, READ_HEIGHT / row.height) for row in rows]
    closed = [close_gaps(page, row, paper).scaled(scale) for row, scale in zip(rows, scales, strict=True)]
    tops = np.cumsum([STRIDE_PX] + [len(each.pixels) + STRIDE_PX for each in closed])
    sides = (int(tops[-1]), max(each.pixels.shape[1] for each in closed) + 2 * STRIDE_PX)
    sheet = np.full([-(-side // STRIDE_PX) * STRIDE_PX for side in sides], paper, np.uint8)
    for top, each in zip(tops[:-1], closed, strict=True):
        sheet[top : top + len(each.pixels), STRIDE_PX : STRIDE_PX + each.pixels.shape[1]] = each.pixels
    found = detect_words(reader.run_pass(sheet), (1, 1))
    middles, parts = found.boxes[:, 1::2].mean(axis=1), [NO_DETECTIONS]
    for top, row, each, scale in zip(tops[:-1], rows, closed, scales, strict=True):
        inside = found.select((middles >= top) & (middles < top + len(each.pixels)))
        ends = np.rint(inside.boxes[:, 0::2] - STRIDE_PX).astype(np.int64).clip(0, len(each.columns) - 1)
        x0, x1 = each.columns[ends].T
        y0, y1 = (inside.boxes[:, 1::2].T - top) / scale + row.box[1]
        boxes = np.stack([x0 / width, y0 / height, x1 / width, y1 / height], axis=1).astype(np.float32)
        is_word = x1 - x0 > NEXT_DISTANCE * row.height
        parts.append(inside._replace(boxes=boxes).select(is_word))
    return concatenated(parts)


def letter_rows(boxes: F32, heights: F32, width: int, height: int) -> list[Row]:
    """The rows of single letters among words with `boxes` (T, 4) and `heights` (T,), in px of a page of a size."""
    x, y = boxes[:, 0::2].mean(axis=1), boxes[:, 1::2].mean(axis=1)
    is_letter = (boxes[:, 2] - boxes[:, 0] <= LETTER_WIDTH * heights) & (heights <= LETTER_HEIGHT_MAX)
    letters = np.flatnonzero(is_letter)
    if len(letters) < LETTERS_MIN:
        return []
    following = np.full(len(boxes), -1)
    across, down = x[letters] - x[letters, None], np.abs(y[letters] - y[letters, None])
    near = (across > 0) & (across <= NEXT_DISTANCE * heights[letters, None])
    near &= down <= LINE_OFFSET * heights[letters, None]
    followed = letters[near.any(axis=1)]
    if len(followed) < LETTERS_MIN - 1:
        return []
    for i in followed:
        ahead = np.flatnonzero((x > x[i]) & (np.abs(y - y[i]) <= LINE_OFFSET * heights[i]))
        if len(ahead):
            nearest = ahead[np.argmin(x[ahead])]
            if is_letter[nearest] and x[nearest] - x[i] <= NEXT_DISTANCE * heights[i]:
                following[i] = nearest
    rows, is_first = [], is_letter.copy()
    is_first[following[following >= 0]] = False
    for first in np.flatnonzero(is_first):
        chain = [int(first)]
        while following[chain[-1]] >= 0:
            chain.append(int(following[chain[-1]]))
        if len(chain) >= LETTERS_MIN:
            size = float(np.median(heights[chain]))
            pitch = float(np.median(np.diff(x[chain])))
            on_line = np.abs(y - y[chain].mean()) <= size
            before = boxes[on_line & (x < x[chain[0]]), 2]
            after = boxes[on_line & (x > x[chain[-1]]), 0]
            left = max(float(boxes[chain, 0].min()) - pitch, before.max(initial=0.0))
            right = min(float(boxes[chain, 2].max()) + pitch, after.min(initial=float(width)))
            top, bottom = max(float(boxes[chain, 1].min()), 0.0), min(float(boxes[chain, 3].max()), float(height))
            if right - left >= size and bottom - top >= 1:
                rows.append(Row((int(left), int(top), int(right), int(np.ceil(bottom))), size))
    rows.sort(key=lambda row: (row.box[0] - row.box[2], row.box))
    return rows[:ROWS_MAX]


def close_gaps(page: U8, row: Row, paper: int) -> ClosedRow:
    """A row of letters on a grey page (H, W) with its gaps closed; gaps between words stay wider."""
    x0, y0, x1, y1 = row.box
    strip = page[y0:y1, x0:x1]
    has_ink = (np.abs(strip.astype(np.int16) - paper) > INK_CONTRAST).any(axis=0)
    starts = np.flatnonzero(np.diff(has_ink.astype(np.int8), prepend=0) == 1)
    ends = np.flatnonzero(np.diff(has_ink.astype(np.int8), append=0) == -1) + 1
    gaps = starts[1:] - ends[:-1]
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    letter, word = (max(1, round(share * row.height)) for share in (CLOSED_GAP, WORD_GAP))
    columns: list[int] = []
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if i:
            wanted = word if gaps[i - 1] > WORD_GAP_RATIO * usual else letter
            columns.extend(range(ends[i - 1], min(int(ends[i - 1]) + wanted, start)))
        columns.extend(range(start, end))
    kept = np.array(columns, np.int64)
    return ClosedRow(strip[:, kept], kept + x0)
