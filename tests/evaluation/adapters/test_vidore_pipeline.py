"""The engine as a pipeline of vidore-benchmark, held by a stand-in of its base class and a scorer of its kind."""

from __future__ import annotations

import importlib
import io
import sys
import types
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import published_layouts as layouts
from docsearch.engine.errors import UsageError
from docsearch.engine.searcher import open_searcher
from docsearch.evaluation.adapters.engine import encoded
from docsearch.evaluation.datasets.collection import questions
from docsearch.evaluation.datasets.indexing import index_corpus
from docsearch.evaluation.datasets.registry import load
from docsearch.evaluation.metrics import mean, ranking, values
from docsearch.evaluation.run import System, measure


class BasePipeline(ABC):
    """What vidore-benchmark's class of this name asks for; it is not on the package index."""

    @abstractmethod
    def search(self, query_ids: list[str], queries: list[str]) -> Any: ...


@pytest.fixture
def pipeline_class(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Any]]:
    for name in ("vidore_benchmark", "vidore_benchmark.pipeline_evaluation"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    base = types.ModuleType("vidore_benchmark.pipeline_evaluation.base_pipeline")
    base.BasePipeline = BasePipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, base.__name__, base)
    ours = "docsearch.evaluation.adapters.vidore_pipeline"
    yield importlib.import_module(ours).Docsearch
    sys.modules.pop(ours, None)


def test_the_pipeline_gives_the_numbers_of_eval(tmp_path: Path, pipeline_class: type[Any]) -> None:
    folder = layouts.vidore_v3(tmp_path / "vidore_v3_hr")
    read = load(str(folder), languages=["english"])
    ((corpus, subsets),) = read.by_corpus()
    pages = list(corpus.read())
    pipeline = pipeline_class(str(tmp_path / "indexes"))
    assert issubclass(pipeline_class, BasePipeline)
    images = [Image.open(io.BytesIO(page.picture)) for page in pages]
    pipeline.index([page.page_id for page in pages], images, [""] * len(pages), dataset_name="vidore/vidore_v3_hr")
    asked = {query.query_id: query for query in subsets[0].queries}
    run, facts = pipeline.search(list(asked), [query.text for query in asked.values()])
    assert facts["model"] == "pixel"
    scores = [values(ranking(run.get(name, {})), dict(query.grades))["ndcg@10"] for name, query in asked.items()]

    index_corpus(corpus, tmp_path / "own.index")
    with open_searcher(tmp_path / "own.index") as searcher:
        measured = measure(searcher, questions(read, subsets), System("", tmp_path / "own.index"))
    assert mean(scores) == pytest.approx(measured.interval("ndcg@10").mean)


def test_it_needs_a_corpus_first_and_an_id_for_each_image(tmp_path: Path, pipeline_class: type[Any]) -> None:
    pipeline = pipeline_class(str(tmp_path))
    with pytest.raises(UsageError, match="no corpus is indexed yet"):
        pipeline.search(["q"], ["alpha"])
    with pytest.raises(UsageError, match="2 ids came with 0 images"):
        pipeline.index(["a", "b"], [], [])


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "CMYK"])
def test_a_decoded_picture_is_encoded_without_loss(mode: str) -> None:
    page = Image.open(io.BytesIO(layouts.picture("alpha"))).convert(mode)
    page.info["dpi"] = (200, 200)
    with Image.open(io.BytesIO(encoded(page))) as again:
        assert again.convert("RGB").tobytes() == page.convert("RGB").tobytes()
        assert again.info["dpi"] == (200, 200)
