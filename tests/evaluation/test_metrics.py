"""Properties of the ranking metrics, and their agreement with trec_eval."""

from __future__ import annotations

import math

import pytest
import pytrec_eval
from hypothesis import example, given
from hypothesis import strategies as st

from docsearch.evaluation import metrics

TREC_NAMES = {
    "ndcg@1": "ndcg_cut_1",
    "ndcg@5": "ndcg_cut_5",
    "ndcg@10": "ndcg_cut_10",
    "recall@1": "recall_1",
    "recall@5": "recall_5",
    "recall@10": "recall_10",
    "success@1": "success_1",
    "success@5": "success_5",
    "mrr": "recip_rank",
}
ITEMS = [f"d/{name}.pdf#{page}" for name in ("a", "B", "é", "z z") for page in (1, 2, 3, 9, 10, 11)]
SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.5 + 1e-9, -1.0]), st.floats(-2, 2, width=32), st.floats(-2, 2))
RUNS = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3", "unjudged"]), st.dictionaries(st.sampled_from(ITEMS), SCORES, max_size=24)
)
QRELS = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3", "never asked"]),
    st.dictionaries(st.sampled_from(ITEMS), st.integers(-1, 3), min_size=1, max_size=12),
    min_size=1,
)


def test_ndcg_is_one_for_an_ideal_ranking_and_falls_with_the_rank() -> None:
    assert metrics.ndcg("abc", {"a", "b"}, 5) == 1.0
    assert metrics.ndcg("xa", {"a"}, 5) == pytest.approx(1 / math.log2(3))
    assert metrics.ndcg("vwxyza", {"a"}, 5) == 0.0
    assert metrics.ndcg("abcde", set("abcdefgh"), 5) == 1.0


def test_graded_ndcg_has_linear_gain() -> None:
    gains = {4: 3.0, 2: 1.0, 7: 0.0}
    assert metrics.ndcg([4, 2], gains, 10) == 1.0
    ideal = 3.0 + 1.0 / math.log2(3)
    assert metrics.ndcg([7, 4, 2], gains, 10) == pytest.approx((3.0 / math.log2(3) + 1.0 / 2) / ideal)


def test_recall_counts_all_relevant_items_and_success_any() -> None:
    assert [metrics.recall("xab", set("abc"), k) for k in (1, 2, 5)] == [0.0, 1 / 3, 2 / 3]
    assert [metrics.success("xab", {"a", "b"}, k) for k in (1, 2, 5)] == [0.0, 1.0, 1.0]


def test_reciprocal_rank_stops_at_k() -> None:
    assert metrics.reciprocal_rank("xya", {"a"}) == 1 / 3
    assert metrics.reciprocal_rank("xya", {"a"}, 2) == 0.0


def test_nothing_relevant_is_zero_and_not_an_error() -> None:
    for name in metrics.METRICS:
        assert metrics.metric(name)("abc", {"a": 0.0}) == 0.0
        assert metrics.metric(name)("", {"a": 1.0}) == 0.0


def test_overlap_ignores_the_order() -> None:
    assert metrics.overlap("cab", "abcd") == 0.75
    assert metrics.overlap("", "") == 1.0


@pytest.mark.parametrize("name", ["ndcg", "ndcg@0", "map@10", "recall", ""])
def test_other_names_are_no_metrics(name: str) -> None:
    with pytest.raises(ValueError, match="is no metric"):
        metrics.metric(name)


@given(RUNS, QRELS)
@example({"q1": {"a": 0.5, "b": 0.5 + 1e-9, "c": 0.5}}, {"q1": {"a": 1, "b": 2}, "q2": {"c": 1}})
@example({"q1": {}}, {"q1": {"a": 1}})
def test_metrics_are_those_of_trec_eval(run: dict[str, dict[str, float]], qrels: dict[str, dict[str, int]]) -> None:
    wanted = pytrec_eval.RelevanceEvaluator(qrels, set(TREC_NAMES.values())).evaluate(run)
    for query_id, grades in qrels.items():
        for name, value in metrics.values(metrics.ranking(run.get(query_id, {})), grades, tuple(TREC_NAMES)).items():
            # trec_eval leaves out questions without hits; here they count as 0, as with its option -c.
            of_trec = wanted.get(query_id, {}).get(TREC_NAMES[name], 0.0)
            assert value == pytest.approx(of_trec, abs=1e-9), (query_id, name)
