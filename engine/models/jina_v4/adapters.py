"""LoRA adapters as part of the weights: while one task is active, its layers cost no more than those of the base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from .checkpoint import Checkpoint
from .weights import read_tensors

BASE = ".base_layer."
"""What peft inserts into the names of an adapted layer's own weights."""


def merge(network: PeftModel, task: str) -> None:
    """Add the adapter of a task to the weights of its layers: W becomes W + B A alpha / r, rounded to their type."""
    for _, layer in _adapted(network):
        layer.merge(adapter_names=[task])


def restore(network: PeftModel, checkpoint: Checkpoint) -> None:
    """Undo `merge`. The weights are read from the checkpoint again: subtracting what was added would not be exact."""
    places = {name: cast("Tensor", layer.base_layer.weight) for name, layer in _adapted(network) if layer.merged}
    for _, layer in _adapted(network):
        layer.merged_adapters.clear()
    stored = {name: checkpoint.tensors[name] for name in places}
    if places:
        like = next(iter(places.values()))
        with torch.no_grad():
            for name, weight in read_tensors(stored, like.device, like.dtype):
                places[name].copy_(weight)


def _adapted(network: PeftModel) -> Iterator[tuple[str, LoraLayer]]:
    """Each adapted layer, with the name of its weight in a checkpoint."""
    base: nn.Module = network.get_base_model()
    for name, module in base.named_modules():
        if isinstance(module, LoraLayer):
            yield f"{name}.weight".replace(BASE, "."), module
