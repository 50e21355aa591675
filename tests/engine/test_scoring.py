"""The top k of many scores is what sorting all of them gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine import scoring


@given(st.integers(1, 5000), st.integers(1, 40), st.sampled_from([1, 3, 1000]), st.integers(0, 1000))
def test_scores_that_reach_the_top_k_are_those_not_below_the_kth(pages: int, k: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, levels, pages) * rng.choice([0, 1, 7])).astype(np.float32)
    k = min(k, pages)
    wanted = np.flatnonzero(scores >= np.sort(scores)[::-1][k - 1])
    np.testing.assert_array_equal(scoring.reaching(scores, k), wanted)


def test_the_top_k_of_very_many_pages_breaks_ties_by_page_order() -> None:
    rng = np.random.default_rng(5)
    scores, order = rng.integers(0, 50, 100_000).astype(np.float32), rng.permutation(100_000)
    found = scoring.top_k(np.arange(100_000), scores, 10, order)
    wanted = np.lexsort((order, -scores))[:10]
    np.testing.assert_array_equal(found.pages, wanted)
    np.testing.assert_array_equal(found.scores, scores[wanted])
