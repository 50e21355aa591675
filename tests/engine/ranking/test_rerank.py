"""Stage 2 tested against plain MaxSim, computed from decoded vectors by the reference and sorted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.compression import codecs
from docsearch.engine.kernels.maxsim import reference
from docsearch.engine.ranking import rerank
from docsearch.engine.ranking.prior import PagePrior
from docsearch.engine.records import F32, QueryVectors, Ragged
from docsearch.engine.store import Snapshot, open_snapshot
from toy_words import ToyEncoder

pytestmark = pytest.mark.usefixtures("instructions")


def contextual(text: str) -> QueryVectors:
    """A query as a language model's: plain MaxSim, clipped to 0..1."""
    return replace(ToyEncoder().encode_query(text), contextual=True, floor=0.0, ceiling=1.0)


def plain_maxsim(snapshot: Snapshot, query: QueryVectors) -> F32:
    """The score (N,) of every page by the reference."""
    pages = [
        codecs.decode(block.coded)[first:last]
        for block in snapshot.blocks()
        for first, last in zip(block.offsets[:-1].tolist(), block.offsets[1:].tolist(), strict=True)
    ]
    return reference.token_maxima(query.vectors, Ragged.of(pages)).clip(0, 1) @ query.weights


@pytest.mark.parametrize("codec", codecs.CODECS)
@pytest.mark.parametrize("k", [1, 5, 100])
def test_top_k_of_a_contextual_query_is_plain_maxsim_sorted(tmp_path: Path, codec: str, k: int) -> None:
    rng = np.random.default_rng(7)
    pages = [[], *(rng.choice(toy_words.WORDS, 25, replace=False).tolist() for _ in range(50))]
    toy_words.write(tmp_path / "index", {"a.pdf": pages}, codec)
    query = contextual("w3 w17 w101 w250")
    with open_snapshot(tmp_path / "index") as snapshot:
        (ranking,) = rerank.rank(snapshot, [query], rows=None, k=k)
        scores = plain_maxsim(snapshot, query)
    wanted = [row for row in sorted(range(51), key=lambda row: (-scores[row], row)) if scores[row] > 0][:k]
    assert ranking.pages.tolist() == wanted
    np.testing.assert_allclose(ranking.scores, scores[wanted], atol=1e-4)


@pytest.mark.parametrize("pairs", [False, True])
def test_a_ranking_tells_the_visual_score_of_its_first_page(tmp_path: Path, pairs: bool) -> None:
    """It is the score that the page has alone, whatever is added to it."""
    rng = np.random.default_rng(5)
    pages = {f"{i}.pdf": [rng.integers(0, 20, 12).tolist() for _ in range(5)] for i in range(8)}
    toy_words.write(tmp_path / "index", pages)
    encoder = ToyEncoder(pairs=pairs)
    with open_snapshot(tmp_path / "index") as snapshot:
        prior = PagePrior(snapshot.lengths)
        for text in ("w1 w2 w3", "w7", "w4 w5 w6 w7 w8"):
            query = encoder.encode_query(text)
            for fusion in (None, lambda text=text: prior.applied(text, None, None)):
                (found,) = rerank.rank(snapshot, [query], rows=None, k=5, fusions=[fusion])
                (alone,) = rerank.rank(snapshot, [query], rows=found.pages[:1], k=1)
                assert found.best_visual == float(alone.scores[0])
