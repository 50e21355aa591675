"""A question's words in the other languages of a collection, as terms that its tokens also match."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from ..models.pixel.units import spotted_words
from ..records import QueryExpansion, QueryVectors
from .translations import Translation, translate

TRANSLATION_WEIGHT = 0.6
"""How much a word of another language counts, of what the word itself would; docs/log.md#translations."""
MINED_WEIGHT = 0.5
"""The same for a translation that was mined; docs/log.md#mined-translations."""
MIN_CHARS = 4
"""Least letters of a word of a name that has several: "de" in "tipo de interés" is none of its words.

A name of three Chinese characters is two pairs, each of which other words have too: it is left out.
"""
TERMS_MAX = 48
"""Most words of other languages that are searched for."""


def weight_of(translation: Translation) -> float:
    """How much a translation counts, of what the words that it stands for would."""
    return MINED_WEIGHT if translation.is_mined else TRANSLATION_WEIGHT


def translated_words(
    question: str, languages: Collection[str], tokens: Collection[str]
) -> dict[str, tuple[float, set[str]]]:
    """The words that name a question's notions in other languages.

    Each comes with how much it counts and the `tokens` that it stands for.
    """
    found: dict[str, tuple[float, set[str]]] = {}
    for translated in translate(question, languages).values():
        for translation in translated:
            named = (each for word in translation.words for each in (word, *spotted_words(word)))
            meant = {word for word in named if word in tokens}
            for name in translation.names if meant else ():
                words = spotted_words(name)
                for word in words:
                    if word not in tokens and (len(words) == 1 or len(word) >= MIN_CHARS):
                        found.setdefault(word, (weight_of(translation), set()))[1].update(meant)
    return dict(list(found.items())[:TERMS_MAX])


def with_translations(
    query: QueryVectors, question: str, languages: Collection[str], encode: Callable[[str], QueryVectors]
) -> QueryVectors:
    """A query whose tokens also match the words that name them in other `languages`.

    `encode` embeds a word; of its tokens the first is taken.
    """
    rows = {token: row for row, token in enumerate(query.tokens)}
    found = translated_words(question, languages, rows.keys())
    if not found:
        return query
    terms = [
        (encode(word).vectors[0], rows[token], weight)
        for word, (weight, tokens) in found.items()
        for token in sorted(tokens)
    ]
    own = query.expansion
    added = QueryExpansion(
        np.stack([vector for vector, _, _ in terms]),
        np.array([row for _, row, _ in terms], np.int64),
        np.array([weight for *_, weight in terms], np.float32),
    )
    if own is not None:
        floors = query.every_floor[len(query.weights) :]
        added = QueryExpansion(
            np.concatenate([own.vectors, added.vectors]),
            np.concatenate([own.tokens, added.tokens]),
            np.concatenate([own.weights, added.weights]),
            np.concatenate([floors, query.floors[added.tokens]]),
        )
    return replace(query, expansion=added)
