"""The fixture for instruction sets; and Triton's interpreter where there is no CUDA device.

The interpreter has to be selected before Triton is imported.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

from docsearch.engine.kernels.native import library

if importlib.util.find_spec("torch") is not None:
    import torch

    HAS_GPU = torch.cuda.is_available()
else:
    HAS_GPU = False
if not HAS_GPU:
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture(scope="module", params=library.available_settings())
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the tests of a module for each value of DOCSEARCH_COMPILE with code of its own on this CPU.

    These are its instruction sets, and numpy; values faster than the current one are left out.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(library.SWITCH, request.param)
        yield request.param
