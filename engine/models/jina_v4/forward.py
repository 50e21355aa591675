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
    patches: Sequence[F32] | Tensor,
    device: torch.device,
    *,
    adapters: Sequence[str] | None = None,
) -> tuple[Tensor, Tensor]:
    """One pass over a batch of B items.

    `patches` are those of the images among them, in their order: an array each, or one tensor (P, 1176) of all.

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
    images = [(row, item) for row, item in enumerate(items) if item.pixels is not None]
    inputs: dict[str, object] = {
        "input_ids": on_device(ids, device),
        "position_ids": on_device(positions, device),
        "patches": None,
    }
    if images:
        inputs["patches"] = on_device(patches if isinstance(patches, Tensor) else np.concatenate(patches), device)
        inputs["grids"] = [item.grid for _, item in images]
        places = [row * longest + np.arange(*item.image_span) for row, item in images]
        inputs["image_tokens"] = on_device(np.concatenate(places), device)
    chosen = {} if adapters is None else {"adapter_names": list(adapters)}
    hidden, multi = network(**inputs, **chosen)
    means = torch.stack([hidden[row, slice(*item.pooling_span)].float().mean(0) for row, item in enumerate(items)])
    return means, functional.normalize(multi.float(), dim=2)


def on_device(array: np.ndarray | Tensor, device: torch.device) -> Tensor:
    """An array on a device. The copy to a GPU goes from pinned memory, so nothing waits for what the GPU does now."""
    tensor = array if isinstance(array, Tensor) else torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return (tensor if tensor.is_pinned() else tensor.pin_memory()).to(device, non_blocking=True)
