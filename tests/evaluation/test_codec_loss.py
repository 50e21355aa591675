"""Properties of the measured loss of a codec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.ranking import rerank
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_writer
from docsearch.evaluation import codec_loss
from toy_words import ToyEncoder

PAGES = {f"{i}.pdf": [[3 * i + j for j in range(20)], [], [7, 2 * i, 9]] for i in range(8)}
QUESTIONS = ["w3 w7", "w9 w2", "w40"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    toy_words.write(tmp_path / "index", PAGES)
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.compact("float16")
    return tmp_path / "index"


def test_codecs_come_with_their_bytes_and_their_loss(directory: Path) -> None:
    with open_searcher(directory, encoder=ToyEncoder()) as searcher:
        found = codec_loss.measure(searcher, QUESTIONS)
    assert [(each.codec, each.vector_bytes) for each in found] == [
        ("int8", 66),
        ("int4", 34),
        ("residual", 12),
        ("binary", 10),
    ]
    assert all((each.queries, each.pages) == (3, 24) for each in found)
    for each in found:
        assert 0 <= each.recall_at_10 <= 1
        assert 0 <= each.ndcg_at_10 <= 1 + 1e-6
    assert found[0].ndcg_at_10 > 0.999
    assert found[0].ndcg_at_10 >= found[3].ndcg_at_10


@pytest.mark.parametrize("codec", ["int8", "int4", "residual", "binary"])
def test_what_is_measured_is_what_a_compaction_gives(directory: Path, codec: str) -> None:
    encoder = ToyEncoder(pairs=True)
    with open_searcher(directory, encoder=encoder) as searcher:
        asked = searcher.weigh([encoder.encode_query(text) for text in QUESTIONS])
        said = rerank.rank(
            codec_loss.Recoded(searcher.snapshot, codec, encoder.visual_words.codebook), asked, rows=None, k=10
        )
    with open_writer(directory, fingerprint=None) as writer:
        writer.compact(codec, encoder.visual_words.codebook)
    with open_searcher(directory, encoder=encoder) as searcher:
        got = rerank.rank(searcher.snapshot, asked, rows=None, k=10)
    for one, other in zip(said, got, strict=True):
        np.testing.assert_array_equal(one.pages, other.pages)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_large_collections_are_sampled_evenly(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_loss, "MAX_VECTORS", 92)
    with open_searcher(directory, encoder=ToyEncoder()) as searcher:
        rows = codec_loss.sampled(searcher.snapshot)
    assert rows.tolist() == np.unique(np.linspace(0, 23, 12).astype(int)).tolist()
