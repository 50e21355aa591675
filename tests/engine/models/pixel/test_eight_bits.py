"""The network in 8-bit integers, and in bfloat16, has the outputs that it has in float32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.errors import UsageError
from docsearch.engine.models.device import ARITHMETIC_VARIABLE, BFLOAT16, INT8
from docsearch.engine.models.pixel import eight_bits, inference
from docsearch.engine.models.pixel.batchnorm_fusion import fuse_batchnorm
from docsearch.engine.models.pixel.network import PixelNetwork
from docsearch.engine.models.pixel.pages import load_network
from docsearch.engine.records import U8
from docsearch.training.pixel import activation_ranges

CPU = torch.device("cpu")

needs_integers = pytest.mark.skipif(
    INT8 not in inference.supported_arithmetics(),
    reason="this CPU, or this version of torch, does not compute in 8-bit integers",
)


@pytest.fixture(autouse=True)
def _fresh_trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(ARITHMETIC_VARIABLE, raising=False)
    yield
    eight_bits.is_supported.cache_clear()


def printed(height: int = 256, width: int = 512) -> U8:
    """A grey page (H, W) with words."""
    image = Image.new("L", (width, height), "white")
    for i, line in enumerate(["Harbour dues rose in 2023", "Revenue 1,577.5 million"]):
        ImageDraw.Draw(image).text((30, 40 + 70 * i), line, fill="black", font=ImageFont.load_default(28))
    return np.array(image)


def random_network() -> PixelNetwork:
    """A random network, scaled so that its activations do not vanish."""
    torch.manual_seed(0)
    network = PixelNetwork()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            assert module.running_var is not None
            module.running_var.uniform_(0.05, 0.2)
    return network.eval()


@pytest.mark.parametrize("shape", [(256, 512), (16, 16), (48, 1600)])
def test_every_arithmetic_has_the_outputs_of_float32(
    arithmetic: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = printed(*shape)
    floats = inference.FloatNetwork(fuse_batchnorm(load_network()), CPU, torch.float32)
    monkeypatch.setenv(ARITHMETIC_VARIABLE, arithmetic)
    prepared = inference.prepare_for_inference(load_network(), CPU)
    assert prepared.arithmetic == arithmetic
    with torch.inference_mode():
        expected, found = floats.features(pixels), prepared.features(pixels)
        assert found.shape == expected.shape
        assert found.dtype == (torch.bfloat16 if arithmetic == BFLOAT16 else torch.float32)
        expected_heads, heads = (
            [head.float() for head in network.heads(features)]
            for network, features in ((floats, expected), (prepared, found))
        )
    cosines = torch.nn.functional.cosine_similarity(expected_heads[0], heads[0], dim=1)[0]
    salient = torch.sigmoid(expected_heads[1][0]) > 0.35
    assert cosines[salient].numel() == 0 or cosines[salient].min() > 0.99
    torch.testing.assert_close(torch.sigmoid(heads[1]), torch.sigmoid(expected_heads[1]), atol=0.1, rtol=0)


@needs_integers
def test_integers_with_measured_ranges_are_near_floats() -> None:
    network = random_network()
    pixels = printed()
    found = activation_ranges.measure(random_network(), [np.stack([pixels] * 3, axis=2)])
    assert (found[:, 0] <= 0).all()
    assert (found[:, 1] > 0).all()
    network.ranges.copy_(found)
    with torch.inference_mode():
        integers = inference.prepare_for_inference(network, CPU).features(pixels)
        floats = inference.FloatNetwork(fuse_batchnorm(random_network()), CPU, torch.float32).features(pixels)
    error = (integers - floats).pow(2).mean().sqrt() / floats.std()
    assert error < 0.03


def test_without_ranges_floats_are_used() -> None:
    assert isinstance(inference.prepare_for_inference(random_network(), CPU), inference.FloatNetwork)


@pytest.mark.parametrize("failure", [AttributeError("no such operation"), RuntimeError("wrong arguments")])
def test_a_torch_without_the_operations_computes_in_floats(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> bool:
        raise failure

    eight_bits.is_supported.cache_clear()
    monkeypatch.setattr(eight_bits, "trial_is_correct", missing)
    assert not eight_bits.is_supported()
    assert isinstance(inference.prepare_for_inference(load_network(), CPU), inference.FloatNetwork)


def test_requested_integers_that_the_weights_or_the_cpu_do_not_support_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ARITHMETIC_VARIABLE, INT8)
    with pytest.raises(UsageError, match="DOCSEARCH_ARITHMETIC=int8: the weights have no activation ranges"):
        inference.prepare_for_inference(random_network(), CPU)
    monkeypatch.setattr(eight_bits, "is_supported", lambda: False)
    monkeypatch.setattr(eight_bits.is_supported, "cache_clear", lambda: None, raising=False)
    with pytest.raises(UsageError, match=r"this CPU, .* does not compute in 8-bit integers"):
        inference.prepare_for_inference(load_network(), CPU)


@needs_integers
def test_the_trial_detects_sums_that_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    class Overflowing(eight_bits.IntegerConv):
        """As on a CPU that keeps sums of two products in 16 bits."""

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            return super().__call__(x).clamp(max=32767 * x.shape[1] * 9 / 2)

    assert eight_bits.trial_is_correct()
    monkeypatch.setattr(eight_bits, "IntegerConv", Overflowing)
    assert not eight_bits.trial_is_correct()
