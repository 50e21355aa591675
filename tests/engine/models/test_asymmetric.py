"""An index whose pages are of one model and whose questions are of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny_late
import tiny_sentence_transformers as tiny
from docsearch.engine.errors import EncoderMismatch, UsageError
from docsearch.engine.models import asymmetric, registry
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A visual model and a text model whose vectors are as wide."""
    folder = tmp_path_factory.mktemp("models")
    text = tiny.write_multi_vector_text(folder / "text", width=tiny_late.DIM)
    return tiny_late.write_colpali(folder / "visual"), text


def test_questions_are_embedded_by_the_other_model(
    models: tuple[Path, Path], sample_docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visual, text = models
    name = f"{visual},queries={text}"
    pipeline.index_documents([sample_docs / "posters.pdf"], tmp_path / "index", model=name, device="cpu")
    wanted = registry.load_encoder(str(text), device="cpu").encode_query("a poster").vectors
    with open_searcher(tmp_path / "index") as searcher:
        recorded = searcher.snapshot.fingerprint
        assert recorded["name"] == name
        assert recorded["queries"] == f"{text}@{registry.find_spec(str(text)).revision}"
        np.testing.assert_allclose(searcher.encode("a poster").vectors, wanted, atol=1e-6)
        assert searcher.search("a poster", k=2)
        assert searcher.search("", image=np.zeros((90, 60, 3), np.uint8), k=1)
    with pytest.raises(EncoderMismatch):
        pipeline.index_documents([sample_docs / "posters.pdf"], tmp_path / "index", model=str(visual), device="cpu")


def test_models_that_cannot_share_a_space_are_refused(models: tuple[Path, Path], tmp_path: Path) -> None:
    visual, text = models
    with pytest.raises(UsageError, match="patch vectors have 32 numbers, those of questions 16"):
        registry.find_spec(f"{visual},queries={text},dim=16")
    with pytest.raises(UsageError, match="no other model has vectors in the space of pixel"):
        registry.find_spec(f"pixel,queries={text}")
    with pytest.raises(UsageError, match="queries= must name the model"):
        asymmetric.split(f"{visual},queries=")
