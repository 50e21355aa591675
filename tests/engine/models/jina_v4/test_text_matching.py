"""`docsearch query --task text-matching`: questions and passages by that adapter, near-duplicates by MaxSim."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tiny_jina
from docsearch.cli import app
from docsearch.engine.errors import UsageError
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline

TOPICS = ("prices of bread", "ships in the harbour", "the board's minutes", "a violin", "granite and slate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with texts in `docs` and an index of them for each of two tasks."""
    folder = tmp_path_factory.mktemp("matching")
    model = tiny_jina.write(folder / "jina")
    (folder / "docs").mkdir()
    for number, topic in enumerate(TOPICS):
        (folder / f"docs/{number}.txt").write_text(f"Here something is said about {topic}.\nIt is number {number}.\n")
    (folder / "docs/near.txt").write_text(f"Here something was said about {TOPICS[1]}.\nIt is number 1.\n")
    for task in ("text-matching", "retrieval"):
        name = f"{model},task={task}"
        pipeline.index_documents([folder / "docs"], folder / task, model=name, device="cpu", codec="float16")
    return folder


def ask(index: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, object]]:
    app(["query", "--index", str(index), "--json", *options], standalone_mode=False)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_passage_is_embedded_alike_as_a_question_and_as_a_document(folder: Path) -> None:
    text = (folder / "docs/2.txt").read_text().rstrip("\n")
    encoder = JinaV4.open(f"{folder / 'jina'},task=text-matching", device="cpu")
    as_passage = encoder.encode_texts([text]).vectors[0]
    np.testing.assert_allclose(encoder.encode_query(text).vectors, as_passage, atol=1e-6)
    with open_searcher(folder / "text-matching") as searcher:
        best = searcher.search(text, k=1)[0]
        assert (best.ref.path, best.lines) == ("2.txt", (1, 2))
        assert best.score == pytest.approx(1, abs=2e-3)


def test_passages_are_ranked_by_late_interaction_with_all_tokens_of_the_passage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hits = ask(folder / "text-matching", capsys, "--like", "1.txt:1-2", "--task", "text-matching", "-k", "5")
    encoder = JinaV4.open(f"{folder / 'jina'},task=text-matching", device="cpu")
    names = sorted(each.name for each in (folder / "docs").iterdir())
    texts = [(folder / "docs" / name).read_text().rstrip("\n") for name in names]
    vectors = dict(zip(names, encoder.encode_texts(texts).vectors, strict=True))
    asked = vectors.pop("1.txt")
    wanted = {name: float((asked @ each.T).max(axis=1).mean()) for name, each in vectors.items()}
    assert [hit["path"] for hit in hits] == sorted(wanted, key=lambda name: -wanted[name])
    for hit in hits:
        assert hit["score"] == pytest.approx(wanted[str(hit["path"])], abs=3e-3)
        assert hit["lines"] == [1, 2]


def test_a_question_is_asked_with_the_task_of_the_index(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    question = f"Here something was said about {TOPICS[1]}.\nIt is number 1."
    (best, *_) = ask(folder / "text-matching", capsys, question, "--task", "text-matching")
    assert best["path"] == "near.txt"


def test_an_index_of_another_task_is_refused(folder: Path) -> None:
    says = r"made for the task retrieval.*docsearch index PATH\.\.\. --index OTHER --model .*jina,task=text-matching'"
    with pytest.raises(UsageError, match=says):
        app(["query", "ships", "--task", "text-matching", "--index", str(folder / "retrieval")], standalone_mode=False)
