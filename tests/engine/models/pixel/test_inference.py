"""The network run by ONNX Runtime has the outputs of the trained one, in integers nearly, in float32 exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.errors import UsageError
from docsearch.engine.models.arithmetic import ARITHMETIC_VARIABLE, BFLOAT16, FLOAT32, INT8
from docsearch.engine.models.pixel.concept_detections import sigmoid
from docsearch.engine.models.pixel.detections import MIN_SALIENCY, unit_rows
from docsearch.engine.models.pixel.inference import PageNetwork, choose_arithmetic
from docsearch.engine.models.pixel.weights import PageWeights
from docsearch.engine.records import F32, U8
from docsearch.training.pixel import activation_ranges
from docsearch.training.pixel.network import PixelNetwork, as_input, load_network, state_arrays

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ARITHMETIC_VARIABLE, raising=False)


def printed(height: int = 256, width: int = 512) -> U8:
    """A grey page (H, W) with words."""
    image = Image.new("L", (width, height), "white")
    for i, line in enumerate(["Harbour dues rose in 2023", "Revenue 1,577.5 million"]):
        ImageDraw.Draw(image).text((30, 40 + 70 * i), line, fill="black", font=ImageFont.load_default(28))
    return np.array(image)


def random_network(seed: int = 0) -> PixelNetwork:
    """A random network, scaled so that its activations do not vanish."""
    torch.manual_seed(seed)
    network = PixelNetwork()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.05, 0.2)
    return network.eval()


def trained_outputs(network: PixelNetwork, pixels: U8) -> tuple[F32, F32, F32, F32]:
    """Features (h, w, C), vectors (h * w, D), logits (h, w, 2) and boxes (h * w, 4) by torch."""
    with torch.inference_mode():
        features = network.features(as_input(pixels, CPU))
        vectors, words, figures, boxes = network.heads(features)
        centred = network.centre(vectors.flatten(2)[0].T)
        logits = torch.stack([words[0], figures[0]], dim=2)
        rows = boxes.flatten(2)[0].T
        return features[0].permute(1, 2, 0).numpy(), centred.numpy(), logits.numpy(), rows.numpy()


@pytest.mark.parametrize("shape", [(256, 512), (16, 16), (48, 1600)])
def test_float32_has_the_outputs_of_the_trained_network(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ARITHMETIC_VARIABLE, FLOAT32)
    pixels = printed(*shape)
    for trained in (load_network().eval(), random_network()):
        network = PageNetwork.of(PageWeights.of(state_arrays(trained)))
        assert network.arithmetic == FLOAT32
        expected, vectors, logits, boxes = trained_outputs(trained, pixels)
        features, found_logits = network.features(pixels)
        # The padding of a page is a grey of 128 instead of 127.5.
        scale = np.abs(expected).max()
        np.testing.assert_allclose(features, expected, atol=0.01 * scale)
        np.testing.assert_allclose(found_logits, logits, atol=0.02 * np.abs(logits).max())
        found_vectors, found_boxes = network.heads(expected.reshape(-1, expected.shape[2]))
        np.testing.assert_allclose(found_vectors, vectors, atol=1e-3 * np.abs(vectors).max())
        np.testing.assert_allclose(found_boxes, boxes, atol=1e-3 * np.abs(boxes).max())


@pytest.mark.parametrize("shape", [(256, 512), (16, 16), (48, 1600)])
def test_integers_spot_the_words_that_the_trained_network_spots(shape: tuple[int, int]) -> None:
    pixels = printed(*shape)
    expected, vectors, logits, _ = trained_outputs(load_network().eval(), pixels)
    network = PageNetwork.of(PageWeights.load())
    assert network.arithmetic == INT8
    features, found_logits = network.features(pixels)
    assert (features.shape, features.dtype) == (expected.shape, np.float32)
    np.testing.assert_allclose(sigmoid(found_logits[..., 0]), sigmoid(logits[..., 0]), atol=0.1)
    salient = sigmoid(logits[..., 0]) > MIN_SALIENCY
    found = network.heads(features[salient])[0]
    cosines = (unit_rows(found) * unit_rows(vectors[salient.ravel()])).sum(axis=1)
    assert cosines.min(initial=1) > 0.99


def test_integers_with_measured_ranges_are_near_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = printed()
    ranges = activation_ranges.measure(random_network(), [np.stack([pixels] * 3, axis=2)])
    assert (ranges[:, 0] <= 0).all()
    assert (ranges[:, 1] > 0).all()
    network = random_network()
    network.ranges.copy_(ranges)
    weights = PageWeights.of(state_arrays(network))
    integers = PageNetwork.of(weights).features(pixels)[0]
    monkeypatch.setenv(ARITHMETIC_VARIABLE, FLOAT32)
    floats = PageNetwork.of(weights).features(pixels)[0]
    error = np.sqrt(np.mean((integers - floats) ** 2)) / floats.std()
    assert error < 0.04


def test_a_cell_has_the_same_features_in_any_page_that_looks_the_same_around_it() -> None:
    """Integers are exact, so nothing depends on the size of the page or on the cell's place in it."""
    network = PageNetwork.of(PageWeights.load())
    page = np.full((32 * 16, 64 * 16), 255, np.uint8)
    page[160:192, 400:520] = printed()[40:72, 30:150]
    moved = np.roll(page, (16, 32), axis=(0, 1))
    one, two = network.features(page)[0], network.features(moved)[0]
    np.testing.assert_array_equal(one[9:13, 24:34], two[10:14, 26:36])


def test_without_ranges_floats_are_used() -> None:
    network = PageNetwork.of(PageWeights.of(state_arrays(random_network())))
    assert network.arithmetic == FLOAT32


@pytest.mark.parametrize(
    ("requested", "has_ranges", "chosen"),
    [
        ("", True, INT8),
        ("", False, FLOAT32),
        (INT8, True, INT8),
        (FLOAT32, True, FLOAT32),
        (BFLOAT16, True, FLOAT32),  # for other models
    ],
)
def test_the_environment_variable_sets_the_arithmetic(
    requested: str, has_ranges: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ARITHMETIC_VARIABLE, requested)
    assert choose_arithmetic(has_ranges=has_ranges) == chosen


def test_requested_integers_that_the_weights_do_not_support_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ARITHMETIC_VARIABLE, INT8)
    with pytest.raises(UsageError, match="DOCSEARCH_ARITHMETIC=int8: the weights have no activation ranges"):
        choose_arithmetic(has_ranges=False)
