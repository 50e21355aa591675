"""Token pooling: properties of the clusters of one page's patches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docsearch.engine.compression import pooling
from docsearch.engine.records import BOX_SCALE, F16, U16, WHOLE_PAGE
from hypothesis_profiles import examples

Page = tuple[F16, U16]
SIZES = st.sampled_from([1, 2, 3, 7, 63, 129])
FACTORS = st.sampled_from([1, 2, 3, 5, 200])


def random_page(size: int, dim: int = 16, seed: int = 0) -> Page:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((size, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    corners = np.sort(rng.integers(0, BOX_SCALE, (size, 2, 2)), axis=1)
    return vectors.astype(np.float16), corners.reshape(size, 4).astype(np.uint16)


def rows(page: pooling.Pooled) -> set[bytes]:
    return {vector.tobytes() + box.tobytes() for vector, box in zip(page.vectors, page.boxes, strict=True)}


@settings(max_examples=examples(40))
@given(SIZES, FACTORS, st.integers(0, 9))
def test_one_cluster_in_factor_patches_and_at_least_one(size: int, factor: int, seed: int) -> None:
    page = pooling.pool(*random_page(size, seed=seed), factor)
    assert len(page.vectors) == len(page.boxes) == len(page.firsts) == max(1, size // factor)
    assert page.sizes.sum() == size


@settings(max_examples=examples(40))
@given(SIZES, FACTORS, st.integers(0, 9))
def test_vectors_keep_unit_length(size: int, factor: int, seed: int) -> None:
    lengths = np.linalg.norm(pooling.pool(*random_page(size, seed=seed), factor).vectors.astype(np.float32), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=2e-3)


def test_vectors_are_the_means_and_boxes_the_unions_of_their_patches() -> None:
    vectors, boxes = random_page(60)
    groups = np.arange(60) % 20
    vectors = (np.eye(32, dtype=np.float32)[groups] + 0.01 * np.pad(vectors, ((0, 0), (0, 16)))).astype(np.float32)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    page = pooling.pool(vectors, boxes, 3)
    assert page.firsts.tolist() == list(range(20))
    for group in range(20):
        mean = vectors[groups == group].astype(np.float32).mean(axis=0)
        np.testing.assert_allclose(page.vectors[group], mean / np.linalg.norm(mean), atol=1e-3)
        own = boxes[groups == group]
        assert page.boxes[group].tolist() == [*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)]


def test_identical_vectors_merge_first() -> None:
    vectors, boxes = random_page(10)
    page = pooling.pool(np.repeat(vectors, 3, axis=0), np.repeat(boxes, 3, axis=0), 3)
    assert page.sizes.tolist() == [3] * 10
    np.testing.assert_allclose(page.vectors, vectors, atol=1e-3)
    np.testing.assert_array_equal(page.boxes, boxes)


@settings(max_examples=examples(30))
@given(SIZES, FACTORS, st.integers(0, 9))
def test_order_of_patches_changes_nothing(size: int, factor: int, seed: int) -> None:
    vectors, boxes = random_page(size, seed=seed)
    vectors[size // 2 :] = vectors[: size - size // 2]  # the order could decide only between equal ones
    shuffled = np.random.default_rng(seed).permutation(size)
    page, again = pooling.pool(vectors, boxes, factor), pooling.pool(vectors[shuffled], boxes[shuffled], factor)
    assert rows(page) == rows(again)


def test_result_is_in_the_order_of_first_patches() -> None:
    page = pooling.pool(*random_page(129), 3)
    assert (np.diff(page.firsts) > 0).all()


def test_factor_1_changes_nothing() -> None:
    vectors, boxes = random_page(63)
    page = pooling.pool(vectors, boxes, 1)
    assert (page.vectors.tobytes(), page.boxes.tobytes()) == (vectors.tobytes(), boxes.tobytes())


@pytest.mark.parametrize("factor", [1, 2, 200])
def test_page_without_patches_stays_empty(factor: int) -> None:
    page = pooling.pool(np.zeros((0, 16), np.float16), np.zeros((0, 4), np.uint16), factor)
    assert (page.vectors.shape, page.boxes.shape, page.sizes.shape) == ((0, 16), (0, 4), (0,))


def test_patch_that_is_not_merged_stays_the_same_bits() -> None:
    vectors, boxes = random_page(129)
    page = pooling.pool(vectors, boxes, 2)
    alone = page.sizes == 1
    assert alone.any()
    assert page.vectors[alone].tobytes() == vectors[page.firsts[alone]].tobytes()
    assert page.boxes[alone].tobytes() == boxes[page.firsts[alone]].tobytes()


@pytest.mark.parametrize("min_cosine", [0.3, 0.7, 0.95])
def test_clusters_below_the_minimum_cosine_are_not_merged(min_cosine: float) -> None:
    vectors, boxes = random_page(129, dim=3)
    page = pooling.pool(vectors, boxes, 1000, min_cosine=min_cosine)
    assert 1 < len(page.vectors) < 129
    labels = pooling.clusters(vectors.astype(np.float32), boxes, 1, min_cosine=min_cosine)
    for label in np.unique(labels):
        own = vectors[labels == label].astype(np.float32)
        assert len(own) == 1 or (own @ own.T).mean() >= min_cosine - 1e-3


def test_whole_page_vectors_merge_only_with_each_other() -> None:
    vectors, boxes = random_page(40)
    boxes[::4] = WHOLE_PAGE
    vectors[1::4] = vectors[::4]  # the most similar pairs have one with a place and one without
    page = pooling.pool(vectors, boxes, 2)
    assert len(page.vectors) == 20
    labels = pooling.clusters(vectors.astype(np.float32), boxes, 20)
    assert not set(labels[::4].tolist()) & set(np.delete(labels, np.s_[::4]).tolist())
    assert len(pooling.pool(vectors, boxes, 100).vectors) == 2


def test_opposite_vectors_have_no_mean_and_the_page_still_has_a_vector() -> None:
    vectors = np.array([[1, 0], [-1, 0]], np.float16)
    page = pooling.pool(vectors, np.array([[0, 0, 9, 9]] * 2, np.uint16), 2)
    assert np.abs(page.vectors).tolist() == [[1, 0]]


def test_numbers_that_are_not_finite_are_refused() -> None:
    vectors, boxes = random_page(7)
    vectors[3, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        pooling.pool(vectors, boxes, 2)


def test_ward_merges_equal_those_from_looking_at_every_pair() -> None:
    vectors = random_page(40)[0].astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = sorted(cost for cost, _, _ in pooling.ward_merges(vectors))
    np.testing.assert_allclose(found, costs_by_definition(vectors), rtol=1e-3)


def costs_by_definition(vectors: np.ndarray) -> list[float]:
    """The costs of Ward's merges by definition: twice what each adds to the squared distances to the cluster means."""
    clusters = [vectors[[row]].astype(np.float64) for row in range(len(vectors))]
    costs = []

    def spread(patches: np.ndarray) -> float:
        return float(((patches - patches.mean(axis=0)) ** 2).sum())

    while len(clusters) > 1:
        pairs = [(a, b) for b in range(len(clusters)) for a in range(b)]
        added = [
            2 * (spread(np.concatenate([clusters[a], clusters[b]])) - spread(clusters[a]) - spread(clusters[b]))
            for a, b in pairs
        ]
        best = int(np.argmin(added))
        costs.append(added[best])
        a, b = pairs[best]
        clusters[a] = np.concatenate([clusters[a], clusters.pop(b)])
    return costs


def test_a_page_of_very_many_patches_is_pooled_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "TOGETHER_MAX", 50)
    vectors, boxes = random_page(230)
    page = pooling.pool(vectors, boxes, 3)
    assert page.sizes.sum() == 230
    assert 230 / 3 - 5 <= len(page.vectors) <= 230 / 3
    assert (np.diff(page.firsts) > 0).all()
    single = page.sizes == 1
    np.testing.assert_array_equal(page.vectors[single], vectors[page.firsts[single]])
    np.testing.assert_array_equal(page.boxes[single], boxes[page.firsts[single]])
    order = np.random.default_rng(1).permutation(230)
    assert rows(pooling.pool(vectors[order], boxes[order], 3)) == rows(page)
