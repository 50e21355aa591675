"""Fuses the trained network's batch norms into its convolutions: the same function in fewer steps.

The ranges of activations are measured on it; inference does the same in numpy (`engine.models.pixel.weights`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .network import PixelNetwork, Residual, WideBlock


def fuse_batchnorm(network: PixelNetwork) -> PixelNetwork:
    """Fuse each batch norm into the convolution before it. Changes `network`, and returns it."""
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
    return network


def fuse_centring(embed: nn.Conv2d, centre: nn.BatchNorm1d) -> nn.Conv2d:
    """The pointwise convolution `embed` followed by `centre`, as one convolution with a bias."""
    assert centre.running_mean is not None
    assert centre.running_var is not None
    out = nn.Conv2d(embed.in_channels, embed.out_channels, 1)
    scale = torch.rsqrt(centre.running_var + centre.eps)
    out.weight = nn.Parameter(embed.weight * scale[:, None, None, None])
    out.bias = nn.Parameter(-centre.running_mean * scale)
    return out
