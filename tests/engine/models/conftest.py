"""The embedded model's page side, once in each arithmetic that this CPU supports; all of them pass the same tests."""

from __future__ import annotations

import pytest

from docsearch.engine.models.device import ARITHMETIC_VARIABLE
from docsearch.engine.models.pixel.inference import supported_arithmetics
from docsearch.engine.models.pixel.pages import PixelPages


@pytest.fixture(scope="session", params=supported_arithmetics())
def arithmetic(request: pytest.FixtureRequest) -> str:
    """int8, bfloat16 or float32; none that is faster than the environment requests."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def vision(arithmetic: str) -> PixelPages:
    """The embedded model on the CPU."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(ARITHMETIC_VARIABLE, arithmetic)
        loaded = PixelPages.load(device="cpu")
    assert loaded.network.arithmetic == arithmetic
    return loaded
