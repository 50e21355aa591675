"""A question's words in the other languages of a collection, as terms that its tokens also match."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from ..models.pixel.units import spotted_words
from ..records import QueryExpansion, QueryVectors
from .translations import translate

TRANSLATION_WEIGHT = 0.6
"""How much a word of another language counts, of what the word itself would; docs/log.md#translations."""
MIN_CHARS = 4
"""Least letters of a word of a name that has several: "de" in "tipo de interés" is none of its words.

A name of three Chinese characters is two pairs, each of which other words have too: it is left out.
"""
TERMS_MAX = 48
"""Most words of other languages that are searched for."""


def translated_words(question: str, languages: Collection[str], tokens: Collection[str]) -> dict[str, set[str]]:
    """The words that name a question's notions in other languages, each with the `tokens` that it stands for."""
    found: dict[str, set[str]] = {}
    for translated in translate(question, languages).values():
        for translation in translated:
            named = (each for word in translation.words for each in (word, *spotted_words(word)))
            meant = {word for word in named if word in tokens}
            for name in translation.names if meant else ():
                words = spotted_words(name)
                for word in words:
                    if word not in tokens and (len(words) == 1 or len(word) >= MIN_CHARS):
                        found.setdefault(word, set()).update(meant)
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
    terms = [(encode(word).vectors[0], rows[token]) for word, tokens in found.items() for token in sorted(tokens)]
    own = query.expansion
    added = QueryExpansion(
        np.stack([vector for vector, _ in terms]),
        np.array([row for _, row in terms], np.int64),
        np.full(len(terms), TRANSLATION_WEIGHT, np.float32),
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
