"""One forward pass of jina-embeddings-v4 over a batch of texts and images, with gradients if they are enabled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor
from torch.nn import functional

from ...records import F32
from .inputs import Item


def forward(
    network: PeftModel,
    items: Sequence[Item],
    patches: Sequence[F32],
    device: torch.device,
    *,
    adapters: Sequence[str] | None = None,
) -> tuple[Tensor, Tensor]:
    """One pass over a batch of B items; `patches` are those of the images among them, in their order.

    Returns the means (B, H) float32 over the tokens of each item's `pooling_span`, not of unit length, and the
    multi-vectors (B, T, D) float32 of unit length, padded to the T tokens of the longest item. `adapters` names the
    adapter of each item; by default all use the active one.
    """
    longest = max(len(item) for item in items)
    ids = np.zeros((len(items), longest), np.int64)
    positions = np.zeros((3, len(items), longest), np.int64)
    for row, item in enumerate(items):
        ids[row, : len(item)] = item.ids
        positions[:, row, : len(item)] = item.positions
    grids = [(1, *item.grid) for item in items if item.pixels is not None]

    def on_device(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(device, non_blocking=True)

    inputs = {
        "input_ids": on_device(ids),
        "position_ids": on_device(positions),
        "pixel_values": on_device(np.concatenate(patches)) if patches else None,
        "image_grid_thw": on_device(np.array(grids, np.int64)) if grids else None,
    }
    chosen = {} if adapters is None else {"adapter_names": list(adapters)}
    hidden, multi = network(**inputs, **chosen)
    means = torch.stack([hidden[row, slice(*item.pooling_span)].float().mean(0) for row, item in enumerate(items)])
    return means, functional.normalize(multi.float(), dim=2)
