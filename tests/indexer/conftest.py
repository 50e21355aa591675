"""A folder for tests of permissions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import unprivileged


@pytest.fixture
def open_path() -> Iterator[Path]:
    """An empty folder as `tmp_path` is, where every user can reach it."""
    with tempfile.TemporaryDirectory(dir=unprivileged.place()) as folder:
        yield Path(folder)
