"""Numbers in 8-bit integers: post-training static quantisation of activations to uint8, of weights to int8.

An integer q stands for `(q - zero) * step`; Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2018. Activations have one step a layer, from measured ranges; weights one a row.

Processors without VNNI multiply 255 by 127 twice and keep the sum in 16 bits, where it saturates. Weights are scaled so
that no such sum can: then every processor computes the same numbers, and the fast ones lose less than a bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...records import F32, U8

LEVELS = 255
WEIGHT_MAX = 127
PAIR_MAX = 128
"""Two neighbouring weights, times activations of up to 255, have a sum below 2 ** 15 if their magnitudes add up to no
more than this.
"""
HEADROOM = 1.1
"""Activations of other pages may exceed the measured range by this factor without being clipped."""
TINY = 1e-6


class Scale(NamedTuple):
    """Affine quantisation of a layer: an integer q from 0 to 255 stands for `(q - zero) * step`."""

    step: float
    zero: int

    @staticmethod
    def over(lowest: float, highest: float) -> Scale:
        """The scale for values from `lowest`, at most 0, to `highest`."""
        step = float(np.float32(max(highest - lowest, TINY) / LEVELS))
        return Scale(step, round(-lowest / step))

    def quantize(self, values: F32) -> U8:
        """Values as uint8, in the same shape."""
        return (values * np.float32(1 / self.step) + np.float32(self.zero + 0.5)).clip(0, LEVELS).astype(np.uint8)


def scales_for(ranges: np.ndarray) -> list[Scale]:
    """The scales of layers whose values lie in `ranges` (L, 2), each extended by HEADROOM."""
    return [Scale.over(lowest, highest) for lowest, highest in (ranges * HEADROOM).tolist()]


def quantize_weights(weight: np.ndarray) -> tuple[NDArray[np.int8], F32]:
    """Weights (O, K) as int8 and the step (O,) float32 of each row.

    Neighbours in K, from the first on, are those whose products a processor may add in 16 bits.
    """
    magnitude = np.abs(weight)
    pairs = np.pad(magnitude, ((0, 0), (0, weight.shape[1] % 2))).reshape(len(weight), -1, 2).sum(axis=2)
    # Rounding adds up to one half to each of a pair.
    steps = np.maximum(magnitude.max(axis=1) / WEIGHT_MAX, pairs.max(axis=1) / (PAIR_MAX - 1))
    steps = np.maximum(steps, TINY).astype(np.float32)
    return np.rint(weight / steps[:, None]).astype(np.int8), steps
