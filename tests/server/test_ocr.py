"""Text that OCR read, in answers of the server and of its tools for agents, with the embedded model."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw, ImageFont

import fake_tesseract
from docsearch.indexer import pipeline
from docsearch.server.app import create_app
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
ENGINE = "Tesseract 9.8.7, eng"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a picture on which OCR finds a word that is not there, 110 to 190 px from the left of 1,200."""
    folder = tmp_path_factory.mktemp("ocr")
    (folder / "docs").mkdir()
    image = Image.new("RGB", (800, 600), "white")
    ImageDraw.Draw(image).text((60, 400), "net income", "black", ImageFont.load_default(48))
    image.save(folder / "docs/scan.png", dpi=(110, 110))
    with pytest.MonkeyPatch.context() as monkeypatch:
        fake = fake_tesseract.install(folder / "bin", monkeypatch)
        fake.answer((("quarterly", 95.0), ("zanzibar", 95.0)))
        pipeline.index_documents(
            [folder / "docs"], folder / "index", device="cpu", ocr="tesseract", ocr_languages="eng"
        )
    fake_tesseract.forget()
    return folder / "index"


@pytest.fixture
def client(index: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Service.open(ServerSettings(index))), base_url="http://127.0.0.1:8750") as client:
        yield client


def test_a_hit_says_what_read_its_text(client: TestClient) -> None:
    (answer,) = client.post("/v1/search", json={"query": "zanzibar", "details": True}).json()["answers"]
    (hit,) = answer["hits"]
    assert hit["ocr_engine"] == ENGINE
    assert hit["snippet"]["text"] == "quarterly zanzibar"
    (answer,) = client.post("/v1/search", json={"query": "zanzibar"}).json()["answers"]
    assert answer["hits"][0]["ocr_engine"] is None  # asked for no details


def test_the_heat_map_marks_the_word_where_ocr_found_it(client: TestClient) -> None:
    (answer,) = client.post("/v1/search", json={"query": "zanzibar"}).json()["answers"]
    which = {"query": "zanzibar", "document": answer["hits"][0]["doc_id"], "page": 1}
    (word,) = client.get("/v1/heatmap", params=which).json()["words"]
    assert any(box["x0"] == pytest.approx(110 / 1200, abs=0.01) for box in word["boxes"])
    with Image.open(io.BytesIO(client.get("/v1/heatmap.png", params={**which, "width": 400}).content)) as picture:
        marked = np.asarray(picture)[:, :, 3] > 0
    assert marked[7:16, 40:62].any()


def test_agents_are_told_that_a_text_may_have_errors(index: Path) -> None:
    pytest.importorskip("mcp")
    from docsearch.server.agents.tools import AgentTools

    with closing(AgentTools({"": index})) as tools:
        (hit,) = tools.search("zanzibar").hits
        read = {content: tools.read_page("scan.png", 1, content) for content in ("text", "both", "picture")}  # type: ignore[arg-type]
    assert hit.ocr_engine == ENGINE
    for content in ("text", "both"):
        assert "read by OCR and may have errors" in str(read[content][-1])
        assert "quarterly zanzibar" in str(read[content][-1])
    assert "OCR" not in str(read["picture"][-1])
