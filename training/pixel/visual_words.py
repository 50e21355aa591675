"""The visual words on disk, and room among them for what readouts tell, which k-means may not have met."""

from __future__ import annotations

import numpy as np
from safetensors.numpy import save_file

from ...engine.compression import codecs
from ...engine.models.pixel import spec
from ...engine.models.pixel.concepts import CONCEPTS, FAMILIES, MARK
from ...engine.models.pixel.heads import MOST_TOGETHER, Readout
from ...engine.records import F32

COMPARED = 1024


def save(centroids: F32) -> None:
    """Write visual words (V, 128) in int8."""
    coded = codecs.encode("int8", centroids.astype(np.float16))
    assert coded.scales is not None
    save_file({"values": coded.values, "scales": coded.scales}, spec.WORDS_FILE)


def told(figures: Readout, pages: Readout) -> F32:
    """The patch vectors (T, 128) of what is surely shown: each concept alone, and kinds of figures with families."""
    alone = [readout.tell(np.eye(len(readout.vectors), dtype=np.float32))[1] for readout in (figures, pages)]
    sure = np.zeros((len(CONCEPTS), len(figures.vectors)), np.float32)
    sure[:, : len(CONCEPTS)] = np.eye(len(CONCEPTS))
    for place, (_, kinds) in enumerate(FAMILIES.values(), len(CONCEPTS)):
        sure[[CONCEPTS.index(MARK + kind) for kind in kinds], place] = 1
    return np.concatenate([*alone, figures.tell(sure, together=MOST_TOGETHER)[1]])


def holding(centroids: F32, wanted: F32) -> F32:
    """Visual words (V, 128) with those `wanted` (W, 128) in place of the ones that another is nearest to."""
    unit = centroids / np.linalg.norm(centroids, axis=1, keepdims=True)
    nearest = np.empty(len(unit), np.float32)
    for start in range(0, len(unit), COMPARED):
        similar = unit[start : start + COMPARED] @ unit.T
        # Of two that are near each other, the later one goes.
        similar[np.arange(len(unit)) >= np.arange(start, start + len(similar))[:, None]] = -1
        nearest[start : start + COMPARED] = similar.max(axis=1)
    out = centroids.copy()
    out[np.argsort(-nearest, kind="stable")[: len(wanted)]] = wanted
    return out
