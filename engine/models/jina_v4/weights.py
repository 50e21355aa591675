"""Loads the tensors of a checkpoint from its safetensors files onto a device, one at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from .checkpoint import StoredTensor


def read_tensors(
    tensors: Mapping[str, StoredTensor], device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[str, Tensor]]:
    """Yield each name and its tensor, on `device` as `dtype`.

    Each file is opened once, and memory never holds more than one tensor in the stored type.
    """
    by_file: dict[Path, list[str]] = defaultdict(list)
    for name, stored in tensors.items():
        by_file[stored.file].append(name)
    for file, names in by_file.items():
        with safe_open(file, framework="pt", device=str(device)) as opened:
            for name in names:
                yield name, opened.get_tensor(tensors[name].key).to(dtype)
