"""Source files with jina-embeddings-v4: their pages are embedded as texts, with the adapter for code."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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
