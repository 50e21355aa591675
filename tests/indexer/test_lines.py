"""Hits in text files name their lines, on every surface; models of text get passages, beside pages of pictures."""

from __future__ import annotations

import csv
import io
import json
import pickle
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from docsearch import open_index
from docsearch.commands import ask_server
from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline
from docsearch.indexer.page_images import PageImages
from docsearch.indexer.plan import plan
from docsearch.indexer.settings import FileChoice
from docsearch.integrations.page_search import FoundPage
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder
from in_process import served

QUESTION = "zebra crossing"


class TextEncoder(FakeEncoder):
    """The fake encoder as a model of text."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = replace(self.spec, reads_passages=True)


def write_source(file: Path) -> None:
    """Functions over several pages; the one about zebras is on lines 181 to 183."""
    parts = [f"def part_{number}(value):\n    found = value + {number}\n    return found\n\n" for number in range(45)]
    parts.append("def zebra(value):\n    crossing = value\n    return crossing\n\n")
    parts += parts[:20]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join("".join(parts).split("\n")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source file, a text and a PDF in `docs`, and their `index` with the model `pixel`."""
    folder = tmp_path_factory.mktemp("lines")
    write_source(folder / "docs/zoo.py")
    (folder / "docs/note.txt").write_text("Opening hours\n\nEvery day\n")
    with pymupdf.open() as document:
        document.new_page(width=300, height=400).insert_text((30, 60), "Ticket prices")
        document.save(folder / "docs/prices.pdf")
    pipeline.index_documents([folder / "docs"], folder / "index", device="cpu", kinds=["all"])
    return folder


def lines_of(index: Path) -> dict[tuple[str, int], tuple[int, int] | None]:
    with open_snapshot(index) as snapshot:
        rows = range(len(snapshot))
        found = zip(snapshot.refs(rows), snapshot.lines(rows), strict=True)
        return {(ref.path, ref.page): lines for ref, lines in found}


