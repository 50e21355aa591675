"""The inverted file over patches: near the exact scores, whole or in few bytes."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest

import toy_words
from docsearch.engine import patch_lists
from docsearch.engine.kernels import maxsim
from docsearch.engine.search import open_index
from docsearch.engine.store import Snapshot, open_snapshot
from toy_words import ToyEncoder

QUESTION = "w3 w17 w101"


def built(directory: Path, pages: int) -> tuple[Snapshot, faiss.IndexIVF]:
    rng = np.random.default_rng(0)
    contents = [rng.choice(toy_words.WORDS, 40, replace=False).tolist() for _ in range(pages)]
    toy_words.write(directory, {"a.pdf": contents, "empty.pdf": [[], [3, 17]]})
    snapshot = open_snapshot(directory)
    return snapshot, patch_lists.build(snapshot, ToyEncoder().code)


def exact_scores(snapshot: Snapshot) -> np.ndarray:
    query = ToyEncoder().encode_query(QUESTION)
    scores = np.empty(len(snapshot), np.float32)
    for block in snapshot.blocks():
        maxima = maxsim.token_maxima(query.vectors, block.coded, block.offsets)
        scores[block.rows] = maxsim.score(maxsim.match(maxima, query), query.weights)
    return scores


@pytest.mark.parametrize(("pages", "kind"), [(50, faiss.IndexIVFFlat), (300, faiss.IndexIVFPQ)])
def test_scores_follow_the_exact_ones(tmp_path: Path, pages: int, kind: type) -> None:
    snapshot, index = built(tmp_path / "index", pages)
    assert isinstance(index, kind)
    assert index.ntotal == snapshot.lengths.sum()
    got = patch_lists.scores(index, ToyEncoder().encode_query(QUESTION), first_pages=np.arange(len(snapshot)))
    np.testing.assert_allclose(got, exact_scores(snapshot), atol=0.08)
    snapshot.close()


def test_every_patch_is_filed_under_its_word_and_page(tmp_path: Path) -> None:
    snapshot, index = built(tmp_path / "index", 50)
    filed = [
        (word, row)
        for word in range(toy_words.WORDS)
        for row in faiss.rev_swig_ptr(index.invlists.get_ids(word), index.invlists.list_size(word)).tolist()
    ]
    assert sorted(filed) == sorted((word, row) for row, page in enumerate(snapshot.words()) for word in page.tolist())
    snapshot.close()


def test_damaged_file_is_made_again(tmp_path: Path) -> None:
    snapshot, _ = built(tmp_path / "index", 50)
    snapshot.close()
    with open_index(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        before = searcher.search(QUESTION, candidates=20)
    (file,) = (tmp_path / "index" / "cache").glob("patches-*.faiss")
    file.write_bytes(file.read_bytes()[:100])
    with open_index(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        assert searcher.search(QUESTION, candidates=20) == before
    assert file.stat().st_size > 100


def test_small_index_is_not_prepared_and_a_large_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, _ = built(tmp_path / "index", 50)
    snapshot.close()
    cache = tmp_path / "index" / "cache"
    with open_index(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        searcher.prepare()
    assert not list(cache.glob("*.faiss"))
    monkeypatch.setattr("docsearch.engine.search.EXACT_VECTORS", 10)
    with open_index(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        searcher.prepare()
        assert "two stages" in str(searcher.info()["search"])
    assert len(list(cache.glob("*.faiss"))) == 2
