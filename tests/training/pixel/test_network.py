"""The trained network with its batch norms, and without them."""

from __future__ import annotations

import torch

from docsearch.training.pixel.batchnorm_fusion import fuse_batchnorm
from docsearch.training.pixel.network import PixelNetwork


def test_fusing_batch_norms_changes_nothing() -> None:
    torch.manual_seed(0)
    plain = PixelNetwork()
    for module in plain.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    plain.eval()
    pages = torch.rand(1, 1, 64, 96) * 2 - 1
    with torch.inference_mode():
        vectors, *others = plain(pages)
        centred = plain.centre(vectors.flatten(2)[0].T).T.reshape(vectors.shape[1:])
        state = plain.state_dict()
        copy = PixelNetwork()
        copy.load_state_dict(state)
        fused = fuse_batchnorm(copy)(pages)
    torch.testing.assert_close(fused[0][0], centred, atol=1e-3, rtol=1e-3)
    for got, wanted in zip(fused[1:], others, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-3, rtol=1e-3)
