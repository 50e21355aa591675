"""Indexes that benchmarks use again are those of the same documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import indexes
from benchmarks.setting import Setting


def test_an_index_is_not_used_again_after_its_documents_changed(tmp_path: Path) -> None:
    folder, setting = tmp_path / "docs", Setting(None, cache=tmp_path)
    folder.mkdir()
    (folder / "a.pdf").write_bytes(b"1")
    (tmp_path / "x.json").write_text(json.dumps(indexes._key([folder])), "utf-8")
    assert indexes.existing(setting, "x", [folder]) == tmp_path / "x.index"
    (folder / "b.pdf").write_bytes(b"2")
    assert indexes.existing(setting, "x", [folder]) is None
