"""The token pooling factor of an index: later runs keep it, and a factor that makes no sense is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.store import open_snapshot
from docsearch.indexer import discover, pipeline
from fake_encoder import SPEC, STRIPS, FakeEncoder

MakePdf = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, make_pdf: MakePdf) -> Path:
    make_pdf(tmp_path / "docs/a.pdf", ["a1", "a2"])
    make_pdf(tmp_path / "docs/b.pdf", ["b1"])
    return tmp_path / "docs"


def vectors(index: Path) -> dict[tuple[str, int], int]:
    with open_snapshot(index) as snapshot:
        refs = snapshot.refs(range(len(snapshot)))
        return {(ref.path, ref.page): int(own) for ref, own in zip(refs, snapshot.lengths, strict=True)}


def test_pages_added_later_are_pooled_by_the_factor_of_the_index(
    folder: Path, tmp_path: Path, make_pdf: MakePdf
) -> None:
    make_pdf(tmp_path / "late/z.pdf", ["a1", "z"])
    for name, pool in (("fewer", 2), ("all", None)):
        pipeline.index_documents([folder], tmp_path / name, encoder=FakeEncoder(), pool=pool)
        pipeline.index_documents([tmp_path / "late"], tmp_path / name, encoder=FakeEncoder())
        (document,) = discover.find([tmp_path / "late"]).documents
        pipeline.add(replace(document, path="uploaded.pdf"), tmp_path / name, encoder=FakeEncoder())
    fewer, every = vectors(tmp_path / "fewer"), vectors(tmp_path / "all")
    assert fewer.keys() == every.keys()
    assert set(every.values()) == {STRIPS}
    assert all(count < STRIPS for count in fewer.values())
    assert fewer["a.pdf", 1] == fewer["z.pdf", 1] == fewer["uploaded.pdf", 1]


def test_pooling_factor_1_gives_the_same_index_as_no_factor(folder: Path, tmp_path: Path) -> None:
    for name, pool in (("one", 1), ("none", None)):
        pipeline.index_documents([folder], tmp_path / name, encoder=FakeEncoder(), pool=pool)
    with open_snapshot(tmp_path / "one") as snapshot:
        assert snapshot.fingerprint == SPEC.fingerprint
        assert snapshot.pool == 1
    for file in (tmp_path / "one/segments").rglob("*.npy"):
        assert file.read_bytes() == (tmp_path / "none" / file.relative_to(tmp_path / "one")).read_bytes()


def test_a_pooling_factor_below_1_is_refused_before_an_index_is_made(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 keeps all"):
        pipeline.index_documents([folder], tmp_path / "index", encoder=FakeEncoder(), pool=0)
    assert not (tmp_path / "index").exists()
