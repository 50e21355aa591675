"""Without a CUDA device Triton interprets its kernels, which it has to be told before it is imported."""

from __future__ import annotations

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
