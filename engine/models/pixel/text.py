"""The embedded model's text side in numpy: query words to unit vectors and weights, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file

from ...compression.visual_words import PageCode
from ...errors import UsageError
from ...records import F32, Others, QueryVectors
from ..encoder import EncoderSpec
from . import spec
from .concepts import CONCEPTS, FAMILY, HOLDERS, PAINTED, WHOLE_PAGE, shown_by
from .function_words import function_words
from .thesaurus import synonyms
from .words import neighbours, split_query, word_features

MAX_QUERY_WORDS = 64
RARITY_OF_NO_WEIGHT = 2.5
"""Words met more often than once in 10^2.5 carry almost no weight: "the", "what", "der"."""
LEAST_WEIGHT = 0.02
KNOWN_WORDS = 10_000
SHOWN_SHARE = 1.0
"""What counts of a match with a figure of the kind that the word names: a chart answers "chart" as the word does."""
SYNONYM_SHARE = 0.3
"""What counts of a match with a synonym: the word itself comes first. docs/log.md compares 0 to 0.6."""
FUNCTION_WORD_RARITY = 3.3
"""Words met more often ("what", "how", "many") are passed over when words that stand together are looked for."""


@dataclass(frozen=True, slots=True)
class PixelText:
    """`bag` (B, E) int8 with `bag_scales` (B,), then two layers: words to vectors (N, 128) and rarities (N,)."""

    bag: NDArray[np.int8]
    bag_scales: F32
    hidden: tuple[F32, F32]
    out: tuple[F32, F32]
    rarity: tuple[F32, F32]
    code: PageCode
    spec: EncoderSpec
    concepts: dict[str, F32]
    """What pictures show: the vectors that the page side tells it by."""
    known: dict[str, tuple[F32, np.float32]] = field(default_factory=dict, repr=False, compare=False)
    """Words embedded before, at most `KNOWN_WORDS`: each question brings few new ones."""

    @staticmethod
    def load(folder: Path | None = None) -> PixelText:
        """Read the weights that ship with the package, or those in the `folder` of a fine-tuned model."""
        described = spec.SPEC if folder is None else spec.describe(folder)
        t = load_file((folder or spec.FOLDER) / spec.FILES[1])
        f = {k: v.astype(np.float32) for k, v in t.items() if k != "bag"}
        hidden, out, rarity = ((f[f"{name}.weight"], f[f"{name}.bias"]) for name in ("hidden", "out", "rarity"))
        code, concepts = load_code(folder), load_concepts(folder)
        return PixelText(t["bag"], f["bag_scales"], hidden, out, rarity, code, described, concepts)

    def embed(self, words: Sequence[str]) -> tuple[F32, F32]:
        """Words in normal form to unit vectors (N, 128) and rarities (N,), -log10 of their frequency in print."""
        found = {word: self.known.get(word) for word in words}
        if unknown := [word for word, value in found.items() if value is None]:
            bags = np.stack([self._bag(word) for word in unknown])
            hidden = np.maximum(bags @ self.hidden[0].T + self.hidden[1], 0)
            vectors = hidden @ self.out[0].T + self.out[1]
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            rarities = (hidden @ self.rarity[0].T + self.rarity[1])[:, 0]
            fresh = dict(zip(unknown, zip(vectors, rarities, strict=True), strict=True))
            found |= fresh
            if len(self.known) + len(fresh) > KNOWN_WORDS:
                self.known.clear()
            self.known.update((word, (vector.copy(), rarity)) for word, (vector, rarity) in fresh.items())
        values = [value for word in words if (value := found[word]) is not None]
        return np.stack([vector for vector, _ in values]), np.array([rarity for _, rarity in values], np.float32)

    def encode_query(self, text: str) -> QueryVectors:
        """Embed a query: one vector for each distinct word, weighted by its rarity, and what else they look for.

        Words that tell nothing ("the", "welche" in a German question, "page" where a picture is named) are left out,
        unless there are no others.
        Raises UsageError when the query holds no word.
        """
        words = list(dict.fromkeys(split_query(text)))[:MAX_QUERY_WORDS]
        if named := shown_by(words):
            words = [word for word in words if word in named or word not in HOLDERS]
        if not words:
            raise UsageError(f"the query {text!r} has no word to search for")
        empty = function_words(words)
        words = [word for word in words if word not in empty] or words
        vectors, rarity = self.embed(words)
        kept = np.flatnonzero(rarity > RARITY_OF_NO_WEIGHT)
        if len(kept):
            words, vectors, rarity = [words[i] for i in kept], vectors[kept], rarity[kept]
        weights = np.maximum(rarity - RARITY_OF_NO_WEIGHT, LEAST_WEIGHT)
        weights = (weights / weights.sum()).astype(np.float32)
        telling = {word for word, rare in zip(words, rarity, strict=True) if rare > FUNCTION_WORD_RARITY}
        pairs = neighbours([word for word in split_query(text) if word in telling])
        rows = np.array([(words.index(a), words.index(b)) for a, b in pairs], np.int64).reshape(-1, 2)
        single = self.code.query_vector(vectors, weights)
        others = self._others(words, telling)
        return QueryVectors(vectors, weights, single, tuple(words), spec.FLOOR, spec.CEILING, rows, others)

    def _others(self, words: Sequence[str], telling: AbstractSet[str]) -> Others | None:
        """What else query words look for: the figures that they name, and of `telling` ones the synonyms."""
        shown = shown_by(words)
        found = [(row, concept, SHOWN_SHARE) for row, word in enumerate(words) for concept in shown.get(word, ())]
        found += [
            (row, other, SYNONYM_SHARE)
            for row, word in enumerate(words)
            if word in telling
            for other in synonyms(word)
            if other not in words
        ]
        if not found:
            return None
        rows, names, shares = zip(*found, strict=True)
        words = [name for name in names if name not in self.concepts]
        vectors = self.concepts | (dict(zip(words, self.embed(words)[0], strict=True)) if words else {})
        looked_for = np.stack([vectors[name] for name in names])
        return Others(looked_for, np.array(rows, np.int64), np.array(shares, np.float32))

    def _bag(self, word: str) -> F32:
        features = word_features(word)
        rows = self.bag[features].astype(np.float32) * self.bag_scales[features][:, None]
        total: F32 = rows.sum(axis=0) / np.sqrt(np.float32(len(features)))
        return total


def load_code(folder: Path | None = None) -> PageCode:
    """The visual words that ship with the package, or those in `folder`."""
    t = load_file((folder or spec.FOLDER) / spec.FILES[2])
    return PageCode(t["values"].astype(np.float32) * t["scales"].astype(np.float32)[:, None], spec.SINGLE_DIM)


def load_concepts(folder: Path | None = None) -> dict[str, F32]:
    """The vector (128,) of each concept, from the readouts that ship with the package, or from those in `folder`.

    Raises UsageError where these are of another revision.
    """
    with safe_open((folder or spec.FOLDER) / spec.READOUTS, "numpy") as readouts:
        figures, pages = (readouts.get_tensor(f"{name}.vectors").astype(np.float32) for name in ("figures", "pages"))
    named = ((*CONCEPTS, *FAMILY), figures), ((*WHOLE_PAGE, *PAINTED), pages)
    if any(len(names) != len(vectors) for names, vectors in named):
        raise spec.of_another_revision(folder)
    return {
        name: vector / np.linalg.norm(vector)  # they are in float16
        for names, vectors in named
        for name, vector in zip(names, vectors, strict=True)
    }
