"""Graphs written here are read by ONNX Runtime as they were meant."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.models import onnx_graph
from docsearch.engine.models.onnx_graph import Graph
from docsearch.engine.models.onnx_session import open_graph


def test_nodes_constants_and_outputs_are_found_by_their_names() -> None:
    graph = Graph()
    x = graph.input("x", "float32", ("n", 3))
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    product = graph.node("MatMul", [x, graph.constant(matrix)])
    graph.node("Add", [product, graph.constant(np.float32(-1.5))], output="sum")
    graph.output(product, "float32", ("n", 2))
    graph.output("sum", "float32", ("n", 2))
    session = open_graph(graph.serialize())
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    first, second = session.run(None, {"x": rows})
    np.testing.assert_allclose(first, rows @ matrix, rtol=1e-5)
    np.testing.assert_allclose(second, rows @ matrix - 1.5, rtol=1e-5)
    (alone,) = session.run(["sum"], {"x": rows[:0]})
    assert alone.shape == (0, 2)


def test_attributes_are_integers_floats_and_lists() -> None:
    graph = Graph()
    x = graph.input("x", "float32", (1, 4))
    leaky = graph.node("LeakyRelu", [x], {"alpha": 0.25})
    softmax = graph.node("Softmax", [leaky], {"axis": -1})
    graph.node("Transpose", [softmax], {"perm": (1, 0)}, output="y")
    graph.output("y", "float32", (4, 1))
    values = np.array([[-2.0, 0.0, 1.0, 3.0]], np.float32)
    (found,) = open_graph(graph.serialize()).run(None, {"x": values})
    powers = np.exp(np.where(values < 0, values / 4, values))
    np.testing.assert_allclose(found, (powers / powers.sum()).T, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8, np.int32, np.int64])
def test_constants_of_every_type_keep_their_values(dtype: type[np.generic]) -> None:
    values = np.array([[1, 2, 3], [4, 5, 100]], dtype)[:, ::-1]  # not contiguous
    graph = Graph()
    graph.node("Identity", [graph.constant(values)], output="y")
    graph.output("y", np.dtype(dtype).name, (2, 3))
    (found,) = open_graph(graph.serialize()).run(None, {})
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02"), (-1, b"\xff" * 9 + b"\x01")],
)
def test_integers_are_in_groups_of_seven_bits(value: int, encoded: bytes) -> None:
    assert onnx_graph.varint(value) == encoded
