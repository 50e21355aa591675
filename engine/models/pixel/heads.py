"""The heads for concepts: small networks that classify figures and pages, and turn confident classes into vectors.

Their inputs are statistics of the vision network's features, whose weights stay as they are: it is trained on words and
synthetic figures. The heads are trained last, on a few hand-labelled real pages and on synthetic ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file

from ...records import F32, I64
from . import spec
from .architecture import DIM
from .concepts import COLOUR_CONCEPTS, FAMILY_CONCEPTS, FIGURE_CONCEPTS, PAGE_CONCEPTS
from .features import BLOCK_STATISTICS, PAGE_STATISTICS

MAX_DEVIATION = 5.0
"""Statistics are clipped to this many standard deviations from the mean."""
PAGE_HIDDEN, FIGURE_HIDDEN = 64, 128
MAX_PER_VECTOR = 2
"""Concepts in one vector, at most: each may have the cosine CEILING, and the squares of cosines sum to at most 1."""


class HeadShape(NamedTuple):
    """Sizes of a head: its inputs F, hidden units, outputs K, and concepts M."""

    inputs: int
    hidden: int
    outputs: int
    concepts: int


FIGURE_HEAD = HeadShape(
    BLOCK_STATISTICS, FIGURE_HIDDEN, 1 + len(FIGURE_CONCEPTS), len(FIGURE_CONCEPTS) + len(FAMILY_CONCEPTS)
)
"""The head for blocks of cells. Its classes, "no figure" and FIGURE_CONCEPTS, exclude each other.

It has vectors for FAMILY_CONCEPTS too.
"""
PAGE_HEAD = HeadShape(PAGE_STATISTICS, PAGE_HIDDEN, len(PAGE_CONCEPTS), len(PAGE_CONCEPTS) + len(COLOUR_CONCEPTS))
"""The head for whole pages. Its classes, PAGE_CONCEPTS, do not exclude each other.

It has vectors for COLOUR_CONCEPTS too.
"""


@dataclass(frozen=True)
class ConceptHead:
    """An MLP with one hidden layer: statistics (N, F) to logits (N, K).

    `vectors` (M, 128) are orthonormal, one for each concept, and far from the vector of every printed word; query words
    that name the concept look for it. `aside` (128,) is orthogonal to all of them, and belongs to no concept. `hidden`
    and `out` are the weight and the bias of a layer.
    """

    mean: F32
    spread: F32
    vectors: F32
    aside: F32
    hidden: tuple[F32, F32]
    out: tuple[F32, F32]

    @staticmethod
    def of(tensors: Mapping[str, np.ndarray], shape: HeadShape) -> ConceptHead:
        """The head with the state `tensors` of a trained one. Raises ValueError if its sizes are not `shape`."""
        wanted = {
            "mean": (shape.inputs,),
            "spread": (shape.inputs,),
            "vectors": (shape.concepts, DIM),
            "aside": (DIM,),
            "hidden.weight": (shape.hidden, shape.inputs),
            "hidden.bias": (shape.hidden,),
            "out.weight": (shape.outputs, shape.hidden),
            "out.bias": (shape.outputs,),
        }
        if (found := {name: value.shape for name, value in tensors.items()}) != wanted:
            raise ValueError(f"a head has the tensors {found}, not {wanted}")
        f = {name: value.astype(np.float32) for name, value in tensors.items()}
        layers = ((f[f"{layer}.weight"], f[f"{layer}.bias"]) for layer in ("hidden", "out"))
        return ConceptHead(f["mean"], f["spread"], f["vectors"], f["aside"], *layers)

    def logits(self, statistics: F32) -> F32:
        """Statistics (N, F) to logits (N, K)."""
        standardised = ((statistics - self.mean) / self.spread).clip(-MAX_DEVIATION, MAX_DEVIATION)
        hidden = np.maximum(standardised @ self.hidden[0].T + self.hidden[1], 0)
        out: F32 = hidden @ self.out[0].T + self.out[1]
        return out

    def concept_vectors(self, strengths: F32, *, per_vector: int = 1) -> tuple[I64, F32]:
        """Patch vectors for concepts: row indices (T,) into `strengths`, and vectors (T, 128) of unit length.

        `strengths` (N, M), 0 to 1, say how well each concept is to match a query word that names it. A vector holds at
        most `per_vector` concepts; as these are orthogonal, each has its own cosine with it.
        """
        assert per_vector <= MAX_PER_VECTOR
        order = np.argsort(-strengths, axis=1, kind="stable")
        count = (strengths > 0).sum(axis=1)
        rows_of, found = [np.zeros(0, np.int64)], [np.zeros((0, DIM), np.float32)]
        for first in range(0, int(count.max(initial=0)), per_vector):
            rows = np.flatnonzero(count > first)
            concepts = order[rows, first : first + per_vector]
            strength = np.take_along_axis(strengths[rows], concepts, axis=1)
            cosine = np.where(strength > 0, spec.FLOOR + (spec.CEILING - spec.FLOOR) * strength, 0)[:, :, None]
            rest = np.sqrt(1 - (cosine**2).sum(axis=1))
            found.append(((cosine * self.vectors[concepts]).sum(axis=1) + rest * self.aside).astype(np.float32))
            rows_of.append(rows)
        return np.concatenate(rows_of), np.concatenate(found)


def load(folder: Path | None = None) -> tuple[ConceptHead, ConceptHead]:
    """The heads for figures and for pages that ship with the package, or those in the `folder` of a fine-tuned model.

    Raises UsageError if they are of another revision.
    """
    weights = load_file((folder or spec.FOLDER) / spec.HEADS)
    out = []
    for name, shape in (("figures", FIGURE_HEAD), ("pages", PAGE_HEAD)):
        own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
        try:
            out.append(ConceptHead.of(own, shape))
        except ValueError as err:
            raise spec.revision_mismatch(folder) from err
    return out[0], out[1]
