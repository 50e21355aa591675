"""The graphs that the engine makes of exported weights compute what the trained network does, whatever its sizes."""

from __future__ import annotations

import numpy as np
import torch

from docsearch.engine.models.onnx_session import open_graph
from docsearch.engine.models.pixel.graphs import FEATURES, LOGITS, SQUARES, float_graph, integer_graph
from docsearch.engine.models.pixel.inference import space_to_depth
from docsearch.engine.models.pixel.weights import PageWeights
from docsearch.training.pixel import activation_ranges
from docsearch.training.pixel.network import PixelNetwork, as_input, state_arrays


def tiny_network() -> PixelNetwork:
    torch.manual_seed(3)
    network = PixelNetwork((8, 12, 16, 24), blocks=2, dim=8)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_var is not None
            module.running_var.uniform_(0.05, 0.2)
    return network.eval()


def test_a_random_tiny_network_has_the_same_outputs_as_a_graph() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (96, 160)).astype(np.uint8)
    network = tiny_network()
    with torch.inference_mode():
        expected = network.features(as_input(pixels, torch.device("cpu")))
        logits = torch.cat([network.saliency(expected), network.figure(expected)], dim=1)
    wanted, wanted_logits = (each[0].permute(1, 2, 0).numpy() for each in (expected, logits))
    network.ranges.copy_(activation_ranges.measure(tiny_network(), [np.stack([pixels] * 3, axis=2)]))
    weights = PageWeights.of(state_arrays(network))
    for graph, tolerance in ((float_graph(weights), 0.01), (integer_graph(weights), 0.15)):
        features, found_logits = open_graph(graph).run([FEATURES, LOGITS], {SQUARES: space_to_depth(pixels)})
        assert features.shape == (1, 6, 10, 24)
        for found, exact in ((features[0], wanted), (found_logits[0], wanted_logits)):
            assert np.sqrt(np.mean((found - exact) ** 2)) < tolerance * exact.std()
