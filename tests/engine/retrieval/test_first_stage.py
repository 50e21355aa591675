"""Whether stage 1 is needed: nothing is built for a collection that is searched exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

import toy_words
from docsearch.engine.searcher import open_searcher
from toy_words import ToyEncoder

QUERY = "w3 w17 w101"


def write(directory: Path) -> None:
    """An index of 50 pages, in one segment."""
    toy_words.write(directory, {"a.pdf": [[3 + i, 17, 101 - i] for i in range(50)]})


def parts(directory: Path) -> list[str]:
    return sorted(folder.name for folder in (directory / "cache").glob("lists-*"))


def test_prepare_builds_nothing_for_a_small_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "index")
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        searcher.prepare()
    assert parts(tmp_path / "index") == []
    monkeypatch.setattr("docsearch.engine.retrieval.first_stage.EXACT_VECTORS", 10)
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        searcher.prepare()
        assert "two stages" in str(searcher.info()["search"])
        assert searcher.search(QUERY)
    assert parts(tmp_path / "index") == ["lists-00000001-00000001"]


def test_models_without_visual_words_are_searched_exactly_up_to_more_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "index")
    monkeypatch.setattr("docsearch.engine.retrieval.first_stage.EXACT_VECTORS", 10)
    without = ToyEncoder()
    del without.visual_words
    searches = []
    for encoder in (ToyEncoder(), without):
        with open_searcher(tmp_path / "index", encoder=encoder) as searcher:
            searches.append(str(searcher.info()["search"]).split()[0])
    assert searches == ["two", "exact:"]
