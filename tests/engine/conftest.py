"""The fixture for instruction sets; and Triton's interpreter where there is no CUDA device.

The interpreter has to be selected before Triton is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from docsearch.engine.kernels.jit import compiler

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture(scope="module", params=compiler.available_settings())
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the tests of a module for each value of DOCSEARCH_COMPILE with code of its own on this CPU.

    These are the widest registers, AVX2, and numpy; values faster than the current one are left out.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(compiler.SWITCH, request.param)
        yield request.param
