"""The text side of the embedded model, in numpy, without torch: query words to vectors, weights and expansion terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...compression.visual_words import VisualWords
from ...errors import UsageError
from ...records import F32, DescribedPicture, QueryExpansion, QueryVectors
from ..encoder import EncoderSpec, shown
from ..mapped_tensors import open_tensors
from . import spec
from .concepts import (
    COLOUR_CONCEPTS,
    CONTAINERS,
    FAMILY_CONCEPTS,
    FIGURE_CONCEPTS,
    PAGE_CONCEPTS,
    described_concepts,
    is_colour,
    named_concepts,
)
from .descriptions import is_description, no_heads
from .function_words import function_words
from .thesaurus import synonyms
from .unit_text import UnitText
from .units import is_right_to_left, is_unit, spotted_spellings, spotted_words
from .words import adjacent_pairs, spellings, split_query, word_features

MAX_QUERY_WORDS = 64
MIN_RARITY = 2.5
"""-log10 of a word's frequency in print; words of a lower rarity ("the", "der") are left out if there are others."""
MIN_WEIGHT = 0.02
"""Least weight of a word, before weights are scaled to sum to 1."""
CACHED_WORDS = 10_000
NO_SINGLE: F32 = np.zeros(0, np.float32)
CONCEPT_WEIGHT = 1.0
"""Weight of a match with a figure or page of the kind that a word names: a chart is as good as the word "chart"."""
SYNONYM_WEIGHT = 0.3
"""Weight of a match with a synonym: pages with the word itself come first. docs/log.md#thesaurus compares 0 to 0.6."""
REVERSED_SHARE = 0.8
"""Share of a pair's match that counts where its words stand in the other order: "tiger hunter" for "hunter tiger"."""
CAPITAL_RARITY = 3.0
"""Least rarity of a capital letter that names one of several things: the D of "vitamin D" and "Annex D"."""
CONTENT_RARITY = 3.3
"""Words of a lower rarity ("what", "how", "many") are not expanded by synonyms, and do not count as neighbours."""


