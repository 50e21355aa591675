"""Detections on a page: the words and figures of one or more passes, with their vectors and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...records import F32
from .architecture import DIM, STRIDE_PX
from .features import PassOutput

MIN_SALIENCY = 0.35
"""Probability of a word's centre in a cell from which the word is detected."""


SHORTEST = np.float32(1e-12)


class Detections(NamedTuple):
    """T detections: `vectors` (T, 128) float32 of unit length, `boxes` (T, 4) float32 as x0, y0, x1, y1 in page
    fractions, `heights` (T,) float32 in px of the image that was read, `saliency` (T,) float32 in 0..1. `is_unit` (T,)
    tells what the network of other scripts read: see `scripts`.
    """

    vectors: F32
    boxes: F32
    heights: F32
    saliency: F32
    is_unit: NDArray[np.bool_]

    def select(self, rows: np.ndarray) -> Detections:
        """The detections with the indices `rows` (n,), or those where the mask `rows` (N,) is true."""
        return Detections(*(field[rows] for field in self))


_NONE = np.zeros(0, np.float32)
NO_DETECTIONS = Detections(
    np.zeros((0, DIM), np.float32), np.zeros((0, 4), np.float32), _NONE, _NONE, np.zeros(0, np.bool_)
)


def detect_words(output: PassOutput, page: tuple[int, int], *, is_unit: bool = False) -> Detections:
    """The words of a pass; `page` is width and height in px of the page that it read all or a part of.

    `is_unit` says that the pass was one of the network of other scripts.
    """
    rows, columns = output.cells
    dx, dy, log_w, log_h = output.boxes.T
    x, y = (columns + 0.5 + dx) * STRIDE_PX + output.corner[0], (rows + 0.5 + dy) * STRIDE_PX + output.corner[1]
    w, h = np.exp(log_w) * STRIDE_PX, np.exp(log_h) * STRIDE_PX
    width, height = page
    corners = np.stack([(x - w / 2) / width, (y - h / 2) / height, (x + w / 2) / width, (y + h / 2) / height], axis=1)
    units = np.full(len(h), is_unit)
    return Detections(unit_rows(output.vectors), corners.astype(np.float32), h, output.words[rows, columns], units)


def unit_rows(vectors: F32) -> F32:
    """Vectors (T, 128) scaled to unit length."""
    out: F32 = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), SHORTEST)
    return out


def concatenated(parts: Sequence[Detections]) -> Detections:
    """The detections of several passes."""
    return Detections(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def taller(words: Detections, height: float) -> Detections:
    """Those of some words whose box is taller than `height`, a fraction of the page."""
    return words.select(words.boxes[:, 3] - words.boxes[:, 1] > height)


def bands(boxes: F32, gap: float) -> list[F32]:
    """Boxes (B, 4), page fractions, from top to bottom, split where more than `gap` is empty between them."""
    boxes = boxes[np.argsort(boxes[:, 1], kind="stable")]
    ends = np.maximum.accumulate(boxes[:, 3])
    return np.split(boxes, np.flatnonzero(boxes[1:, 1] - ends[:-1] > gap) + 1)
