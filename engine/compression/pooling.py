"""Token pooling: replaces a page's patch vectors by fewer, each the mean of a cluster of similar patches.

Clavié, Chaffin and Adams, "Reducing the footprint of multi-vector retrieval with minimal performance impact via token
pooling", 2024. Clusters are merged by Ward's criterion (Ward, "Hierarchical grouping to optimize an objective
function", 1963): the next two to merge are those that add least to the squared distances between patches and their
cluster's mean. They are found by following nearest neighbours until two are each other's (nearest-neighbour chain), in
O(T²) time and memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..records import F16, F32, I64, U16, WHOLE_PAGE

SETTING = "pool"
"""Key of the pooling factor in an index's fingerprint; without it the factor is 1."""
NO_LIMIT = -1.0
"""A minimum cosine that every pair of vectors has."""
TOGETHER_MAX = 4096
"""Patches that are clustered together, at most, because of O(T²); a page with more is pooled in bands from its top."""
TINY = 1e-6
"""A mean vector shorter than this has no direction."""


class Pooled(NamedTuple):
    """The C clusters of a pooled page.

    `vectors` (C, D) float16 of unit length; `boxes` (C, 4) uint16, each the union of its patches' boxes; `sizes` (C,)
    int64, the number of its patches; `firsts` (C,) int64, the first of them, ascending.
    """

    vectors: F16
    boxes: U16
    sizes: I64
    firsts: I64


def factor_of(fingerprint: Mapping[str, str | int | float]) -> int:
    """The pooling factor that an index's fingerprint records."""
    return int(fingerprint.get(SETTING, 1))


def pool(vectors: F16, boxes: U16, factor: int, *, min_cosine: float = NO_LIMIT) -> Pooled:
    """Merge one page's patches, `vectors` (T, D) of unit length at `boxes` (T, 4), into max(1, T // factor) clusters.

    There are more where the mean cosine between the patches of two clusters is below `min_cosine`: those are not
    merged. Nor are patches with a place merged with those whose box is the whole page. A patch that is merged with no
    other stays the same bits. The order of the patches decides nothing but the order of the result. Raises ValueError
    for a factor below 1, and for numbers that are not finite.
    """
    if factor < 1:
        raise ValueError(f"the pooling factor must be at least 1, not {factor}")
    if not np.isfinite(vectors).all():
        raise ValueError("the vectors of a page hold numbers that are not finite")
    if factor == 1 or len(vectors) < 2:
        return Pooled(vectors, boxes, np.ones(len(vectors), np.int64), np.arange(len(vectors)))
    order = _by_content(vectors, boxes)
    if len(vectors) > TOGETHER_MAX:
        from_top = order[np.argsort(boxes[order, 1], kind="stable")]
        return _pool_bands(vectors, boxes, factor, np.array_split(from_top, -(-len(order) // TOGETHER_MAX)), min_cosine)
    labels = clusters(
        vectors[order].astype(np.float32), boxes[order], max(1, len(vectors) // factor), min_cosine=min_cosine
    )
    grouped = np.argsort(labels, kind="stable")
    members = order[grouped]  # (T,), cluster by cluster
    starts = np.flatnonzero(np.diff(labels[grouped], prepend=-1))
    sizes = np.diff(starts, append=len(labels))
    means = np.add.reduceat(vectors[members].astype(np.float32), starts)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    pooled = (means / np.maximum(lengths, TINY)).astype(np.float16)
    unchanged = (sizes == 1) | (lengths[:, 0] < TINY)
    pooled[unchanged] = vectors[members[starts[unchanged]]]
    corners = np.minimum.reduceat(boxes[members, :2], starts), np.maximum.reduceat(boxes[members, 2:], starts)
    firsts = np.minimum.reduceat(members, starts)
    by_first = np.argsort(firsts)
    return Pooled(pooled[by_first], np.concatenate(corners, axis=1)[by_first], sizes[by_first], firsts[by_first])


def _pool_bands(vectors: F16, boxes: U16, factor: int, bands: list[I64], min_cosine: float) -> Pooled:
    parts = [pool(vectors[band], boxes[band], factor, min_cosine=min_cosine) for band in bands]
    firsts = np.concatenate([band[part.firsts] for band, part in zip(bands, parts, strict=True)])
    by_first = np.argsort(firsts)
    pooled, corners, sizes = (np.concatenate([part[field] for part in parts])[by_first] for field in range(3))
    return Pooled(pooled, corners, sizes, firsts[by_first])


def clusters(vectors: F32, boxes: U16, count: int, *, min_cosine: float = NO_LIMIT) -> I64:
    """The cluster of each patch, (T,) int64, after merging down to `count` clusters, or until no two reach
    `min_cosine`.
    """
    whole = (boxes == WHOLE_PAGE).all(axis=1)
    found: list[tuple[float, int, int]] = []
    for kind in (np.flatnonzero(~whole), np.flatnonzero(whole)):
        found += [(cost, int(kind[a]), int(kind[b])) for cost, a, b in ward_merges(vectors[kind])]
    found.sort()
    parents = np.arange(len(vectors))
    sums, sizes = vectors.astype(np.float64), np.ones(len(vectors))
    left = len(vectors)
    for _, a, b in found:
        if left == count:
            break
        one, other = sorted((_root(parents, a), _root(parents, b)))
        if sums[one] @ sums[other] < min_cosine * sizes[one] * sizes[other]:
            continue
        parents[other] = one
        sums[one] += sums[other]
        sizes[one] += sizes[other]
        left -= 1
    return np.array([_root(parents, row) for row in range(len(vectors))], np.int64)


def ward_merges(vectors: F32) -> list[tuple[float, int, int]]:
    """The T - 1 merges of vectors (T, D) of unit length into one cluster: the cost, and a vector of either cluster."""
    apart = 2 - 2 * (vectors @ vectors.T)  # (T, T): squared distances of vectors of unit length
    np.maximum(apart, 0, out=apart)
    np.fill_diagonal(apart, np.inf)
    sizes = np.ones(len(vectors), np.float32)
    alive = np.ones(len(vectors), bool)
    chain: list[int] = []
    found: list[tuple[float, int, int]] = []
    for _ in range(len(vectors) - 1):
        if not chain:
            chain.append(int(alive.argmax()))
        while True:
            a = chain[-1]
            b = int(apart[a].argmin())
            # Of equals the previous one is taken, or the chain would run in circles.
            if len(chain) > 1 and apart[a, chain[-2]] <= apart[a, b]:
                b = chain[-2]
                break
            chain.append(b)
        del chain[-2:]
        cost = apart[a, b]
        found.append((float(cost), a, b))
        joint = (sizes[a] + sizes) * apart[a] + (sizes[b] + sizes) * apart[b] - sizes * cost
        joint /= sizes[a] + sizes[b] + sizes
        joint[[a, b]] = np.inf
        apart[b], apart[:, b] = joint, joint
        apart[a], apart[:, a] = np.inf, np.inf
        alive[a] = False
        sizes[b] += sizes[a]
    return found


def _by_content(vectors: F16, boxes: U16) -> I64:
    """An order of the patches (T,) that depends on their content alone, not on their positions."""
    content = np.concatenate([vectors.view(np.uint16), boxes], axis=1)
    rows = content.view([("", content.dtype)] * content.shape[1]).ravel()
    return np.argsort(rows, kind="stable")


def _root(parents: I64, row: int) -> int:
    """The representative of a row's cluster in the union-find forest `parents`; shortens the path to it."""
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = int(parents[row])
    return row
