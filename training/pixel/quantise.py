"""A trained network as the graphs that the engine runs: in 8-bit integers, or in float32."""

from __future__ import annotations

from ...engine.models.pixel.graphs import float_graph, integer_graph
from ...engine.models.pixel.weights import PageWeights
from .network import PixelNetwork, state_arrays


def quantised_graph(network: PixelNetwork) -> bytes:
    """The network, of any sizes, in 8-bit integers, as a file of the ONNX format; see `graphs.integer_graph`.

    Its `ranges` must have been measured (`activation_ranges.measure`). Raises ValueError if they were not.
    """
    weights = PageWeights.of(state_arrays(network))
    if not weights.has_ranges:
        raise ValueError("the network has no activation ranges; measure them on pages first")
    return integer_graph(weights)


def floating_graph(network: PixelNetwork) -> bytes:
    """The network, of any sizes, in float32, as a file of the ONNX format; see `graphs.float_graph`."""
    return float_graph(PageWeights.of(state_arrays(network)))
