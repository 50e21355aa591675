"""The questions of eval-dev give the numbers that the corpora's own script gives for the same hits."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from docsearch.engine.records import Query
from docsearch.engine.searcher import open_searcher
from docsearch.evaluation import readers
from docsearch.evaluation.metrics import mean
from docsearch.evaluation.run import System, measure
from docsearch.indexer import pipeline

DOCUMENTS = 4
NAMES = {
    "ndcg@5": "nDCG@5",
    "ndcg@10": "nDCG@10",
    "success@1": "recall@1",
    "success@5": "recall@5",
    "success@10": "recall@10",
}
"""The script's recall is 1 where any right page is found, which is success."""


def script(corpora: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", corpora / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["corpus", "document"])
def test_eval_dev_scores_as_its_script_does(corpora: Path, tmp_path: Path, scope: str) -> None:
    folder = corpora / "eval-dev"
    if not (corpora / "score.py").is_file() or not folder.is_dir():
        pytest.skip("needs the corpus eval-dev and its script")
    rows = [json.loads(line) for line in (folder / "docs.jsonl").read_text("utf-8").splitlines()]
    small = {row["doc"] for row in sorted(rows, key=lambda row: row["pages"])[:DOCUMENTS]}
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]
    chosen = [row for row in queries if row["doc"] in small and (scope == "document" or row["scope"] == "corpus")]
    assert chosen
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), "utf-8")
    pipeline.index_documents([folder / "pdfs" / name for name in sorted(small)], tmp_path / "index")
    questions = readers.read(tmp_path / "questions.jsonl")
    with open_searcher(tmp_path / "index") as searcher:
        asked = questions.asked_inside() if scope == "document" else questions
        measured = measure(searcher, asked, System("eval-dev", tmp_path / "index"))
        queries_of = [
            Query(row["query_id"], row["query"], row["doc"] if scope == "document" else None) for row in chosen
        ]
        found = [[(hit.ref.path, hit.ref.page) for hit in hits] for _, hits in searcher.search_many(queries_of, k=10)]
    wanted = {(row["doc"], page) for row in chosen for page in row["pages"]}
    assert measured.judged() == len(wanted)
    assert measured.missing() == []
    score = script(corpora)
    of_script = [
        score.metrics(hits, {(row["doc"], page) for page in row["pages"]})
        for row, hits in zip(chosen, found, strict=True)
    ]
    for name, its_name in NAMES.items():
        assert measured.interval(name).mean == pytest.approx(mean([each[its_name] for each in of_script]), abs=1e-9)
