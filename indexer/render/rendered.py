"""What a render process tells of a document that it opened, and of a page that it drew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.records import U8, Lines, PageWords


@dataclass(frozen=True, slots=True)
class Opened:
    """An open document: its number of pages, and what its file says of itself, by names of `properties.NAMES`."""

    page_count: int
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page as `pixels` (H, W, 3) uint8 at `dpi`, its text layer, and `size_pt`, its width and height in points.

    `label` is its number as the document has it, "" where that is its own, `lines` what it shows of a text file, and
    `headings` has its headings, a line each.
    """

    pixels: U8
    dpi: float
    text: str
    size_pt: tuple[float, float]
    label: str = ""
    lines: Lines | None = None
    headings: str = ""


def page_words(found: list[list[Any]]) -> PageWords:
    """Words, each as [x0, y0, x1, y1, word], as a render process sent them: a document may have made it send anything.

    Raises IndexError, TypeError or ValueError.
    """
    boxes = np.array([word[:4] for word in found], np.float32).reshape(-1, 4)
    if not np.isfinite(boxes).all():
        raise ValueError("boxes that are no numbers")
    return PageWords(tuple("".join(str(word[4]).split()) for word in found), boxes.clip(0, 1))
