"""What kernels run in: each of this processor's ways to multiply, and Triton's interpreter without a CUDA device, which
Triton has to be told before it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from docsearch.engine.kernels.jit import compiler

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture(scope="module", params=compiler.ways())
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """What kernels are compiled for in the tests of a module, by its value of DOCSEARCH_COMPILE: the widest registers,
    AVX2, or numpy's own; none that is faster than what the environment asks for.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(compiler.SWITCH, request.param)
        yield request.param
