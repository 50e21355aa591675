"""The embedded model's page side, once in each arithmetic; all of them pass the same tests."""

from __future__ import annotations

import pytest

from docsearch.engine.models.arithmetic import ARITHMETIC_VARIABLE
from docsearch.engine.models.pixel.inference import ARITHMETICS
from docsearch.engine.models.pixel.pages import PixelPages


@pytest.fixture(scope="session", params=ARITHMETICS)
def arithmetic(request: pytest.FixtureRequest) -> str:
    """int8 or float32."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def vision(arithmetic: str) -> PixelPages:
    """The embedded model on the CPU."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(ARITHMETIC_VARIABLE, arithmetic)
        loaded = PixelPages.load()
    assert loaded.network.arithmetic == arithmetic
    return loaded
