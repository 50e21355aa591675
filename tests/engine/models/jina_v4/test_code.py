"""Source files with jina-embeddings-v4: their pages are embedded as texts, with the adapter for code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pymupdf

import tiny_jina
from docsearch.engine.compression import codecs
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline


def test_source_files_are_embedded_as_texts_with_the_adapter_for_code(tmp_path: Path) -> None:
    folder = tiny_jina.write(tmp_path / "jina")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/sums.py").write_text("def total(prices):\n    return sum(prices)\n")
    (tmp_path / "src/text.py").write_text("def shout(words):\n    return words.upper()\n")
    name = f"{folder},task=code,pages=text"
    report = pipeline.index_documents(
        [tmp_path / "src"], tmp_path / "index", model=name, device="cpu", kinds=["code"], codec="float16"
    )
    assert (report.pages, report.failed) == (2, ())
    encoder = JinaV4.open(name, device="cpu")
    with open_searcher(tmp_path / "index") as searcher:
        snapshot = searcher.snapshot
        assert snapshot.fingerprint["task"] == "code"
        for row in range(2):
            text = snapshot.text(row)
            assert text.startswith("def ")
            (block,) = snapshot.blocks(rows=np.array([row]))
            wanted = encoder.encode_texts([text]).vectors[0]
            np.testing.assert_allclose(codecs.decode(block.coded), wanted, atol=5e-3)
        assert len(searcher.search("the sum of all prices", k=2)) == 2


def test_one_index_holds_pages_as_pictures_and_passages_as_texts(tmp_path: Path) -> None:
    folder = tiny_jina.write(tmp_path / "jina")
    (tmp_path / "docs").mkdir()
    body = "\n".join(f"    total += prices[{number}]" for number in range(40))
    (tmp_path / "docs/sums.py").write_text(f"def total(prices):\n{body}\n\ndef shout(words):\n{body}\n")
    (tmp_path / "docs/notes.md").write_text("# Prices\n\nThe total is a *sum*.\n")
    with pymupdf.open() as document:
        document.new_page(width=140, height=200).insert_text((20, 40), "prices")
        document.save(tmp_path / "docs/page.pdf")
    name = f"{folder},task=code,max_pixels=50176"
    report = pipeline.index_documents(
        [tmp_path / "docs"], tmp_path / "index", model=name, device="cpu", kinds=["all"], codec="float16"
    )
    assert report.failed == ()
    encoder = JinaV4.open(name, device="cpu")
    with open_searcher(tmp_path / "index") as searcher:
        snapshot = searcher.snapshot
        rows = range(len(snapshot))
        places = list(zip(snapshot.refs(rows), snapshot.lines(rows), strict=True))
        by_path = {path: [lines for ref, lines in places if ref.path == path] for path in ("notes.md", "page.pdf")}
        assert by_path == {"notes.md": [(1, 3)], "page.pdf": [None]}
        for row, (ref, lines) in enumerate(places):
            (block,) = snapshot.blocks(rows=np.array([row]))
            text = snapshot.text(row)
            wanted = encoder.encode_texts([text or "prices"]).vectors[0]
            stored = codecs.decode(block.coded)
            if lines is None:
                assert len(stored) != len(wanted)  # tokens of the picture
            else:
                whole = (tmp_path / "docs" / ref.path).read_text().split("\n")
                assert text == "\n".join(whole[lines[0] - 1 : lines[1]])
                np.testing.assert_allclose(stored, wanted, atol=5e-3)
        found = searcher.search("the sum of all prices", k=len(snapshot))
        assert {hit.ref.path for hit in found} == {"sums.py", "notes.md", "page.pdf"}
