"""The vision network run by ONNX Runtime: in 8-bit integers, or in float32.

In integers, all sums of products are exact, so processors with and without instructions for bytes compute the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import UsageError
from ...records import F32, U8
from .. import onnx_session
from ..arithmetic import ARITHMETIC_VARIABLE, FLOAT32, INT8, requested_arithmetic
from .graphs import BOXES, FEATURES, LOGITS, PIXEL_ZERO, ROWS, SQUARES, VECTORS, float_graph, heads_graph, integer_graph
from .weights import PageWeights

ARITHMETICS = (INT8, FLOAT32)
"""What the network can compute in, the faster first."""
SQUARE_PX = 2
"""The first convolution reads squares of 2 x 2 pixels as four channels (space to depth)."""


@dataclass(frozen=True)
class PageNetwork:
    """The vision network in one `arithmetic`, "int8" or "float32". May be shared between threads."""

    arithmetic: str
    _page: onnx_session.Session
    _heads: onnx_session.Session

    @staticmethod
    def of(weights: PageWeights) -> PageNetwork:
        """The network in the requested arithmetic or else in 8-bit integers, if the weights have ranges.

        Raises UsageError if integers are requested and the weights have none.
        """
        arithmetic = choose_arithmetic(has_ranges=weights.has_ranges)
        graph = integer_graph(weights) if arithmetic == INT8 else float_graph(weights)
        return PageNetwork(arithmetic, onnx_session.open_graph(graph), onnx_session.open_graph(heads_graph(weights)))

    def features(self, pixels: U8) -> tuple[F32, F32]:
        """A grey page (H, W), both multiples of 16, to features (H/16, W/16, C) and logits (H/16, W/16, 2).

        The logits are of "the centre of a word" and of "inside a figure".
        """
        features, logits = self._page.run([FEATURES, LOGITS], {SQUARES: space_to_depth(pixels)})
        return features[0], logits[0]

    def heads(self, rows: F32) -> tuple[F32, F32]:
        """Features (T, C) of cells to vectors (T, D), centred but of any length, and boxes (T, 4).

        A box is (dx, dy, log w, log h): the offset of its centre from the cell's, and its size, in cells of 16 px.
        """
        vectors, boxes = self._heads.run([VECTORS, BOXES], {ROWS: rows})
        return vectors, boxes


def choose_arithmetic(*, has_ranges: bool) -> str:
    """The arithmetic of the model; 8-bit integers need the activation ranges of its layers.

    Raises UsageError if the environment requests integers without them.
    """
    requested = requested_arithmetic()
    if requested == INT8 and not has_ranges:
        raise UsageError(
            f"{ARITHMETIC_VARIABLE}={requested}: the weights have no activation ranges, which newer versions measure "
            f"when they export a model; set it to {FLOAT32}, or unset it"
        )
    return INT8 if has_ranges and requested in (None, INT8) else FLOAT32


def space_to_depth(pixels: U8) -> U8:
    """A grey page (H, W) as squares of 2 x 2 pixels, (1, H/2 + 1, W/2 + 1, 4), the first row and column of padding."""
    height, width = pixels.shape
    pairs = np.ascontiguousarray(pixels).view(np.uint16)
    shape = (height // SQUARE_PX + 1, width // SQUARE_PX + 1, SQUARE_PX)
    out = np.empty(shape, np.uint16)
    out[0] = out[:, 0] = PIXEL_ZERO * 0x0101
    for row in range(SQUARE_PX):
        out[1:, 1:, row] = pairs[row::SQUARE_PX]
    return out.view(np.uint8)[None]
