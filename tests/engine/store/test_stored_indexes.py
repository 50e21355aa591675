"""Indexes that earlier versions wrote still open, and answer as they did; make_stored_index.py says what is in them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docsearch.engine.kernels.native.library import current
from docsearch.engine.models.encoder import EncoderSpec
from docsearch.engine.records import QueryExpansion, QueryVectors
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_snapshot, open_writer

FORMATS = sorted(p for p in (Path(__file__).parent / "stored_indexes").iterdir() if p.is_dir())
INDEXES = [
    pytest.param(folder, catalog.parent.name, id=f"{folder.name}-{catalog.parent.name}")
    for folder in FORMATS
    for catalog in sorted(folder.glob("*/catalog.sqlite"))
]
HITS = 12
WAYS: dict[str, dict[str, object]] = {
    "exact": {"exact": True},
    "two stages": {"candidates": 12},
    "in a folder": {"exact": True, "path": "contracts/*"},
}
TOLERANCE = 1e-6


class StoredQuestions:
    """Stands in for the model that made an index: the text of a question is its number."""

    def __init__(self, spec: EncoderSpec, questions: list[QueryVectors]) -> None:
        self.spec = spec
        self._questions = questions

    def encode_query(self, text: str) -> QueryVectors:
        return self._questions[int(text)]


def kernels_at_hand() -> str:
    """Which kernels score: both agree with exact results to about 1e-6, but differ from each other."""
    return "compiled" if current() else "numpy"


def questions_of(folder: Path) -> list[tuple[QueryVectors, np.ndarray]]:
    """The questions, each with its dense vector for the index without visual words."""
    out = []
    for row in json.loads((folder / "questions.json").read_text("utf-8")):
        expansion = row["expansion"] and QueryExpansion(
            np.array(row["expansion"]["vectors"], np.float32),
            np.array(row["expansion"]["tokens"], np.int64),
            np.array(row["expansion"]["shares"], np.float32),
        )
        query = QueryVectors(
            np.array(row["vectors"], np.float32),
            np.array(row["weights"], np.float32),
            np.array(row["single"], np.float32),
            tuple(row["tokens"]),
            row["floor"],
            row["ceiling"],
            pairs=np.array(row["pairs"], np.int64).reshape(-1, 2),
            expansion=expansion,
            contextual=row["contextual"],
        )
        out.append((query, np.array(row["dense"], np.float32)))
    return out


def answers(directory: Path, questions: list[tuple[QueryVectors, np.ndarray]]) -> dict[str, list[object]]:
    """The hits of each question, [path, page, score] each, in each of the WAYS."""
    with open_snapshot(directory) as snapshot:
        recorded = snapshot.fingerprint
    names = ("name", "revision", "dim", "single_dim", "vocabulary", "render_dpi", "max_pixels")
    spec = EncoderSpec(summary="", licence="", parameters=0, **{name: recorded[name] for name in names})  # type: ignore[arg-type]
    asked = [query if spec.vocabulary else replace(query, single=dense) for query, dense in questions]
    found: dict[str, list[object]] = {}
    with open_searcher(directory, encoder=StoredQuestions(spec, asked)) as index:
        for way, how in WAYS.items():
            found[way] = [
                [[hit.ref.path, hit.ref.page, round(hit.score, 8)] for hit in index.search(str(i), k=HITS, **how)]  # type: ignore[arg-type]
                for i in range(len(asked))
            ]
    return found


@pytest.mark.parametrize(("folder", "name"), INDEXES)
def test_a_stored_index_answers_as_when_it_was_made(folder: Path, name: str, tmp_path: Path) -> None:
    shutil.copytree(folder / name, tmp_path / "index")
    found = answers(tmp_path / "index", questions_of(folder))
    expected = json.loads((folder / f"answers_{kernels_at_hand()}.json").read_text("utf-8"))[name]
    assert found.keys() == expected.keys()
    for way, per_question in expected.items():
        for number, (hits, wanted) in enumerate(zip(found[way], per_question, strict=True)):
            assert [hit[:2] for hit in hits] == [hit[:2] for hit in wanted], (way, number)  # type: ignore[attr-defined]
            scores = [[each[2] for each in some] for some in (hits, wanted)]  # type: ignore[attr-defined]
            np.testing.assert_allclose(*scores, atol=TOLERANCE, rtol=0, err_msg=f"{way}, question {number}")


@pytest.mark.parametrize(("folder", "name"), INDEXES)
def test_a_stored_index_holds_what_was_put_into_it(folder: Path, name: str, tmp_path: Path) -> None:
    shutil.copytree(folder / name, tmp_path / "index")
    with open_snapshot(tmp_path / "index") as snapshot:
        paths = {ref.path for ref in snapshot.refs(np.arange(len(snapshot)))}
        assert len(snapshot) == 25
        assert paths == {
            "annual report.pdf",
            "contracts/lease.pdf",
            "contracts/sale.pdf",
            "notes.pdf",
            "später/ergänzt.pdf",
        }
        failures = {(failure.path, failure.page): failure.reason for failure in snapshot.failures()}
        assert failures["locked.pdf", None] == "needs a password"
        assert failures["notes.pdf", 6] == "the page took longer than 30 s"
        assert snapshot.text(0).startswith("word")


@pytest.mark.parametrize(("folder", "name"), INDEXES)
def test_a_stored_index_takes_changes_and_is_sound(folder: Path, name: str, tmp_path: Path) -> None:
    shutil.copytree(folder / name, tmp_path / "index")
    with open_snapshot(tmp_path / "index") as snapshot:
        assert snapshot.verify() == []
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.remove(["notes.pdf"])
        writer.commit()
        writer.compact()
    with open_snapshot(tmp_path / "index") as snapshot:
        assert snapshot.verify() == []
        assert len(snapshot) == 20
