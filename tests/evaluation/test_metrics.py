"""Properties of the ranking metrics, and their agreement with trec_eval."""

from __future__ import annotations

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.evaluation import metrics


def test_ndcg_is_one_for_an_ideal_ranking_and_falls_with_the_rank() -> None:
    assert metrics.ndcg("abc", {"a", "b"}, 5) == 1.0
    assert metrics.ndcg("xa", {"a"}, 5) == pytest.approx(1 / math.log2(3))
    assert metrics.ndcg("vwxyza", {"a"}, 5) == 0.0
    assert metrics.ndcg("abcde", set("abcdefgh"), 5) == 1.0


def test_graded_ndcg_counts_earlier_items_more_and_unknown_ones_nothing() -> None:
    gains = {4: 0.9, 2: 0.3}
    assert metrics.ndcg([4, 2], gains, 10) == 1.0
    assert 1 > metrics.ndcg([2, 4], gains, 10) > metrics.ndcg([2, 9], gains, 10)
    ideal = 0.9 + 0.3 / math.log2(3)
    assert metrics.ndcg([9, 4, 2], gains, 10) == pytest.approx((0.9 / math.log2(3) + 0.3 / 2) / ideal)


def test_success_asks_for_any_right_item() -> None:
    assert [metrics.success("xab", {"a", "b"}, k) for k in (1, 2, 5)] == [0.0, 1.0, 1.0]


def test_overlap_ignores_the_order() -> None:
    assert metrics.overlap("cab", "abcd") == 0.75
    assert metrics.overlap("", "") == 1.0


@given(st.integers(0, 10_000), st.sampled_from([1, 5, 10]), st.booleans())
def test_metrics_are_those_of_trec_eval(seed: int, k: int, graded: bool) -> None:
    rng = np.random.default_rng(seed)
    items = [f"d{i}" for i in range(30)]
    ranked = rng.permutation(items)[: rng.integers(1, 20)].tolist()
    gains = {
        str(item): int(rng.integers(1, 4)) if graded else 1 for item in rng.choice(items, rng.integers(1, 9), False)
    }
    qrels, run = {"q": gains}, {"q": {item: 100.0 - rank for rank, item in enumerate(ranked)}}
    wanted = ir_measures.calc_aggregate([ir_measures.nDCG @ k, ir_measures.Success @ k], qrels, run)
    relevant = gains if graded else set(gains)
    assert metrics.ndcg(ranked, relevant, k) == pytest.approx(wanted[ir_measures.nDCG @ k])
    assert metrics.success(ranked, set(gains), k) == wanted[ir_measures.Success @ k]