@dataclass(frozen=True, slots=True)
class PixelText:
    """The text network: hashed n-grams of words to vectors (N, 128) and rarities (N,).

    The embeddings `bag` (B, E) int8, times `bag_scales` (B,), of a word's n-grams are summed (Bojanowski et al.,
    "Enriching Word Vectors with Subword Information", 2017); a hidden layer and two linear outputs follow.
    """

    bag: NDArray[np.int8]
    bag_scales: F32
    hidden: tuple[F32, F32]
    out: tuple[F32, F32]
    rarity: tuple[F32, F32]
    visual_words: VisualWords
    spec: EncoderSpec
    concepts: dict[str, F32]
    """The vector (128,) of each concept, with which the page side marks it."""
    cache: dict[str, tuple[F32, np.float32]] = field(default_factory=dict, repr=False, compare=False)
    """Vectors and rarities of up to CACHED_WORDS words: most words of a query were in earlier ones."""

    @staticmethod
    def load(folder: Path | None = None, revision: str = "") -> PixelText:
        """Read the weights that ship with the package, or those in the `folder` of a fine-tuned model.

        With a `revision` of `spec.EARLIER`, queries are encoded as that did.
        """
        described = spec.find(folder, revision)
        t = open_tensors((folder or spec.FOLDER) / spec.FILES[1])
        f = {k: v.astype(np.float32) for k, v in t.items() if k != "bag"}
        hidden, out, rarity = ((f[f"{name}.weight"], f[f"{name}.bias"]) for name in ("hidden", "out", "rarity"))
        visual_words, concepts = load_visual_words(folder, described.vocabulary), load_concepts(folder)
        bag = cast("NDArray[np.int8]", t["bag"])
        return PixelText(bag, f["bag_scales"], hidden, out, rarity, visual_words, described, concepts)

    def embed(self, words: Sequence[str]) -> tuple[F32, F32]:
        """Unit vectors (N, 128) and rarities (N,), -log10 of the frequency in print, of words in normal form."""
        found = [self._embed_word(word) for word in words]
        return np.stack([vector for vector, _ in found]), np.array([rarity for _, rarity in found], np.float32)

    def _embed_word(self, word: str) -> tuple[F32, np.float32]:
        """The vector (128,) and the rarity of one word, alone: BLAS would round it by which words stand beside it."""
        known = self.cache.get(word)
        if known is None:
            known = unit_text().embed(word) if self.reads_units and is_unit(word) else self._embed_ngrams(word)
            if len(self.cache) >= CACHED_WORDS:
                self.cache.clear()
            self.cache[word] = known
        return known

    @property
    def reads_units(self) -> bool:
        """Whether queries have units of other scripts: those to indexes of earlier revisions have not."""
        return self.spec.scripts != spec.FIRST_SCRIPTS

    def _embed_ngrams(self, word: str) -> tuple[F32, np.float32]:
        hidden = np.maximum(self._bag(word)[None] @ self.hidden[0].T + self.hidden[1], 0)
        vector = (hidden @ self.out[0].T + self.out[1])[0]
        rarity = (hidden @ self.rarity[0].T + self.rarity[1])[0, 0]
        return (vector / np.linalg.norm(vector)).astype(np.float32), rarity

    def encode_query(self, text: str) -> QueryVectors:
        """Embed a query: one vector for each distinct word, weighted by its rarity, and the terms that expand it.

        Function words of the query's language, frequent words, and "page" beside the name of a figure are left out,
        unless nothing else remains. Raises UsageError if the query has no word.
        """
        query = self.encode_tokens(text)
        return replace(query, single=self.visual_words.query_vector(query.vectors, query.weights))

    def encode_tokens(self, text: str) -> QueryVectors:
        """As `encode_query`, without the dense vector (`single` is empty), which takes longer than the rest."""
        in_order = spotted_words(text) if self.reads_units else split_query(text)
        words = list(dict.fromkeys(in_order))[:MAX_QUERY_WORDS]
        if named := named_concepts(words):
            words = [word for word in words if word in named or word not in CONTAINERS]
        if not words:
            raise UsageError(f"the query {shown(text)} has no word to search for")
        empty = function_words(words)
        spelled = spotted_spellings(text) if self.reads_units else spellings(text)
        letters = self._naming_letters(in_order, spelled)
        words = [word for word in words if word not in empty or word in letters] or words
        vectors, rarity = self.embed(words)
        naming = np.array([word in letters for word in words])
        rarity[naming] = np.maximum(rarity[naming], np.float32(CAPITAL_RARITY))
        kept = np.flatnonzero(rarity > MIN_RARITY)
        if len(kept):
            words, vectors, rarity = [words[i] for i in kept], vectors[kept], rarity[kept]
        weights = np.maximum(rarity - MIN_RARITY, MIN_WEIGHT)
        weights = (weights / weights.sum()).astype(np.float32)
        content = {word for word, rare in zip(words, rarity, strict=True) if rare > CONTENT_RARITY}
        pairs = adjacent_pairs([word for word in in_order if word in content or word in letters])
        pairs = [in_print(a, b) for a, b in pairs if a in content]
        rows = np.array([(words.index(a), words.index(b)) for a, b in pairs], np.int64).reshape(-1, 2)
        expansion = self._expansion(words, content, no_heads(in_order) if is_description(text) else frozenset())
        return QueryVectors(
            vectors,
            weights,
            NO_SINGLE,
            tuple(words),
            spec.FLOOR,
            spec.CEILING,
            rows,
            expansion,
            spelled=tuple(spelled.get(word, word) for word in words),
            reversed_share=REVERSED_SHARE,
            described=self._described(text, in_order),
        )

    def _described(self, text: str, words: Sequence[str]) -> DescribedPicture | None:
        """The picture that a query with these words describes; None if it names no kind or colour, or asks."""
        other = no_heads(words)
        terms = described_concepts([word for word in words if word not in other]) if is_description(text) else []
        if not terms:
            return None
        return DescribedPicture(
            np.stack([self.concepts[concept] for names in terms for concept in names]),
            np.array([term for term, names in enumerate(terms) for _ in names], np.int64),
            np.array([is_colour(names[0]) for names in terms]),
            spec.FLOOR,
            spec.CEILING,
        )

    def _naming_letters(self, words: Sequence[str], spelled: Mapping[str, str]) -> set[str]:
        """The capital letters that name one of several things, as words of a query: an annex, a vitamin, a plan.

        They stand behind a content word; "I" stands at the end, too.
        """
        found = {
            (before, word)
            for before, word in pairwise(words)
            if len(word) == 1 and spelled.get(word, word).isupper() and (word != "i" or word == words[-1])
        }
        return {word for before, word in found if self.embed([before])[1][0] > CONTENT_RARITY}

    def _expansion(
        self, words: Sequence[str], content: AbstractSet[str], other: AbstractSet[str]
    ) -> QueryExpansion | None:
        """The terms that expand a query: the concepts that its words name, except the `other` ones, and synonyms of
        its `content` words.
        """
        named = named_concepts([word for word in words if word not in other])
        terms = [(row, concept, CONCEPT_WEIGHT) for row, word in enumerate(words) for concept in named.get(word, ())]
        terms += [
            (row, synonym, SYNONYM_WEIGHT)
            for row, word in enumerate(words)
            if word in content
            for synonym in synonyms(word)
            if synonym not in words
        ]
        if not terms:
            return None
        rows, names, weights = zip(*terms, strict=True)
        words = [name for name in names if name not in self.concepts]
        vectors = self.concepts | (dict(zip(words, self.embed(words)[0], strict=True)) if words else {})
        stacked = np.stack([vectors[name] for name in names])
        return QueryExpansion(stacked, np.array(rows, np.int64), np.array(weights, np.float32))

    def _bag(self, word: str) -> F32:
        """The sum (E,) of the embeddings of a word's n-grams, over the root of their number."""
        features = word_features(word)
        rows = self.bag[features].astype(np.float32) * self.bag_scales[features][:, None]
        total: F32 = rows.sum(axis=0) / np.sqrt(np.float32(len(features)))
        return total


