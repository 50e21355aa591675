"""Writing the visual words, with centroids added for the vectors of detected figures and page kinds.

Those vectors are rare among patches, and k-means may have no centroid near them.
"""

from __future__ import annotations

import numpy as np
from safetensors.numpy import save_file

from ...engine.compression import codecs
from ...engine.models.pixel import spec
from ...engine.models.pixel.concepts import FAMILIES, FIGURE_CONCEPTS, MARK
from ...engine.models.pixel.heads import MAX_PER_VECTOR, ConceptHead
from ...engine.records import F32

CHUNK_ROWS = 1024
"""Rows of the similarity matrix computed at a time."""


def save(centroids: F32) -> None:
    """Write centroids (V, 128) as the visual words, in int8."""
    coded = codecs.encode("int8", centroids.astype(np.float16))
    assert coded.scales is not None
    save_file({"values": coded.values, "scales": coded.scales}, spec.WORDS_FILE)


def head_vectors(figures: ConceptHead, pages: ConceptHead) -> F32:
    """The patch vectors (T, 128) of certain detections: each concept alone, and each kind of figure with its family."""
    alone = [head.concept_vectors(np.eye(len(head.vectors), dtype=np.float32))[1] for head in (figures, pages)]
    sure = np.zeros((len(FIGURE_CONCEPTS), len(figures.vectors)), np.float32)
    sure[:, : len(FIGURE_CONCEPTS)] = np.eye(len(FIGURE_CONCEPTS))
    for place, (_, kinds) in enumerate(FAMILIES.values(), len(FIGURE_CONCEPTS)):
        sure[[FIGURE_CONCEPTS.index(MARK + kind) for kind in kinds], place] = 1
    return np.concatenate([*alone, figures.concept_vectors(sure, per_vector=MAX_PER_VECTOR)[1]])


def replace_redundant(centroids: F32, wanted: F32) -> F32:
    """Centroids (V, 128) in which `wanted` (W, 128) replace those that have the nearest neighbours."""
    unit = centroids / np.linalg.norm(centroids, axis=1, keepdims=True)
    nearest = np.empty(len(unit), np.float32)
    for start in range(0, len(unit), CHUNK_ROWS):
        similar = unit[start : start + CHUNK_ROWS] @ unit.T
        # Compare with earlier centroids only, so that of two close ones the later is replaced.
        similar[np.arange(len(unit)) >= np.arange(start, start + len(similar))[:, None]] = -1
        nearest[start : start + CHUNK_ROWS] = similar.max(axis=1)
    out = centroids.copy()
    out[np.argsort(-nearest, kind="stable")[: len(wanted)]] = wanted
    return out
