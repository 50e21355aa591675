"""Detections on a page: the words and figures of one or more passes, with their vectors and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...records import F32
from .features import PassOutput
from .network import DIM, STRIDE_PX

MIN_SALIENCY = 0.35
"""Probability of a word's centre in a cell from which the word is detected."""


class Detections(NamedTuple):
    """T detections: `vectors` (T, 128) float32 of unit length, `boxes` (T, 4) float32 as x0, y0, x1, y1 in page
    fractions, `heights` (T,) float32 in px of the image that was read, `saliency` (T,) float32 in 0..1.
    """

    vectors: F32
    boxes: F32
    heights: F32
    saliency: F32

    @staticmethod
    def from_tensors(*fields: Tensor) -> Detections:
        return Detections(*(field.cpu().numpy().astype(np.float32) for field in fields))

    def select(self, rows: np.ndarray) -> Detections:
        """The detections with these indices, or where this mask is true."""
        return Detections(*(field[rows] for field in self))


NO_DETECTIONS = Detections(*(np.zeros((0, *rest), np.float32) for rest in ((DIM,), (4,), (), ())))


def detect_words(output: PassOutput, page: tuple[int, int]) -> Detections:
    """The words of a pass; `page` is width and height in px of the page that it read all or a part of."""
    rows, columns = (output.words > MIN_SALIENCY).nonzero(as_tuple=True)
    dx, dy, log_w, log_h = output.boxes[0, :, rows, columns].float()
    x, y = (columns + 0.5 + dx) * STRIDE_PX + output.corner[0], (rows + 0.5 + dy) * STRIDE_PX + output.corner[1]
    w, h = torch.exp(log_w) * STRIDE_PX, torch.exp(log_h) * STRIDE_PX
    width, height = page
    corners = torch.stack([(x - w / 2) / width, (y - h / 2) / height, (x + w / 2) / width, (y + h / 2) / height], 1)
    vectors = unit_rows(output.vectors[0, :, rows, columns])
    return Detections.from_tensors(vectors, corners, h, output.words[rows, columns])


def unit_rows(vectors: Tensor) -> Tensor:
    """Columns (128, T) as rows (T, 128) of unit length."""
    return functional.normalize(vectors.float().T.reshape(-1, DIM), dim=1)


def concatenated(parts: Sequence[Detections]) -> Detections:
    """The detections of several passes."""
    return Detections(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def bands(boxes: F32, gap: float) -> list[F32]:
    """Boxes (B, 4), page fractions, from top to bottom, split where more than `gap` is empty between them."""
    boxes = boxes[np.argsort(boxes[:, 1], kind="stable")]
    ends = np.maximum.accumulate(boxes[:, 3])
    return np.split(boxes, np.flatnonzero(boxes[1:, 1] - ends[:-1] > gap) + 1)