def query(index: Path, *options: str) -> str:
    command = [sys.executable, "-m", "docsearch", "query", QUESTION, "--index", str(index), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_hit_has_the_lines_that_stand_on_its_page(folder: Path) -> None:
    with open_index(folder / "index") as index:
        hits = index.search(QUESTION)
        best = hits[0]
        assert best.ref.path == "zoo.py"
        assert best.lines is not None
        assert best.lines[0] <= 181 <= best.lines[1] < 266
        assert best.place == f"zoo.py:{best.lines[0]}-{best.lines[1]}"
        assert best.as_dict()["lines"] == [*best.lines]
        assert pickle.loads(pickle.dumps(best)) == best
        assert pickle.loads(pickle.dumps(best)).lines == best.lines
        assert f"lines {best.lines[0]}-{best.lines[1]}" in repr(hits)
        (pdf,) = index.search("ticket prices", path="prices.pdf", k=1)
        assert (pdf.lines, pdf.place) == (None, "prices.pdf, page 1")
        assert "lines" not in pdf.as_dict()
        metadata = FoundPage(best, "", None).metadata
        assert (metadata["first_line"], metadata["last_line"]) == best.lines


def test_lines_are_printed_in_every_format(folder: Path) -> None:
    index = folder / "index"
    best = json.loads(query(index, "--json").splitlines()[0])
    first, last = best["lines"]
    assert first <= 181 <= last
    assert query(index).splitlines()[1].split("\t")[2] == f"zoo.py:{first}-{last}"
    (row, *_) = csv.DictReader(io.StringIO(query(index, "--format", "csv")))
    assert (row["path"], row["lines"]) == ("zoo.py", f"{first}-{last}")
    assert query(index, "--format", "paths").splitlines()[0].endswith("zoo.py")
    grouped = json.loads(query(index, "--json", "--group-by", "document").splitlines()[0])
    assert grouped["lines"] == [first, last]


def test_lines_are_in_answers_of_a_server(folder: Path) -> None:
    with served(ServerSettings(folder / "index")) as (client, _):
        (answer,) = client.post("/v1/search", json={"query": QUESTION}).json()["answers"]
        first, last = answer["hits"][0]["lines"]
        assert first <= 181 <= last
        assert {hit["lines"] is None for hit in answer["hits"] if hit["path"] == "prices.pdf"} <= {True}
    assert ask_server._lines(answer["hits"][0]) == {"lines": [first, last]}
    assert ask_server._lines({"lines": None}) == ask_server._lines({}) == {}


def test_lines_are_in_answers_to_agents(folder: Path) -> None:
    pytest.importorskip("mcp")
    from docsearch.server.agents.tools import AgentTools

    with closing(AgentTools({"": folder / "index"})) as tools:
        found = tools.search(QUESTION)
    assert found.hits[0].lines is not None
    assert found.hits[0].lines[0] <= 181 <= found.hits[0].lines[1]


def test_lines_are_in_answers_of_several_indexes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/z.txt").write_text("nothing\n\n\nzebra crossing\n")
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", device="cpu")
    with open_index([folder / "index", tmp_path / "index"]) as index:
        found = {hit.ref.path: hit.lines for hit in index.search(f"{QUESTION} ticket prices", k=20)}
    assert found["z.txt"] == (1, 4)
    assert found["prices.pdf"] is None
    assert found["zoo.py"] is not None


def test_an_index_of_an_earlier_version_has_no_lines_and_gets_them_with_new_documents(tmp_path: Path) -> None:
    write_source(tmp_path / "docs/a.py")
    encoder, index = FakeEncoder(), tmp_path / "index"
    pipeline.index_documents([tmp_path / "docs"], index, encoder=encoder, kinds=["code"])
    with closing(sqlite3.connect(index / "catalog.sqlite")) as catalog:
        catalog.execute("DROP TRIGGER lines_page_deleted")
        catalog.execute("DROP TABLE page_lines")
        catalog.commit()
    assert set(lines_of(index).values()) == {None}
    (tmp_path / "docs/b.py").write_text("x = 1\n")
    pipeline.index_documents([tmp_path / "docs"], index, encoder=encoder, kinds=["code"])
    assert lines_of(index)["b.py", 1] == (1, 1)
    (tmp_path / "docs/b.py").unlink()
    pipeline.index_documents([tmp_path / "docs"], index, encoder=encoder, kinds=["code"], prune=True)
    with closing(sqlite3.connect(index / "catalog.sqlite")) as catalog:
        assert catalog.execute("SELECT count(*) FROM page_lines").fetchone() == (0,)


def test_a_model_of_text_gets_passages_and_their_pictures_show_them(folder: Path, tmp_path: Path) -> None:
    encoder, index = TextEncoder(), tmp_path / "index"
    pipeline.index_documents([folder / "docs"], index, encoder=encoder, kinds=["all"])
    found = lines_of(index)
    assert found["prices.pdf", 1] is None
    assert found["note.txt", 1] == (1, 3)
    passages = {page: lines for (path, page), lines in found.items() if path == "zoo.py"}
    text = (folder / "docs/zoo.py").read_text().split("\n")
    with open_snapshot(index) as snapshot:
        assert snapshot.producer("zoo.py") == "docsearch passages 1"
        assert snapshot.producer("prices.pdf") == ""
        for row, ref in enumerate(snapshot.refs(range(len(snapshot)))):
            if ref.path == "zoo.py":
                first, last = passages[ref.page] or (0, 0)
                assert snapshot.text(row) == "\n".join(text[first - 1 : last])
        refs = [ref for ref in snapshot.refs(range(len(snapshot))) if ref.path == "zoo.py"]
    with closing(PageImages.small(index)) as images:
        rendered = images.render(refs[1])
    first, last = passages[2] or (0, 0)
    assert rendered.text == "\n".join(text[first - 1 : last])
    with served(ServerSettings(index), encoder=encoder) as (client, _):
        shown = client.get(f"/v1/documents/{refs[1].doc_id}/pages/{refs[1].page}.png", params={"width": 200})
        with Image.open(io.BytesIO(shown.content)) as picture:
            expected = rendered.size_pt[1] / rendered.size_pt[0]
            assert picture.height / picture.width == pytest.approx(expected, abs=0.02)


def test_text_files_are_laid_out_again_where_the_model_reads_passages(tmp_path: Path) -> None:
    write_source(tmp_path / "docs/a.py")
    index = tmp_path / "index"
    pipeline.index_documents([tmp_path / "docs"], index, encoder=FakeEncoder(), kinds=["code"])
    pages = lines_of(index)
    encoder = TextEncoder()
    report = pipeline.index_documents([tmp_path / "docs"], index, encoder=encoder, kinds=["code"])
    assert (report.documents, report.skipped) == (1, 0)
    assert lines_of(index) != pages
    assert plan([tmp_path / "docs"], index, FileChoice(kinds=("code",))).unchanged == 1
    assert pipeline.index_documents([tmp_path / "docs"], index, encoder=encoder, kinds=["code"]).skipped == 1
