"""What a pass over a page finds: words and figures with their vectors and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...records import F32
from .features import Pass
from .network import DIM, STRIDE_PX

SALIENT = 0.35


class Found(NamedTuple):
    """What was found in one pass: `vectors` (T, 128) float32 of unit length, `boxes` (T, 4) float32 as x0, y0, x1, y1
    in page fractions, `heights` (T,) float32 px, `saliency` (T,) float32 in 0..1.
    """

    vectors: F32
    boxes: F32
    heights: F32
    saliency: F32

    @staticmethod
    def of(*fields: Tensor) -> Found:
        return Found(*(field.cpu().numpy().astype(np.float32) for field in fields))

    def only(self, keep: np.ndarray) -> Found:
        return Found(*(field[keep] for field in self))


NOTHING = Found(*(np.zeros((0, *rest), np.float32) for rest in ((DIM,), (4,), (), ())))


def found_in(seen: Pass, page: tuple[int, int]) -> Found:
    """The words that a pass finds, their boxes as fractions of the `page`, whose width and height in px it is of."""
    rows, columns = (seen.words > SALIENT).nonzero(as_tuple=True)
    dx, dy, log_w, log_h = seen.boxes[0, :, rows, columns].float()
    x, y = (columns + 0.5 + dx) * STRIDE_PX + seen.corner[0], (rows + 0.5 + dy) * STRIDE_PX + seen.corner[1]
    w, h = torch.exp(log_w) * STRIDE_PX, torch.exp(log_h) * STRIDE_PX
    width, height = page
    corners = torch.stack([(x - w / 2) / width, (y - h / 2) / height, (x + w / 2) / width, (y + h / 2) / height], 1)
    return Found.of(unit(seen.vectors[0, :, rows, columns]), corners, h, seen.words[rows, columns])


def unit(vectors: Tensor) -> Tensor:
    """Columns (128, T) as rows (T, 128) of unit length."""
    return functional.normalize(vectors.float().T.reshape(-1, DIM), dim=1)


def joined(parts: Sequence[Found]) -> Found:
    """The cells of several passes."""
    return Found(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def bands(boxes: F32, gap: float) -> list[F32]:
    """Boxes (B, 4), page fractions, from top to bottom, parted where more than `gap` lies between them."""
    boxes = boxes[np.argsort(boxes[:, 1], kind="stable")]
    ends = np.maximum.accumulate(boxes[:, 3])
    return np.split(boxes, np.flatnonzero(boxes[1:, 1] - ends[:-1] > gap) + 1)
