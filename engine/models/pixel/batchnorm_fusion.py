"""Fuses the trained network's batch norms into its convolutions, for inference: the same function in fewer steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .network import PixelNetwork, Residual, WideBlock

DEPTH_STRIDE = 2
"""The stride of the first convolution, which reads squares of 2 x 2 pixels as four channels (space to depth)."""


def fuse_batchnorm(network: PixelNetwork) -> PixelNetwork:
    """Fuse each batch norm into the convolution before it, and let the first convolution read four channels.

    Changes `network`, and returns it.
    """
    network.eval()
    network.embed = fuse_centring(network.embed, network.centre)
    for module in list(network.modules()):
        if isinstance(module, WideBlock) and isinstance(module.norm, nn.BatchNorm2d):
            module.narrow = fuse_conv_bn_eval(module.narrow, module.norm)
            module.norm = nn.Identity()
        elif isinstance(module, Residual) and isinstance(module.norm, nn.BatchNorm2d):
            last = module.body[1]
            assert isinstance(last, nn.Conv2d)
            module.body[1] = fuse_conv_bn_eval(last, module.norm)
            module.norm = nn.Identity()
        elif isinstance(module, nn.Sequential) and isinstance(module[0], nn.Conv2d):
            norm = module[1]
            if isinstance(norm, nn.BatchNorm2d):
                module[0], module[1] = fuse_conv_bn_eval(module[0], norm), nn.Identity()
    first = network.stem[0]
    assert isinstance(first, nn.Sequential)
    assert isinstance(first[0], nn.Conv2d)
    first[0] = SpaceToDepthConv(first[0])
    return network


class SpaceToDepthConv(nn.Module):
    """A 3 x 3 convolution of one channel, stride 2, padding 1, computed as a 2 x 2 one over squares of 2 x 2 pixels.

    The same sums, and several times faster: convolution libraries are slow with a single input channel.
    """

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        assert (plain.in_channels, plain.kernel_size, plain.stride, plain.padding) == (1, (3, 3), (2, 2), (1, 1))
        self.conv = nn.Conv2d(DEPTH_STRIDE * DEPTH_STRIDE, plain.out_channels, 2, bias=plain.bias is not None)
        # Rows -1, 0, 1 of the 3 x 3 kernel become rows 1, 2, 3 of two squares, whose row 0 has no weight.
        wide = functional.pad(plain.weight.detach(), (1, 0, 1, 0))  # (C, 1, 4, 4)
        self.conv.weight = nn.Parameter(functional.pixel_unshuffle(wide, DEPTH_STRIDE))
        if plain.bias is not None:
            self.conv.bias = nn.Parameter(plain.bias.detach())

    def forward(self, pages: Tensor) -> Tensor:
        n, _, height, width = pages.shape
        rows, columns = height // DEPTH_STRIDE, width // DEPTH_STRIDE
        squares = pages.view(n, rows, DEPTH_STRIDE, columns, DEPTH_STRIDE).permute(0, 1, 3, 2, 4)
        squares = squares.reshape(n, rows, columns, DEPTH_STRIDE * DEPTH_STRIDE)
        padded = functional.pad(squares, (0, 0, 1, 0, 1, 0))
        out: Tensor = self.conv(padded.permute(0, 3, 1, 2))  # channels last in memory
        return out


def fuse_centring(embed: nn.Conv2d, centre: nn.BatchNorm1d) -> nn.Conv2d:
    """The pointwise convolution `embed` followed by `centre`, as one convolution with a bias."""
    assert centre.running_mean is not None
    assert centre.running_var is not None
    out = nn.Conv2d(embed.in_channels, embed.out_channels, 1)
    scale = torch.rsqrt(centre.running_var + centre.eps)
    out.weight = nn.Parameter(embed.weight * scale[:, None, None, None])
    out.bias = nn.Parameter(-centre.running_mean * scale)
    return out
