"""The vision network's sizes. It has for each cell of 16 x 16 px a vector, logits of a word and a figure, and a box.

A stem of 3 x 3 convolutions down to stride 16, then blocks of a wide depthwise convolution, which gathers a whole word
at its centre, and a pointwise MLP. `training.pixel.network` is the network that is trained, with batch normalisation
throughout; `weights` reads it without.
"""

from __future__ import annotations

STRIDE_PX = 16
"""Side of a cell, in pixels of the image that the network is given."""
DIM = 128
STEM = (32, 48, 96, 192)
"""Channels of the stem at strides 2, 4, 8 and 16; the last also of the blocks and of the features."""
BLOCKS = 5
WIDE_KERNEL = (3, 9)
MLP_RATIO = 3
BOX_FIELDS = 4
BATCH_NORM_EPS = 1e-5
STEM_RANGES, BLOCK_RANGES = 6, 3
"""Activations with a measured range, for 8-bit inference. In the stem: the outputs of the first four convolutions, of
the first one in the residual, and of the residual. In each block: its input, and the outputs of `gather` and `widen`.
"""
