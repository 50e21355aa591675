"""The engine as a search model of mteb: `mteb.evaluate` gives the numbers of `docsearch eval`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import published_layouts as layouts
from docsearch import __version__
from docsearch.engine.errors import UsageError
from docsearch.engine.models import registry
from docsearch.engine.searcher import open_searcher
from docsearch.evaluation.adapters.mteb_search import MtebSearch
from docsearch.evaluation.datasets.collection import questions
from docsearch.evaluation.datasets.indexing import index_corpus
from docsearch.evaluation.datasets.registry import load
from docsearch.evaluation.run import System, measure

pytestmark = [
    pytest.mark.skipif(find_spec("mteb") is None, reason="needs mteb"),  # which takes seconds to import
    # Of datasets, polars and mteb, which are not ours to mend.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PROBES = Path(__file__).resolve().parents[2] / "probes.jsonl"
LANGUAGES = {"english": ["eng-Latn"], "german": ["deu-Latn"]}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MtebSearch]:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    search = MtebSearch(tmp_path / "indexes")
    yield search
    search.close()


def task(folder: Path, languages: dict[str, list[str]] | list[str]) -> Any:
    """A retrieval task of mteb over a local folder."""
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    class LocalRetrieval(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="LocalRetrieval",
            description="Pages in a folder.",
            reference=None,
            dataset={"path": str(folder), "revision": "1"},
            type="DocumentUnderstanding",
            category="t2i",
            modalities=["text", "image"],
            eval_splits=["test"],
            eval_langs=languages,
            main_score="ndcg_at_10",
        )

    return LocalRetrieval()


def scores_of_mteb(model: MtebSearch, folder: Path, languages: dict[str, list[str]] | list[str]) -> dict[str, Any]:
    """The scores of each subset."""
    import mteb

    result = mteb.evaluate(
        model, tasks=[task(folder, languages)], cache=None, co2_tracker=False, show_progress_bar=False
    )
    (found,) = result.task_results
    return {each["hf_subset"]: each for each in found.scores["test"]}


def own_scores(folder: Path, index: Path, *names: str) -> dict[str, dict[str, float]]:
    """Metrics as `docsearch eval` measures them, by language."""
    read = load(str(folder))
    ((corpus, subsets),) = read.by_corpus()
    index_corpus(corpus, index)
    with open_searcher(index) as searcher:
        measured = measure(searcher, questions(read, subsets), System("", index))
    groups = measured.groups("language")
    return {name: {language: group.interval(name).mean for language, group in groups.items()} for name in names}


@pytest.mark.slow
def test_mteb_gives_our_numbers_and_languages_share_pages(tmp_path: Path, model: MtebSearch) -> None:
    folder = layouts.mteb_upload(tmp_path / "task")
    found = scores_of_mteb(model, folder, LANGUAGES)
    own = own_scores(folder, tmp_path / "own.index", "ndcg@10")["ndcg@10"]
    assert {name: scores["ndcg_at_10"] for name, scores in found.items()} == pytest.approx(own, abs=1e-4)
    assert len(list((tmp_path / "indexes").iterdir())) == 1


@pytest.mark.slow
def test_results_are_filed_under_the_model_and_its_revision(model: MtebSearch) -> None:
    from mteb.models import SearchProtocol

    assert isinstance(model, SearchProtocol)
    meta = model.mteb_model_meta
    assert meta.name == "docsearch/pixel"
    assert meta.revision == f"{__version__}-{registry.find_spec('pixel').revision}"


def test_a_corpus_of_texts_is_refused(model: MtebSearch) -> None:
    from datasets import Dataset

    texts = Dataset.from_dict({"id": ["1"], "text": ["a"]})
    with pytest.raises(UsageError, match="Local: the corpus has no column 'image'"):
        model.index(texts, task_metadata=type("Task", (), {"name": "Local"}))


def test_candidates_of_a_reranking_task_are_the_only_pages(tmp_path: Path, model: MtebSearch) -> None:
    from datasets import Dataset

    pages = {"id": ["a", "b", "c"], "image": [{"bytes": layouts.picture(each)} for each in ("alpha", "beta", "gamma")]}
    model.index(Dataset.from_dict(pages), task_metadata=type("Task", (), {"name": "Local"}))
    queries = Dataset.from_dict({"id": ["q"], "text": ["alpha beta"]})
    found = model.search(queries, top_k=10, top_ranked={"q": ["c", "b"]}, task_metadata=None)
    assert set(found["q"]) == {"b", "c"}
    assert found["q"]["b"] > found["q"]["c"]


@pytest.mark.slow
def test_thirty_sample_pages(sample_docs: Path, tmp_path: Path, model: MtebSearch) -> None:
    folder = sample_pages(sample_docs, tmp_path / "task", 30)
    found = scores_of_mteb(model, folder, LANGUAGES)
    names = {"ndcg@5": "ndcg_at_5", "ndcg@10": "ndcg_at_10", "recall@5": "recall_at_5", "recall@10": "recall_at_10"}
    own = own_scores(folder, tmp_path / "own.index", *names)
    for ours, theirs in names.items():
        assert {name: scores[theirs] for name, scores in found.items()} == pytest.approx(own[ours], abs=1e-4)
    assert all(0.3 < value < 0.99 for value in own["ndcg@5"].values()), "where all is found, nothing can differ"


def sample_pages(sample_docs: Path, folder: Path, count: int) -> Path:
    """The first pages of the sample documents with the project's own questions, in mteb's layout for two languages."""
    import pymupdf

    pages: dict[tuple[str, int], bytes] = {}
    for file in sorted(sample_docs.glob("*.pdf")):
        with pymupdf.open(file) as document:
            for number in range(document.page_count):
                if len(pages) < count:
                    pages[file.name, number + 1] = document[number].get_pixmap(dpi=110).tobytes("png")
    ids = {page: f"page-{number}" for number, page in enumerate(pages)}
    asked: dict[str, list[tuple[str, str, str]]] = {language: [] for language in LANGUAGES}
    for number, line in enumerate(PROBES.read_text("utf-8").splitlines()):
        row = json.loads(line)
        language = list(LANGUAGES)[number % 2]
        for page in row["pages"]:
            if (row["path"], page) in ids:
                asked[language].append((f"q{number}", row["query"], ids[row["path"], page]))
    for language, rows in asked.items():
        text = pa.string()
        corpus = {
            "id": (text, list(ids.values())),
            "image": (layouts.IMAGE, [layouts.as_struct(each) for each in pages.values()]),
        }
        layouts.table(folder, f"{language}-corpus", corpus)
        queries = {row[0]: row[1] for row in rows}
        layouts.table(folder, f"{language}-queries", {"id": (text, list(queries)), "text": (text, [*queries.values()])})
        qrels = {
            "query-id": (text, [row[0] for row in rows]),
            "corpus-id": (text, [row[2] for row in rows]),
            "score": (pa.int64(), [1] * len(rows)),
        }
        layouts.table(folder, f"{language}-qrels", qrels)
    configs = [f"{language}-{role}" for language in LANGUAGES for role in ("corpus", "queries", "qrels")]
    layouts.card(folder, {config: {"test": f"{config}/test-*"} for config in configs})
    return folder