def in_print(first: str, second: str) -> tuple[str, str]:
    """Neighbouring words of a query in the order in which they stand in print, from left to right."""
    return (second, first) if is_right_to_left(first) or is_right_to_left(second) else (first, second)


@cache
def unit_text() -> UnitText:
    """The text side of the network of other scripts, read when a query has a word in one of them."""
    return UnitText.load(spec.SCRIPT_TEXT_FILE)


def load_visual_words(folder: Path | None = None, count: int = spec.VISUAL_WORDS) -> VisualWords:
    """The first `count` visual words that ship with the package, or of those in the `folder` of a fine-tuned model.

    They are read when needed.
    """
    return VisualWords(partial(_read_centroids, (folder or spec.FOLDER) / spec.FILES[2], count), spec.SINGLE_DIM)


def _read_centroids(file: Path, count: int) -> F32:
    t = open_tensors(file)
    return t["values"][:count].astype(np.float32) * t["scales"][:count].astype(np.float32)[:, None]


def load_concepts(folder: Path | None = None) -> dict[str, F32]:
    """The vector (128,) of each concept, from the heads that ship with the package, or from those in `folder`.

    Raises UsageError if these are of another revision.
    """
    heads = open_tensors((folder or spec.FOLDER) / spec.HEADS)
    figures, pages = (heads[f"{name}.vectors"].astype(np.float32) for name in ("figures", "pages"))
    named = ((*FIGURE_CONCEPTS, *FAMILY_CONCEPTS), figures), ((*PAGE_CONCEPTS, *COLOUR_CONCEPTS), pages)
    if any(len(names) != len(vectors) for names, vectors in named):
        raise spec.revision_mismatch(folder)
    return {
        name: vector / np.linalg.norm(vector)  # float16 in the file, so not quite of unit length
        for names, vectors in named
        for name, vector in zip(names, vectors, strict=True)
    }
