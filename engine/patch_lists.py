"""An inverted file over the patches of all pages: which pages hold something near a query vector, and how near.

FAISS's IVFPQ: a patch is filed under its nearest centroid (its visual word), and what it differs by is kept in a few
bytes. So a query word looks at the patches of a few centroids only, and still learns its similarity with each of them;
which centroid a patch fell to alone tells too little about rare words (docs/log.md).
Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011.
"""

from __future__ import annotations

from math import gcd
from pathlib import Path
from typing import TypeVar

import faiss
import numpy as np
from faiss.contrib.ivf_tools import add_preassigned
from numpy.typing import NDArray

from .kernels import codecs, maxsim
from .kernels.pagecode import PageCode
from .records import F32, I64, U16, Others, QueryVectors, Ragged
from .rerank import with_title
from .store import Snapshot

T = TypeVar("T", bound=np.generic)
PATCH_BYTES = 16
"""Bytes of a patch beside its centroid: 8 of them lose twice as many of the exact first ten, 32 gain 0.003."""
PROBES = 32
"""Centroids that a query word looks at; 128 find no more of the exact first ten."""
SLACK = 0.05
"""How far below the query's floor an approximate similarity may lie and still count."""
LEAST_SHARE = 0.004
"""Query words with less than this share of the weight are not looked up: "the" is on every page."""
BITS = 8
SAMPLE_PAGES = 1000
SAMPLE_PATCHES = 65_536
WORDS_A_ROOT, WORDS_MAX = 2.0, 4096
"""Visual words that are learned: so many times the root of the number of patches."""
PATCHES_A_WORD = 16
"""Of the sample there is at least so much for each word that is learned from it."""
KMEANS_ITERATIONS, KMEANS_SEED = 10, 1
LEAST_SAMPLE = 9_984
"""With fewer patches there is nothing to learn the bytes from: vectors are kept whole."""


def build(snapshot: Snapshot, code: PageCode) -> faiss.IndexIVF:
    """The inverted file of a snapshot's patches, filed under the visual words of `code`, which may be stored with them;
    an entry's id is its page's row.
    """
    stored = snapshot.words() if snapshot.has_words else None
    index = _empty(code, _residuals(snapshot, code, stored))
    for block in snapshot.blocks():
        patches = codecs.decode(block.coded)
        words = _words(code, stored, block.rows, patches)
        pages = np.repeat(block.rows, np.diff(block.offsets))
        add_preassigned(index, patches, words.astype(np.int64), pages)  # type: ignore[no-untyped-call]
    return index


def learned(snapshot: Snapshot) -> PageCode:
    """Visual words for a snapshot of a model that has none of its own: k-means of its patches, by their directions."""
    _, patches = _sample(snapshot)
    patches = _thinned(patches)
    total = int(snapshot.lengths.sum())
    count = max(1, min(round(WORDS_A_ROOT * total**0.5), WORDS_MAX, len(patches) // PATCHES_A_WORD))
    clusters = faiss.Clustering(patches.shape[1], count)
    clusters.niter, clusters.seed, clusters.spherical = KMEANS_ITERATIONS, KMEANS_SEED, True
    clusters.min_points_per_centroid = 1  # a small index is no reason for a warning
    nearest = faiss.IndexFlatIP(patches.shape[1])
    clusters.train(patches, nearest)
    return PageCode(nearest.reconstruct_n(0, count), 0)


def scores(index: faiss.IndexIVF, query: QueryVectors, *, first_pages: I64) -> F32:
    """The approximate weighted MaxSim of each page, (N,) float32.

    Words on its document's first page, `first_pages` (N,), count as in the exact score, which leaves them out for
    queries that are `in_context`.
    """
    others = query.others or Others(query.vectors[:0], np.zeros(0, np.int64), np.zeros(0, np.float32))
    words = np.concatenate([np.arange(len(query.vectors)), others.words])
    shares = np.concatenate([np.ones(len(query.vectors), np.float32), others.shares])
    telling = np.flatnonzero(query.weights[words] >= LEAST_SHARE)
    floors, ceilings = (query.floors - np.float32(SLACK))[words], query.ceilings[words]
    index.nprobe = PROBES
    limits, similarities, rows = index.range_search(query.every[telling], float(floors[telling].min(initial=1)))
    printed = np.zeros((len(first_pages), len(query.vectors)), np.float32)
    found = np.zeros_like(printed)
    for i, vector in enumerate(telling.tolist()):
        entries = slice(int(limits[i]), int(limits[i + 1]))
        into = printed if vector < len(query.vectors) else found
        rising = (similarities[entries] - floors[vector]) / (ceilings[vector] - floors[vector])
        np.maximum.at(into[:, words[vector]], rows[entries], shares[vector] * np.clip(rising, 0, 1))
    own = np.maximum(printed, found)
    return maxsim.score(own if query.in_context else with_title(own, printed[first_pages]), query.weights)


def read(file: Path) -> faiss.IndexIVF:
    """Map an inverted file; raises RuntimeError where there is none or it is damaged."""
    index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP)
    assert isinstance(index, faiss.IndexIVF)
    return index


def _words(code: PageCode, stored: Ragged | None, rows: I64, patches: F32) -> U16:
    """The visual words of the patches (n, D) of neighbouring or scattered `rows`, as they are stored or else made."""
    if stored is None:
        return code.assign(patches)
    parts = [stored[row] for row in rows.tolist()]
    return np.concatenate([*parts, np.zeros(0, np.uint16)]).astype(np.uint16, copy=False)


def _sample(snapshot: Snapshot) -> tuple[I64, F32]:
    """Pages spread evenly over the index, and their patches (n, D)."""
    rows = np.unique(np.linspace(0, len(snapshot) - 1, min(len(snapshot), SAMPLE_PAGES)).astype(np.int64))
    return rows, np.concatenate([codecs.decode(block.coded) for block in snapshot.blocks(rows=rows)])


def _thinned(values: NDArray[T]) -> NDArray[T]:
    """At most SAMPLE_PATCHES rows of an array, evenly spread."""
    return np.ascontiguousarray(values[:: -(-len(values) // SAMPLE_PATCHES) or 1])


def _residuals(snapshot: Snapshot, code: PageCode, stored: Ragged | None) -> F32:
    """What a sample of patches differs by from their centroids, (n, D)."""
    rows, patches = _sample(snapshot)
    if stored is None:
        patches = _thinned(patches)
        words = code.assign(patches)
    else:
        words = _thinned(_words(code, stored, rows, patches))
        patches = _thinned(patches)
    residuals: F32 = patches - code.centroids[words]
    return residuals


def _empty(code: PageCode, residuals: F32) -> faiss.IndexIVF:
    """An inverted file without entries, whose bytes are learned from `residuals` (n, D)."""
    count, dim = code.centroids.shape
    quantizer = faiss.IndexFlatIP(dim)
    quantizer.add(code.centroids)
    if len(residuals) < LEAST_SAMPLE:
        return faiss.IndexIVFFlat(quantizer, dim, count, faiss.METRIC_INNER_PRODUCT)
    index = faiss.IndexIVFPQ(quantizer, dim, count, gcd(PATCH_BYTES, dim), BITS, faiss.METRIC_INNER_PRODUCT)
    # `index.train` would look for the sample's centroids, which are known.
    index.pq.train(np.ascontiguousarray(residuals))
    index.is_trained = True
    return index
