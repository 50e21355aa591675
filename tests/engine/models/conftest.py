"""The embedded model's page side, once in each arithmetic that this processor has: what one finds, all find."""

from __future__ import annotations

import pytest

from docsearch.engine.models.device import SWITCH
from docsearch.engine.models.pixel.inference import works_here
from docsearch.engine.models.pixel.pages import PixelPages


@pytest.fixture(scope="session", params=works_here())
def arithmetic(request: pytest.FixtureRequest) -> str:
    """int8, bfloat16 or float32; none that is faster than what the environment asks for."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def vision(arithmetic: str) -> PixelPages:
    """The embedded model on the processor."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(SWITCH, arithmetic)
        loaded = PixelPages.load(device="cpu")
    assert loaded.network.arithmetic == arithmetic
    return loaded
