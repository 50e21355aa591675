"""Query by example: patches of a page, a region of it, or a picture, as a query for pages that look or read alike.

Most patches of a page tell nothing ("the", bare paper, a footer that every page has), and there are too many to search
for all. So each is weighted by its rarity in the collection, as query tokens are, and the most distinctive are kept:
relevance feedback with one document.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import scoring
from ..compression import codecs
from ..compression.visual_words import VisualWords
from ..errors import UsageError
from ..page_maxima import sample, token_maxima
from ..records import BOX_SCALE, F32, I64, U16, WHOLE_PAGE, FloatBox, QueryVectors, Region
from ..store import Snapshot

MEASURED_PATCHES = 256
"""Patches whose rarity is measured: the most salient ones, or evenly spaced ones."""
KEPT_PATCHES = 64
"""Patches that are searched for."""
SAMPLE_PAGES = 300
"""Pages on which the rarity of a patch is measured."""
DUPLICATE_COSINE = 0.9
"""If patches on one page are more similar than this, only one is used."""


def page_patches(snapshot: Snapshot, region: Region, match_range: tuple[float, float]) -> QueryVectors:
    """The patches of `region` as a query with equal weights; `match_range` is the model's.

    Raises UsageError where the page is not in the index, or nothing is there.
    """
    row = snapshot.row(region.ref)
    (block,) = snapshot.blocks(rows=np.array([row], np.int64))
    vectors = codecs.decode(block.coded)[inside(snapshot.boxes(row), region.box)]
    if not len(vectors):
        where = "this part of the page" if region.box else "the page"
        raise UsageError(f"{region.ref.path}, page {region.ref.page}: there is nothing on {where} to look for")
    return of_patches(vectors, snapshot.dense_vectors([row])[0].astype(np.float32), match_range)


def is_passage(snapshot: Snapshot, region: Region) -> bool:
    """Whether a page is a passage of a text file: all its tokens are searched for, as if it were a question."""
    return snapshot.lines([snapshot.row(region.ref)])[0] is not None


def dense_vector(snapshot: Snapshot, region: Region) -> F32:
    """The dense vector (S,) of a page, for models that have no others. Raises UsageError for a part of a page."""
    row = snapshot.row(region.ref)
    if region.box is not None:
        raise UsageError(
            f"the model of this index, {snapshot.fingerprint['name']}, has one vector per page: leave the region out"
        )
    vector: F32 = snapshot.dense_vectors([row])[0].astype(np.float32)
    return vector


def of_patches(vectors: F32, single: F32, match_range: tuple[float, float]) -> QueryVectors:
    """Patches (T, D) of a picture as a query with equal weights; `single` (S,) is the picture's dense vector."""
    weights = np.full(len(vectors), 1 / max(1, len(vectors)), np.float32)
    return QueryVectors(vectors, weights, single, ("",) * len(vectors), *match_range)


def inside(boxes: U16, region: FloatBox | None) -> I64:
    """The patches (n,) of a page at `boxes` (T, 4) whose centres lie in a region.

    Patches that stand for the whole page lie in no region.
    """
    placed = (boxes != WHOLE_PAGE).any(axis=1)
    if region is None:
        return np.flatnonzero(placed) if placed.any() else np.arange(len(boxes))
    x0, y0, x1, y1 = region
    x, y = ((boxes[:, :2].astype(np.float64) + boxes[:, 2:]) / 2 / BOX_SCALE).T
    return np.flatnonzero(placed & (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))


def most_distinctive_patches(snapshot: Snapshot, query: QueryVectors, visual_words: VisualWords | None) -> QueryVectors:
    """The most distinctive of a query's patches, each weighted by its IDF in the collection, as a contextual query.

    A page counts towards a patch's document frequency by as much as it matches. Models with `visual_words` list the
    most salient patches first; the patches of others are in page order.
    """
    step = -(-len(query.vectors) // MEASURED_PATCHES)
    vectors = distinct(query.vectors[:MEASURED_PATCHES] if visual_words is not None else query.vectors[::step])
    asked = replace(query, vectors=vectors, weights=np.zeros(len(vectors), np.float32), tokens=("",) * len(vectors))
    sampled = sample(snapshot, SAMPLE_PAGES)
    frequencies = scoring.match(token_maxima(snapshot, vectors, sampled), asked).sum(axis=0)
    rarity = scoring.idf(frequencies, len(sampled))
    kept = np.sort(np.argsort(-rarity, kind="stable")[:KEPT_PATCHES])
    weights = (rarity[kept] / rarity[kept].sum()).astype(np.float32)
    single = query.single if visual_words is None else visual_words.query_vector(vectors[kept], weights)
    return replace(
        asked, vectors=vectors[kept], weights=weights, single=single, tokens=("",) * len(kept), contextual=True
    )


def distinct(vectors: F32) -> F32:
    """The vectors (T, D) that are no duplicate of an earlier one, in order."""
    similar = vectors @ vectors.T > DUPLICATE_COSINE
    kept: list[int] = []
    for i in range(len(vectors)):
        if not similar[i, kept].any():
            kept.append(i)
    return vectors[kept]


def combined(words: QueryVectors, picture: QueryVectors) -> QueryVectors:
    """Words and a picture as one query, each with half of the weight."""
    single: F32 = words.single + picture.single
    weights = (np.concatenate([words.weights, picture.weights]) / 2).astype(np.float32)
    return replace(
        words,
        vectors=np.concatenate([words.vectors, picture.vectors]),
        weights=weights,
        single=single / np.linalg.norm(single),
        tokens=words.tokens + picture.tokens,
        floor=np.concatenate([words.floors, picture.floors]),
        ceiling=np.concatenate([words.ceilings, picture.ceilings]),
    )
