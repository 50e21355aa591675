"""Items go in; what the network makes of them comes out as tensors, from one pass, with gradients where they are on."""

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
    """One pass over B items together; `patches` are those of the pictures among them, in their order.

    Returns means (B, H) float32 over the tokens that each item pools, not of unit length, and the multi-vectors
    (B, T, D) float32 of unit length, T being the longest item's tokens. `adapters` names one for each item; without it
    the active one is used.
    """
    longest = max(len(item) for item in items)
    ids = np.zeros((len(items), longest), np.int64)
    positions = np.zeros((3, len(items), longest), np.int64)
    for row, item in enumerate(items):
        ids[row, : len(item)] = item.ids
        positions[:, row, : len(item)] = item.positions
    grids = [(1, *item.grid) for item in items if item.pixels is not None]

    def moved(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(device, non_blocking=True)

    inputs = {
        "input_ids": moved(ids),
        "position_ids": moved(positions),
        "pixel_values": moved(np.concatenate(patches)) if patches else None,
        "image_grid_thw": moved(np.array(grids, np.int64)) if grids else None,
    }
    chosen = {} if adapters is None else {"adapter_names": list(adapters)}
    hidden, multi = network(**inputs, **chosen)
    means = torch.stack([hidden[row, slice(*item.pooled)].float().mean(0) for row, item in enumerate(items)])
    return means, functional.normalize(multi.float(), dim=2)
