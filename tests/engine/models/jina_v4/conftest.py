"""A tiny checkpoint of jina-embeddings-v4 that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_jina


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a checkpoint with random weights; tests that change one write their own."""
    return tiny_jina.write(tmp_path_factory.mktemp("jina") / "tiny")
