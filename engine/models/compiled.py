"""torch.compile for the layers of a network, if the environment asks for it.

Layers are compiled one by one, for sequences of any length: as all are alike, the code for the first one serves all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from torch import nn

from ..errors import UsageError

COMPILE_VARIABLE = "DOCSEARCH_TORCH_COMPILE"
"""Environment variable with a mode of torch.compile, read when a model is loaded; not set, nothing is compiled."""
MODES = ("default", "reduce-overhead")
"""Values of COMPILE_VARIABLE: fused kernels; the same in CUDA graphs, which take memory for each length of a batch."""
BACKEND = "inductor"


def requested_mode() -> str | None:
    """The value of COMPILE_VARIABLE, None if it is not set. Raises UsageError if it is not one of MODES."""
    mode = os.environ.get(COMPILE_VARIABLE) or None
    if mode is not None and mode not in MODES:
        raise UsageError(f"{COMPILE_VARIABLE}={mode}: the values are {', '.join(MODES)}; unset it to compile nothing")
    return mode


def compile_layers(layers: Iterable[nn.Module], mode: str) -> None:
    """Have each layer compiled when it is first called; its parameters keep their names."""
    for layer in layers:
        if BACKEND == "inductor":
            layer.compile(backend=BACKEND, mode=mode, dynamic=True)
        else:  # others have no modes
            layer.compile(backend=BACKEND, dynamic=True)
