"""Reads words that are rotated by 90°, from sheets of upright copies: in blocks of text, and in single lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from ...records import F32, U8
from . import rotation
from .detections import NO_DETECTIONS, Detections, concatenated, detect_words
from .features import PassOutput
from .regions import Region, paper_shade

PRINT_SALIENCY, PRINT_SIMILARITY = 0.6, 0.79
"""Least mean saliency of the words in a rotated block, and least mean cosine with their visual words, which is 0.65 to
0.78 for letters in another orientation.
"""
LINE_SALIENCY, LINE_LEAD = 0.7, 0.03
"""A single line has too few words for such means: its most salient word must reach LINE_SALIENCY, and the line must be
more similar one way up than the other, by LINE_LEAD.
"""


class Reader(Protocol):
    """What reads an image: `pages.PixelPages`."""

    def run_pass(self, pixels: U8) -> PassOutput:
        """One pass over a grey image (H, W), both multiples of 16."""
        ...

    def word_similarity(self, words: Detections) -> float:
        """The mean cosine of the most salient words with their visual words."""
        ...


def read_rotated(reader: Reader, base: U8, upright: F32, whole: U8) -> Detections:
    """The words rotated by 90° on a grey page (H, W), outside the boxes `upright` (T, 4) of words that are upright.

    Single lines are read from the `whole` page, whose resolution may be higher.
    """
    blocks, lines = rotation.find_regions(base, upright)
    scale = whole.shape[1] / base.shape[1]
    of_lines = read_lines(reader, whole, [rotation.enlarged(line, scale) for line in lines])
    heights = of_lines.heights / np.float32(scale)
    return concatenated([read_blocks(reader, base, blocks), of_lines._replace(heights=heights)])


def read_blocks(reader: Reader, page: U8, regions: Sequence[Region]) -> Detections:
    """The words in blocks of text on a grey page (H, W): those that read upwards, then those that read downwards."""
    parts = [NO_DETECTIONS]
    for upwards in (True, False):
        unread = []
        for region, words in read_strips(reader, page, regions, upwards=upwards):
            similar = is_salient(words) and reader.word_similarity(words) >= PRINT_SIMILARITY
            if similar:
                parts.append(words)
            else:
                unread.append(region)
        regions = unread
    return concatenated(parts)


def read_lines(reader: Reader, page: U8, regions: Sequence[Region]) -> Detections:
    """The words in single lines on a grey page (H, W), each read the way up in which it looks more like words."""
    upwards = dict(read_strips(reader, page, regions, upwards=True))
    # Letters that are upside down look like words too; what looks like none is no print.
    downwards = dict(read_strips(reader, page, [r for r in regions if len(upwards[r].heights)], upwards=False))
    parts = [NO_DETECTIONS]
    for region, words in downwards.items():
        found = (upwards[region], words)
        salient = [each.saliency.max(initial=0) >= LINE_SALIENCY for each in found]
        similarity = [
            reader.word_similarity(each) if is_word else 0.0 for each, is_word in zip(found, salient, strict=True)
        ]
        if abs(similarity[0] - similarity[1]) > LINE_LEAD:
            parts.append(found[int(np.argmax(similarity))])
    return concatenated(parts)


def read_strips(
    reader: Reader, page: U8, regions: Sequence[Region], *, upwards: bool
) -> Iterator[tuple[Region, Detections]]:
    """Yield each region of a grey page (H, W) with its words, read upwards or else downwards."""
    size = np.array(page.shape[::-1] * 2, np.float32)
    for sheet, strips in rotation.upright_sheets(page, regions, paper_shade(page), upwards=upwards):
        on_sheet = detect_words(reader.run_pass(sheet), (1, 1))
        middles = on_sheet.boxes[:, 1::2].mean(axis=1)
        for region, strip in strips:
            words = on_sheet.select((middles >= strip.y) & (middles < strip.y + len(strip.pixels)))
            yield region, words._replace(boxes=strip.on_page(words.boxes) / size)


def is_salient(words: Detections) -> bool:
    """Whether there are words, and they look like words on average."""
    return len(words.heights) > 0 and bool(words.saliency.mean() >= PRINT_SALIENCY)
