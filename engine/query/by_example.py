"""Patches of a page or a picture go in; a query for pages that look like it, or say the same, comes out.

Most patches of a page tell nothing ("the", bare paper, a footer that every page has), and there are too many to ask for
all. So each is weighted by how rare it is in the collection, as query words are, and the most telling ones are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..compression import codecs
from ..compression.visual_words import PageCode
from ..errors import UsageError
from ..kernels import maxsim
from ..ranking import rerank
from ..records import BOX_SCALE, F32, I64, U16, WHOLE_PAGE, FloatBox, PageRef, QueryVectors
from ..store import Snapshot

LOOKED_AT = 256
"""Patches whose rarity is measured: the most salient ones, or evenly chosen ones."""
KEPT = 64
"""Patches that are searched for."""
SAMPLE_PAGES = 300
"""Pages on which the rarity of a patch is measured."""
SAME = 0.9
"""Patches of one page that are more similar are asked for once."""


@dataclass(frozen=True, slots=True)
class Region:
    """The page `ref`, or what of it lies in `box`, x0, y0, x1, y1 in fractions of its width and height."""

    ref: PageRef
    box: FloatBox | None = None


def patches_of(snapshot: Snapshot, row: int, region: Region, alike: tuple[float, float]) -> QueryVectors:
    """The patches of `region`, on the page in `row`, as a query whose weights are still to be found; `alike` are the
    model's. Raises UsageError where there are none.
    """
    (block,) = snapshot.blocks(rows=np.array([row], np.int64))
    vectors = codecs.decode(block.coded)[inside(snapshot.boxes(row), region.box)]
    if not len(vectors):
        where = "this part of the page" if region.box else "the page"
        raise UsageError(f"{region.ref.path}, page {region.ref.page}: there is nothing on {where} to look for")
    return of_patches(vectors, snapshot.single([row])[0].astype(np.float32), alike)


def of_patches(vectors: F32, single: F32, alike: tuple[float, float]) -> QueryVectors:
    """Patches (T, D) of a picture whose weights are still to be found, and its `single` vector (S,), as a query."""
    weights = np.full(len(vectors), 1 / max(1, len(vectors)), np.float32)
    return QueryVectors(vectors, weights, single, ("",) * len(vectors), *alike)


def inside(boxes: U16, region: FloatBox | None) -> I64:
    """Which of a page's patches at `boxes` (T, 4) lie in a region by their centres, (n,); those that stand for the
    whole page lie nowhere.
    """
    placed = (boxes != WHOLE_PAGE).any(axis=1)
    if region is None:
        return np.flatnonzero(placed) if placed.any() else np.arange(len(boxes))
    x0, y0, x1, y1 = region
    x, y = ((boxes[:, :2].astype(np.float64) + boxes[:, 2:]) / 2 / BOX_SCALE).T
    return np.flatnonzero(placed & (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))


def telling(snapshot: Snapshot, query: QueryVectors, code: PageCode | None) -> QueryVectors:
    """The most telling of a query's patches, each weighted by its rarity in the collection.

    The weight is the root of the inverse document frequency, as of query words, where a page counts as far as it
    matches. The query is `in_context` from here on: its rows are no words. `code` makes the single vector of models
    that have visual words; these keep the most salient patches first, others keep them as they lie on the page.
    """
    step = -(-len(query.vectors) // LOOKED_AT)
    vectors = distinct(query.vectors[:LOOKED_AT] if code is not None else query.vectors[::step])
    asked = replace(query, vectors=vectors, weights=np.zeros(len(vectors), np.float32), tokens=("",) * len(vectors))
    pages = len(snapshot)
    sample = np.unique(np.linspace(0, pages - 1, min(pages, SAMPLE_PAGES)).astype(np.int64))
    held = maxsim.match(rerank.token_maxima(snapshot, vectors, sample), asked).sum(axis=0)
    rarity = np.sqrt(np.log1p((len(sample) - held + 0.5) / (held + 0.5)))
    kept = np.sort(np.argsort(-rarity, kind="stable")[:KEPT])
    weights = (rarity[kept] / rarity[kept].sum()).astype(np.float32)
    single = query.single if code is None else code.query_vector(vectors[kept], weights)
    return replace(
        asked, vectors=vectors[kept], weights=weights, single=single, tokens=("",) * len(kept), in_context=True
    )


def distinct(vectors: F32) -> F32:
    """The vectors (T, D) that no earlier one is the SAME as, in order."""
    similar = vectors @ vectors.T > SAME
    kept: list[int] = []
    for i in range(len(vectors)):
        if not similar[i, kept].any():
            kept.append(i)
    return vectors[kept]


def both(words: QueryVectors, seen: QueryVectors) -> QueryVectors:
    """A question and a picture as one query: half of the weight is the question's, half the picture's."""
    single: F32 = words.single + seen.single
    weights = (np.concatenate([words.weights, seen.weights]) / 2).astype(np.float32)
    return replace(
        words,
        vectors=np.concatenate([words.vectors, seen.vectors]),
        weights=weights,
        single=single / np.linalg.norm(single),
        tokens=words.tokens + seen.tokens,
        floor=np.concatenate([words.floors, seen.floors]),
        ceiling=np.concatenate([words.ceilings, seen.ceilings]),
    )
