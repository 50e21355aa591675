"""The network in 8-bit integers, and in bfloat16, sees what it sees in float32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.errors import UsageError
from docsearch.engine.models.device import BFLOAT16, INT8, SWITCH
from docsearch.engine.models.pixel import eight_bits, inference
from docsearch.engine.models.pixel.batchnorm_fusion import folded
from docsearch.engine.models.pixel.network import PixelNetwork
from docsearch.engine.models.pixel.pages import trained_network
from docsearch.engine.records import U8
from docsearch.training.pixel import activation_ranges

CPU = torch.device("cpu")

needs_integers = pytest.mark.skipif(
    INT8 not in inference.works_here(), reason="this CPU, or this torch, multiplies no 8-bit integers"
)


@pytest.fixture(autouse=True)
def _tried_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(SWITCH, raising=False)
    yield
    eight_bits.works.cache_clear()


def printed(height: int = 256, width: int = 512) -> U8:
    """A grey page (H, W) with words."""
    image = Image.new("L", (width, height), "white")
    for i, line in enumerate(["Harbour dues rose in 2023", "Revenue 1,577.5 million"]):
        ImageDraw.Draw(image).text((30, 40 + 70 * i), line, fill="black", font=ImageFont.load_default(28))
    return np.array(image)


def random_network() -> PixelNetwork:
    """A network whose activations have some size."""
    torch.manual_seed(0)
    network = PixelNetwork()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            assert module.running_var is not None
            module.running_var.uniform_(0.05, 0.2)
    return network.eval()


@pytest.mark.parametrize("shape", [(256, 512), (16, 16), (48, 1600)])
def test_every_arithmetic_sees_what_floats_see(
    arithmetic: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = printed(*shape)
    floats = inference.FloatNetwork(folded(trained_network()), CPU, torch.float32)
    monkeypatch.setenv(SWITCH, arithmetic)
    ready = inference.ready(trained_network(), CPU)
    assert ready.arithmetic == arithmetic
    with torch.inference_mode():
        expected, found = floats.features(pixels), ready.features(pixels)
        assert found.shape == expected.shape
        assert found.dtype == (torch.bfloat16 if arithmetic == BFLOAT16 else torch.float32)
        words, vectors = (
            [head.float() for head in net.heads(seen)] for net, seen in ((floats, expected), (ready, found))
        )
    alike = torch.nn.functional.cosine_similarity(words[0], vectors[0], dim=1)[0]
    salient = torch.sigmoid(words[1][0]) > 0.35
    assert alike[salient].numel() == 0 or alike[salient].min() > 0.99
    torch.testing.assert_close(torch.sigmoid(vectors[1]), torch.sigmoid(words[1]), atol=0.1, rtol=0)


@needs_integers
def test_a_network_is_seen_through_the_ranges_that_were_measured() -> None:
    network = random_network()
    pixels = printed()
    found = activation_ranges.measured(random_network(), [np.stack([pixels] * 3, axis=2)])
    assert (found[:, 0] <= 0).all()
    assert (found[:, 1] > 0).all()
    network.ranges.copy_(found)
    with torch.inference_mode():
        integers = inference.ready(network, CPU).features(pixels)
        floats = inference.FloatNetwork(folded(random_network()), CPU, torch.float32).features(pixels)
    error = (integers - floats).pow(2).mean().sqrt() / floats.std()
    assert error < 0.03


def test_without_ranges_floats_are_used() -> None:
    assert isinstance(inference.ready(random_network(), CPU), inference.FloatNetwork)


@pytest.mark.parametrize("failure", [AttributeError("no such operation"), RuntimeError("wrong arguments")])
def test_a_torch_without_the_operations_computes_in_floats(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> bool:
        raise failure

    eight_bits.works.cache_clear()
    monkeypatch.setattr(eight_bits, "trial", missing)
    assert not eight_bits.works()
    assert isinstance(inference.ready(trained_network(), CPU), inference.FloatNetwork)


def test_what_the_processor_or_the_weights_lack_is_refused_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SWITCH, INT8)
    with pytest.raises(UsageError, match="DOCSEARCH_ARITHMETIC=int8: the ranges"):
        inference.ready(random_network(), CPU)
    monkeypatch.setattr(eight_bits, "works", lambda: False)
    monkeypatch.setattr(eight_bits.works, "cache_clear", lambda: None, raising=False)
    with pytest.raises(UsageError, match=r"this CPU, .* does not multiply in 8-bit integers"):
        inference.ready(trained_network(), CPU)


@needs_integers
def test_sums_that_overflow_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Overflowing(eight_bits.IntegerConv):
        """As where sums of two products are kept in 16 bits."""

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            return super().__call__(x).clamp(max=32767 * x.shape[1] * 9 / 2)

    assert eight_bits.trial()
    monkeypatch.setattr(eight_bits, "IntegerConv", Overflowing)
    assert not eight_bits.trial()
