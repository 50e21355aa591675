"""Fixtures for tests of the store: synthetic pages and a small index of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from docsearch.engine import store


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module `writer_process.py`, which makes synthetic pages."""
    spec = importlib.util.spec_from_file_location("writer_process", Path(__file__).with_name("writer_process.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """The path of a test's index, which does not exist yet."""
    return tmp_path / "index"


@pytest.fixture
def filled(index: Path, synthetic: ModuleType) -> Path:
    """An index of a.pdf, b.pdf and c.pdf with 7 pages each, one segment per document."""
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        for path in ("a.pdf", "b.pdf", "c.pdf"):
            synthetic.add(writer, path)
            writer.commit()
    return index


@pytest.fixture
def listing() -> Callable[[Path], dict[str, list[int]]]:
    """`listing(index)`: the page numbers of each path, in row order."""

    def read(index: Path) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        with store.open_snapshot(index) as snapshot:
            for ref in snapshot.refs(range(len(snapshot))):
                found.setdefault(ref.path, []).append(ref.page)
        return found

    return read
