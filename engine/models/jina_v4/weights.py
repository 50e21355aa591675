"""Places of tensors in safetensors files go in; the tensors come out, one at a time, on their device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from .checkpoint import Stored


def read_tensors(
    tensors: Mapping[str, Stored], device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[str, Tensor]]:
    """Yield each name with its tensor on `device` as `dtype`; a file is open once, and never whole in memory twice."""
    by_file: dict[Path, list[str]] = defaultdict(list)
    for name, stored in tensors.items():
        by_file[stored.file].append(name)
    for file, names in by_file.items():
        with safe_open(file, framework="pt", device=str(device)) as opened:
            for name in names:
                yield name, opened.get_tensor(tensors[name].key).to(dtype)
