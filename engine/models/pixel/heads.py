"""The heads for concepts: small networks that classify figures and pages, and turn confident classes into vectors.

Their inputs are statistics of the vision network's features, whose weights stay as they are: it is trained on words and
synthetic figures. The heads are trained last, on a few hand-labelled real pages and on synthetic ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ...records import F32, I64
from . import spec
from .concepts import COLOUR_CONCEPTS, FAMILY_CONCEPTS, FIGURE_CONCEPTS, PAGE_CONCEPTS
from .features import BLOCK_STATISTICS, PAGE_STATISTICS
from .network import DIM

MAX_DEVIATION = 5.0
"""Statistics are clipped to this many standard deviations from the mean."""
PAGE_HIDDEN, FIGURE_HIDDEN = 64, 128
MAX_PER_VECTOR = 2
"""Concepts in one vector, at most: each may have the cosine CEILING, and the squares of cosines sum to at most 1."""


class ConceptHead(nn.Module):
    """An MLP with one hidden layer: statistics (N, F) to logits (N, K).

    `vectors` (M, 128) are orthonormal, one for each concept, and far from the vector of every printed word; query words
    that name the concept look for it. `aside` (128,) is orthogonal to all of them, and belongs to no concept.
    """

    mean: Tensor
    spread: Tensor
    vectors: Tensor
    aside: Tensor

    def __init__(self, inputs: int, hidden: int, outputs: int, concepts: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.register_buffer("vectors", torch.zeros(concepts, DIM))
        self.register_buffer("aside", torch.zeros(DIM))
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, outputs)

    def standardise(self, statistics: Tensor) -> Tensor:
        """Statistics (N, F) with mean 0 and standard deviation 1, clipped to MAX_DEVIATION."""
        out: Tensor = ((statistics - self.mean) / self.spread).clamp(-MAX_DEVIATION, MAX_DEVIATION)
        return out

    def forward(self, statistics: Tensor) -> Tensor:
        out: Tensor = self.out(torch.relu(self.hidden(self.standardise(statistics))))
        return out

    def concept_vectors(self, strengths: F32, *, per_vector: int = 1) -> tuple[I64, F32]:
        """Patch vectors for concepts: row indices (T,) into `strengths`, and vectors (T, 128) of unit length.

        `strengths` (N, M), 0 to 1, say how well each concept is to match a query word that names it. A vector holds at
        most `per_vector` concepts; as these are orthogonal, each has its own cosine with it.
        """
        assert per_vector <= MAX_PER_VECTOR
        vectors, aside = self.vectors.numpy(), self.aside.numpy()
        order = np.argsort(-strengths, axis=1, kind="stable")
        count = (strengths > 0).sum(axis=1)
        rows_of, found = [np.zeros(0, np.int64)], [np.zeros((0, DIM), np.float32)]
        for first in range(0, int(count.max(initial=0)), per_vector):
            rows = np.flatnonzero(count > first)
            concepts = order[rows, first : first + per_vector]
            strength = np.take_along_axis(strengths[rows], concepts, axis=1)
            cosine = np.where(strength > 0, spec.FLOOR + (spec.CEILING - spec.FLOOR) * strength, 0)[:, :, None]
            rest = np.sqrt(1 - (cosine**2).sum(axis=1))
            found.append(((cosine * vectors[concepts]).sum(axis=1) + rest * aside).astype(np.float32))
            rows_of.append(rows)
        return np.concatenate(rows_of), np.concatenate(found)


def figure_head() -> ConceptHead:
    """The head for blocks of cells. Its classes, "no figure" and FIGURE_CONCEPTS, exclude each other.

    It has vectors for FAMILY_CONCEPTS too.
    """
    concepts = len(FIGURE_CONCEPTS) + len(FAMILY_CONCEPTS)
    return ConceptHead(BLOCK_STATISTICS, FIGURE_HIDDEN, 1 + len(FIGURE_CONCEPTS), concepts)


def page_head() -> ConceptHead:
    """The head for whole pages. Its classes, PAGE_CONCEPTS, do not exclude each other.

    It has vectors for COLOUR_CONCEPTS too.
    """
    concepts = len(PAGE_CONCEPTS) + len(COLOUR_CONCEPTS)
    return ConceptHead(PAGE_STATISTICS, PAGE_HIDDEN, len(PAGE_CONCEPTS), concepts)


def load(folder: Path | None = None) -> tuple[ConceptHead, ConceptHead]:
    """The heads for figures and for pages that ship with the package, or those in the `folder` of a fine-tuned model.

    Raises UsageError if they are of another revision.
    """
    weights = load_file((folder or spec.FOLDER) / spec.HEADS)
    out = []
    for name, head in (("figures", figure_head()), ("pages", page_head())):
        own = {k.removeprefix(f"{name}."): v.float() for k, v in weights.items() if k.startswith(f"{name}.")}
        try:
            head.load_state_dict(own)
        except RuntimeError as err:
            raise spec.revision_mismatch(folder) from err
        out.append(head.eval())
    return out[0], out[1]
