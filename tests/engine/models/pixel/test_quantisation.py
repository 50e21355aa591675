"""Weights in 8-bit integers whose products no processor adds up to more than 16 bits hold."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.models.onnx_graph import Graph
from docsearch.engine.models.onnx_session import open_graph
from docsearch.engine.models.pixel.graphs import integer_conv
from docsearch.engine.models.pixel.quantisation import LEVELS, PAIR_MAX, Scale, quantize_weights
from docsearch.engine.models.pixel.weights import Conv

INT16_MAX = 32767


@pytest.mark.parametrize("columns", [1, 2, 9, 64, 432])
def test_two_neighbouring_products_fit_16_bits(columns: int) -> None:
    rng = np.random.default_rng(columns)
    kinds = [rng.normal(size=(50, columns)), rng.choice([1.0, -1.0], (50, columns)), np.zeros((2, columns))]
    for weight in kinds:
        integers, steps = quantize_weights(weight)
        assert (integers.dtype, steps.dtype) == (np.int8, np.float32)
        magnitude = np.abs(np.pad(integers.astype(int), ((0, 0), (0, columns % 2))))
        assert (magnitude[:, ::2] + magnitude[:, 1::2]).max() <= PAIR_MAX
        assert PAIR_MAX * LEVELS <= INT16_MAX
        np.testing.assert_allclose(integers * steps[:, None], weight, atol=steps.max() * 0.51)


def test_a_scale_holds_its_ends_and_zero() -> None:
    scale = Scale.over(-1.0, 3.0)
    values = np.array([-9, -1, 0, 3, 9], np.float32)
    integers = scale.quantize(values)
    assert integers.tolist() == [0, 0, scale.zero, LEVELS, LEVELS]
    back = (integers.astype(np.float32) - scale.zero) * scale.step
    np.testing.assert_allclose(back, values.clip(-1, 3), atol=scale.step)
    assert Scale.over(0.0, 2.0).zero == 0, "integers below a ReLU's zero are clipped"


@pytest.mark.parametrize(
    ("outputs", "inputs", "side", "groups"), [(32, 4, 2, 1), (48, 32, 3, 1), (64, 192, 1, 1), (16, 1, 3, 16)]
)
def test_convolutions_of_the_largest_numbers_are_exact(outputs: int, inputs: int, side: int, groups: int) -> None:
    """On a processor without VNNI, too: sums of two products saturate there if they exceed 16 bits."""
    rng = np.random.default_rng(side)
    channels = inputs * groups
    weight = rng.choice([1.0, -1.0, 0.5], (outputs, inputs, side, side))
    weight[0], weight[1] = 1.0, -1.0
    pixels = np.full((1, 8, 9, channels), LEVELS, np.uint8)
    largest = float(LEVELS * inputs * side * side)
    before, after = Scale(1.0, 0), Scale.over(-largest, largest)
    graph = Graph()
    graph.input("x", "uint8", (1, "h", "w", channels))
    conv = Conv(weight, np.zeros(outputs))
    graph.output(integer_conv(graph, "x", conv, before, after, pads=(0, 0, 0, 0)), "uint8", (1, "a", "b", outputs))
    (found,) = open_graph(graph.serialize()).run(None, {"x": pixels})
    integers, steps = quantize_weights(weight.transpose(0, 2, 3, 1).reshape(outputs, -1))
    sums = integers.astype(np.int64).sum(axis=1) * LEVELS * steps.astype(np.float64)
    expected = np.rint(sums / after.step) + after.zero
    assert found.shape == (1, 9 - side, 10 - side, outputs)
    np.testing.assert_allclose(found, np.broadcast_to(expected.clip(0, LEVELS), found.shape), atol=1)
