"""What the server tells of pages that were found by meaning: the passage, its lines, and their marks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from docsearch.engine.models import sentences
from docsearch.engine.store import open_writer
from docsearch.indexer import pipeline
from docsearch.server.settings import ServerSettings
from in_process import served

FILLER = "the council met again and nothing of note was said about any of it"
SAID = "a cloud hung over the harbour"
QUESTION = "harbour wolke"
HEIGHT, TOP, STEP = 800, 60, 30


class Topics:
    """Clouds are one topic, in two languages, and all else is another."""

    spec = sentences.SentenceSpec("toy-topics", "toy", "toy", 2)

    def encode(self, texts: list[str]) -> np.ndarray:
        counts = [sum(word in ("cloud", "wolke") for word in text.split()) for text in texts]
        found = np.array([[count, 0.1] for count in counts], np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A page of twenty lines, of which the last but two says it, after one of the question's words in the first."""
    monkeypatch.setattr(sentences, "load_sentence_encoder", lambda name: Topics())
    (tmp_path / "docs").mkdir()
    document = pymupdf.open()
    lines = [f"harbour {FILLER}", *[FILLER] * 16, SAID, FILLER, FILLER]
    for shown in (lines, [FILLER] * 3, [FILLER] * 4):
        page = document.new_page(width=600, height=HEIGHT)
        for at, line in enumerate(shown):
            page.insert_text((40, TOP + STEP * at), line, fontsize=14)
    document.save(tmp_path / "docs/a.pdf")
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", device="cpu")
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.set_cross_language(Topics.spec.name)
    with served(ServerSettings(tmp_path / "index")) as (client, _):
        yield client


def first_hit(client: TestClient, mode: str) -> dict[str, object]:
    asked = {"query": QUESTION, "mode": mode, "details": True}
    (answer,) = client.post("/v1/search", json=asked).json()["answers"]
    hit: dict[str, object] = answer["hits"][0]
    assert hit["page"] == 1
    return hit


def test_a_page_that_was_found_by_meaning_tells_and_marks_the_passage(client: TestClient) -> None:
    by_words, by_meaning = first_hit(client, "hybrid")["snippet"], first_hit(client, "semantic")["snippet"]
    assert by_words["text"].startswith("harbour the council")  # type: ignore[index]
    assert SAID in by_meaning["text"]  # type: ignore[index]
    assert not by_meaning["text"].startswith("harbour")  # type: ignore[index]
    which = {"query": QUESTION, "document": first_hit(client, "semantic")["doc_id"], "page": 1}
    found = client.get("/v1/heatmap", params={**which, "mode": "semantic"}).json()
    (line,) = [box for box in found["passage"] if box[1] < (TOP + STEP * 17 - 5) / HEIGHT < box[3]]
    assert line[0] == pytest.approx(40 / 600, abs=0.01)
    assert client.get("/v1/heatmap", params=which).json() == {**found, "passage": []}

    def marked(**options: object) -> np.ndarray:
        response = client.get("/v1/heatmap.png", params={**which, "width": 600, **options})
        with Image.open(io.BytesIO(response.content)) as picture:
            return np.asarray(picture)[:, :, 3] > 0

    rows = slice(TOP + STEP * 17 - 12, TOP + STEP * 17)
    assert marked(mode="semantic")[rows, 50:150].mean() > 0.9
    assert (marked(mode="semantic", word=1) == marked(word=1)).all()
    assert marked(mode="semantic").sum() > marked().sum()


def test_a_mode_that_there_is_not_is_refused(client: TestClient) -> None:
    which = {"query": QUESTION, "document": first_hit(client, "semantic")["doc_id"], "page": 1, "mode": "x"}
    for path in ("/v1/heatmap", "/v1/heatmap.png"):
        assert client.get(path, params=which).status_code == 422
