"""The vision network as graphs for ONNX Runtime, in 8-bit integers and in float32, made from its weights.

In integers, activations are uint8 and channels come last; the skip connections of blocks stay in float32. A ReLU needs
no operator: the integer 0 stands for the value 0 there, and lower ones are clipped.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..onnx_graph import CONTRIB, TYPES, Attribute, Graph
from .architecture import BLOCK_RANGES, STEM_RANGES
from .quantisation import LEVELS, Scale, quantize_weights, scales_for
from .weights import Conv, PageWeights, over_squares

PIXEL_STEP, PIXEL_MIDDLE, PIXEL_ZERO = 1 / 127.5, 127.5, 128
"""A pixel p is (p - 127.5) / 127.5 to the network, but (p - 128) / 127.5 here; the first bias makes up for the rest."""
PIXEL_SCALE = Scale(PIXEL_STEP, PIXEL_ZERO)
"""The scale of grey pixels."""
SQUARES, FEATURES, LOGITS, ROWS, VECTORS, BOXES = "squares", "features", "logits", "rows", "vectors", "boxes"
"""Names of the inputs and outputs."""
MIN_SIMILARITY = 0.3
"""Lower similarities become this in 8-bit integers; the mean similarity of a patch with its visual word is 0.88."""


def integer_graph(weights: PageWeights) -> bytes:
    """Squares (1, H/2 + 1, W/2 + 1, 4) uint8 to features (1, H/16, W/16, C) and logits (1, H/16, W/16, 2) float32.

    The logits are of "the centre of a word" and of "inside a figure". The weights must have ranges.
    """
    graph = _page_graph()
    *scales, inner_scale, residual_scale = scales_for(weights.ranges[:STEM_RANGES])
    blocks = weights.ranges[STEM_RANGES:].reshape(-1, BLOCK_RANGES, 2)
    first, *others = weights.stem
    x = integer_conv(graph, SQUARES, _over_pixels(first), PIXEL_SCALE, scales[0], pads=(0, 0, 0, 0))
    for conv, (before, after) in zip(others, pairwise(scales), strict=True):
        x = integer_conv(graph, x, conv, before, after)
    # What is added to `x` cannot matter below minus the maximum of that, nor above the maximum of the sum.
    outer_scale = Scale.over(-scales[-1].step * LEVELS, residual_scale.step * LEVELS)
    inner = integer_conv(graph, x, weights.inner, scales[-1], inner_scale)
    outer = integer_conv(graph, inner, weights.outer, inner_scale, outer_scale)
    terms = [outer, *_scale(graph, outer_scale), x, *_scale(graph, scales[-1]), *_scale(graph, residual_scale)]
    x = graph.node("QLinearAdd", terms, domain=CONTRIB)
    quantised, stream = "", ""
    for block, (start, gathered, widened) in zip(weights.blocks, map(scales_for, blocks), strict=True):
        if not stream:
            quantised = integer_conv(graph, x, weights.last, residual_scale, start)
            stream = graph.node("DequantizeLinear", [quantised, *_scale(graph, start)])
        else:
            quantised = graph.node("QuantizeLinear", [stream, *_scale(graph, start)])
        x = integer_conv(graph, quantised, block.gather, start, gathered)
        x = integer_conv(graph, x, block.widen, gathered, widened)
        stream = graph.node("Add", [stream, _integer_product(graph, x, block.narrow, widened)])
    return _finished(graph, weights, stream)


def float_graph(weights: PageWeights) -> bytes:
    """The same in float32."""
    graph = _page_graph()
    first, *others = weights.stem
    pixels = graph.node("Cast", [SQUARES], {"to": TYPES["float32"]})
    x = graph.node("Transpose", [pixels], {"perm": (0, 3, 1, 2)})
    bytes_in = _over_pixels(first)
    shift = bytes_in.weight.sum(axis=(1, 2, 3)) * PIXEL_ZERO * PIXEL_STEP
    of_bytes = Conv(bytes_in.weight * PIXEL_STEP, bytes_in.bias - shift)
    x = graph.node("Relu", [_float_conv(graph, x, of_bytes, pads=(0, 0, 0, 0))])
    for conv in others:
        x = graph.node("Relu", [_float_conv(graph, x, conv)])
    inner = graph.node("Relu", [_float_conv(graph, x, weights.inner)])
    x = graph.node("Relu", [graph.node("Add", [_float_conv(graph, inner, weights.outer), x])])
    x = graph.node("Relu", [_float_conv(graph, x, weights.last)])
    for block in weights.blocks:
        wide = graph.node("Relu", [_float_conv(graph, _float_conv(graph, x, block.gather), block.widen)])
        x = graph.node("Add", [x, _float_conv(graph, wide, block.narrow)])
    return _finished(graph, weights, graph.node("Transpose", [x], {"perm": (0, 2, 3, 1)}))


def heads_graph(weights: PageWeights) -> bytes:
    """Rows of features (T, C) float32 to vectors (T, D), centred but of any length, and boxes (T, 4).

    A box is (dx, dy, log w, log h): the offset of its centre from the cell's, and its size, in cells of 16 px.
    """
    graph = Graph()
    channels = weights.embed.weight.shape[1]
    graph.input(ROWS, "float32", ("T", channels))
    for name, head in ((VECTORS, weights.embed), (BOXES, weights.box)):
        out = graph.node("Identity", [_product(graph, ROWS, head)], output=name)
        graph.output(out, "float32", ("T", len(head.weight)))
    return graph.serialize()


def similarity_graph(centroids: np.ndarray, scale: Scale) -> bytes:
    """Vectors (1, 1, T, D) uint8 of `scale` to similarities (1, 1, T, V) uint8 with centroids (V, D) of unit length.

    They range from 0 for MIN_SIMILARITY to 255 for 1.
    """
    words, dim = centroids.shape
    graph = Graph()
    graph.input(ROWS, "uint8", (1, 1, "T", dim))
    weight = centroids.astype(np.float64)[:, :, None, None]
    product = Conv(weight, np.full(words, -MIN_SIMILARITY))
    similar = integer_conv(graph, ROWS, product, scale, Scale((1 - MIN_SIMILARITY) / LEVELS, 0))
    graph.output(similar, "uint8", (1, 1, "T", words))
    return graph.serialize()


def _page_graph() -> Graph:
    graph = Graph()
    graph.input(SQUARES, "uint8", (1, "rows", "columns", 4))
    return graph


def _finished(graph: Graph, weights: PageWeights, stream: str) -> bytes:
    """The graph with the features `stream` and the logits as outputs."""
    word, figure = weights.saliency, weights.figure
    both = Conv(np.concatenate([word.weight, figure.weight]), np.concatenate([word.bias, figure.bias]))
    cells = (1, "h", "w")
    logits = graph.node("Identity", [_product(graph, stream, both)], output=LOGITS)
    features = graph.node("Identity", [stream], output=FEATURES)
    graph.output(features, "float32", (*cells, both.weight.shape[1]))
    graph.output(logits, "float32", (*cells, 2))
    return graph.serialize()


def _over_pixels(first: Conv) -> Conv:
    """The first convolution over squares of pixels, with the zero point 128 instead of 127.5."""
    conv = over_squares(first)
    return conv._replace(bias=conv.bias + conv.weight.sum(axis=(1, 2, 3)) * (PIXEL_ZERO - PIXEL_MIDDLE) * PIXEL_STEP)


def _scale(graph: Graph, scale: Scale) -> tuple[str, str]:
    return graph.constant(np.float32(scale.step)), graph.constant(np.uint8(scale.zero))


def integer_conv(
    graph: Graph, x: str, conv: Conv, scale: Scale, output: Scale, pads: tuple[int, ...] | None = None
) -> str:
    """A convolution of uint8 (1, h, w, C) with the scale `scale` to uint8 with the scale `output`."""
    channels_last = conv.weight.transpose(0, 2, 3, 1)
    integers, steps = quantize_weights(channels_last.reshape(len(channels_last), -1))
    weight = np.ascontiguousarray(integers.reshape(channels_last.shape).transpose(0, 3, 1, 2))
    bias = np.rint(conv.bias / (steps.astype(np.float64) * scale.step)).astype(np.int32)
    constants = [graph.constant(each) for each in (weight, steps, np.zeros(len(steps), np.int8))]
    inputs = [x, *_scale(graph, scale), *constants, *_scale(graph, output), graph.constant(bias)]
    return graph.node("QLinearConv", inputs, {**_geometry(conv, pads), "channels_last": 1}, domain=CONTRIB)


def _integer_product(graph: Graph, x: str, conv: Conv, scale: Scale) -> str:
    """A pointwise convolution of uint8 (1, h, w, C) to float32, as a product of matrices."""
    integers, steps = quantize_weights(conv.weight[:, :, 0, 0])
    step, zero = _scale(graph, scale)
    weight, weight_steps = graph.constant(integers.T), graph.constant(steps)
    weight_zeros, bias = graph.constant(np.zeros(len(steps), np.int8)), graph.constant(conv.bias.astype(np.float32))
    inputs = [x, weight, step, weight_steps, zero, weight_zeros, bias]
    return graph.node("MatMulIntegerToFloat", inputs, domain=CONTRIB)


def _float_conv(graph: Graph, x: str, conv: Conv, pads: tuple[int, ...] | None = None) -> str:
    """A convolution of float32 (1, C, h, w)."""
    constants = [graph.constant(each.astype(np.float32)) for each in (conv.weight, conv.bias)]
    return graph.node("Conv", [x, *constants], _geometry(conv, pads))


def _product(graph: Graph, x: str, conv: Conv) -> str:
    """A pointwise convolution, channels last, in float32."""
    product = graph.node("MatMul", [x, graph.constant(conv.weight[:, :, 0, 0].T.astype(np.float32))])
    return graph.node("Add", [product, graph.constant(conv.bias.astype(np.float32))])


def _geometry(conv: Conv, pads: tuple[int, ...] | None) -> dict[str, Attribute]:
    height, width = conv.weight.shape[2:]
    around = (height // 2, width // 2) * 2 if pads is None else pads
    group = len(conv.weight) if conv.is_depthwise else 1
    return {
        "kernel_shape": (height, width),
        "strides": (conv.stride, conv.stride),
        "pads": around,
        "dilations": (1, 1),
        "group": group,
    }
