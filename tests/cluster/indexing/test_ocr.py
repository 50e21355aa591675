"""Scans that workers on a cluster read by OCR: the index has the text that one machine reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import fake_tesseract
from docsearch.cluster.connection import connected
from docsearch.cluster.indexing.coordinator import ClusterOptions
from docsearch.cluster.indexing.index import index_documents
from docsearch.cluster.indexing.pool import PoolOptions
from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline
from docsearch.indexer.settings import IndexSettings
from fake_encoder import FakeEncoder
from fake_tesseract import WORDS, FakeTesseract
from local_cluster import local_cluster
from same_index import content

pytest.importorskip("ray", reason="needs the extra ray")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTesseract]:
    yield fake_tesseract.install(tmp_path / "bin", monkeypatch)
    fake_tesseract.forget()


def test_workers_read_scans_as_one_machine_does(
    fake: FakeTesseract, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    documents = tmp_path / "documents"
    make_pdf(documents / "printed.pdf", ["a page with a text layer, which OCR leaves alone"])
    for name in ("first", "second"):
        scan = Image.new("RGB", (300, 200), "white")
        ImageDraw.Draw(scan).line((0, 0, 300, 200), "black", 9)  # a blank page is not read
        scan.save(documents / f"{name}.png")
    together, alone = tmp_path / "together", tmp_path / "alone"
    with local_cluster(1), connected("local"):  # its workers find programs where this process finds them now
        options = ClusterOptions(PoolOptions(workers=1, cpus=1))
        settings = IndexSettings(ocr="tesseract")
        report = index_documents([documents], together, settings=settings, options=options, encoder=FakeEncoder())
    calls = fake.calls
    assert (report.ocr_pages, len(calls)) == (2, 2)
    pipeline.index_documents([documents], alone, encoder=FakeEncoder(), ocr="tesseract")
    assert sorted(fake.calls) == sorted(calls * 2), "the same options"
    assert content(together) == content(alone)
    with open_snapshot(together) as snapshot:
        texts = {ref.path: snapshot.text(row) for row, ref in enumerate(snapshot.refs(range(len(snapshot))))}
    read = " ".join(word for word, confidence in WORDS if confidence > 50)
    assert texts["first.png"] == texts["second.png"] == read
    assert "text layer" in texts["printed.pdf"]
