"""The fixture for instruction sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docsearch.engine.kernels.native import library


@pytest.fixture(scope="module", params=library.available_settings())
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the tests of a module for each value of DOCSEARCH_COMPILE with code of its own on this CPU.

    These are its instruction sets, and numpy; values faster than the current one are left out.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(library.SWITCH, request.param)
        yield request.param
