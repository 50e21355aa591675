"""Token pooling: a page's patch vectors go in, fewer come out, each the mean of patches that resemble one another.

Patches are merged by Ward's criterion, as in published token pooling: of all pairs of clusters those two become one
whose merge adds least to the squared distances between patches and the means of their clusters. Pairs are found by
following nearest neighbours until two are each other's (the nearest-neighbour chain), in O(T²) time and memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..records import F16, F32, I64, U16, WHOLE_PAGE

SETTING = "pool"
"""What an index records the factor under, beside its model; one that records nothing was made with 1."""
NO_LIMIT = -1.0
TINY = 1e-6
"""A mean shorter than this has no direction."""


class Pooled(NamedTuple):
    """A pooled page: `vectors` (C, D) float16 of unit length, `boxes` (C, 4) uint16, each the union of its patches'
    boxes, how many patches each stands for, `sizes` (C,) int64, and the first of them, `firsts` (C,) int64, ascending.
    """

    vectors: F16
    boxes: U16
    sizes: I64
    firsts: I64


def factor_of(fingerprint: Mapping[str, str | int | float]) -> int:
    """The factor that a fingerprint records."""
    return int(fingerprint.get(SETTING, 1))


def pool(vectors: F16, boxes: U16, factor: int, *, least: float = NO_LIMIT) -> Pooled:
    """Merge one page's patches, `vectors` (T, D) of unit length at `boxes` (T, 4), to max(1, T // factor).

    More stay where clusters are less alike than `least`, the mean cosine between the patches of two: those are never
    merged. Nor are patches that have a place with those whose box is the page, which stand for no place. A patch that
    merges with no other stays as it is to the bit. The order of the patches decides nothing but that of the result.
    """
    if factor < 1:
        raise ValueError(f"factor {factor} is below 1")
    if not np.isfinite(vectors).all():
        raise ValueError("a page's vectors hold numbers that are not finite")
    if factor == 1 or len(vectors) < 2:
        return Pooled(vectors, boxes, np.ones(len(vectors), np.int64), np.arange(len(vectors)))
    order = _by_content(vectors, boxes)
    labels = clusters(vectors[order].astype(np.float32), boxes[order], max(1, len(vectors) // factor), least=least)
    grouped = np.argsort(labels, kind="stable")
    members = order[grouped]  # (T,), cluster by cluster
    starts = np.flatnonzero(np.diff(labels[grouped], prepend=-1))
    sizes = np.diff(starts, append=len(labels))
    means = np.add.reduceat(vectors[members].astype(np.float32), starts)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    pooled = (means / np.maximum(lengths, TINY)).astype(np.float16)
    as_they_are = (sizes == 1) | (lengths[:, 0] < TINY)
    pooled[as_they_are] = vectors[members[starts[as_they_are]]]
    corners = np.minimum.reduceat(boxes[members, :2], starts), np.maximum.reduceat(boxes[members, 2:], starts)
    firsts = np.minimum.reduceat(members, starts)
    turn = np.argsort(firsts)
    return Pooled(pooled[turn], np.concatenate(corners, axis=1)[turn], sizes[turn], firsts[turn])


def clusters(vectors: F32, boxes: U16, count: int, *, least: float = NO_LIMIT) -> I64:
    """The cluster of each patch, (T,) int64, when merging ends at `count` clusters or for want of alike ones."""
    whole = (boxes == WHOLE_PAGE).all(axis=1)
    found: list[tuple[float, int, int]] = []
    for kind in (np.flatnonzero(~whole), np.flatnonzero(whole)):
        found += [(cost, int(kind[a]), int(kind[b])) for cost, a, b in merges(vectors[kind])]
    found.sort()
    parents = np.arange(len(vectors))
    sums, sizes = vectors.astype(np.float64), np.ones(len(vectors))
    left = len(vectors)
    for _, a, b in found:
        if left == count:
            break
        one, other = sorted((_root(parents, a), _root(parents, b)))
        if sums[one] @ sums[other] < least * sizes[one] * sizes[other]:
            continue
        parents[other] = one
        sums[one] += sums[other]
        sizes[one] += sizes[other]
        left -= 1
    return np.array([_root(parents, row) for row in range(len(vectors))], np.int64)


def merges(vectors: F32) -> list[tuple[float, int, int]]:
    """Ward's merges of vectors (T, D) down to one cluster: what each costs, and a vector of either cluster; T - 1."""
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
            # Among equals the one before is taken, or the chain would run in rings.
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
    """An order of patches (T,) that depends on what they are, not on where they stand."""
    content = np.concatenate([vectors.view(np.uint16), boxes], axis=1)
    rows = content.view([("", content.dtype)] * content.shape[1]).ravel()
    return np.argsort(rows, kind="stable")


def _root(parents: I64, row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = int(parents[row])
    return row
