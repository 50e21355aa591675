"""A temporary folder for tests of file permissions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import unprivileged


@pytest.fixture
def open_path() -> Iterator[Path]:
    """An empty temporary folder like `tmp_path`, but reachable by every user."""
    with tempfile.TemporaryDirectory(dir=unprivileged.place()) as folder:
        yield Path(folder)
