"""Words that the pages of an index have, for words of a question that none has: longer ones, and corrected ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from ..models.pixel.words import normal_form
from ..query.characters import folded
from ..query.known_words import is_known
from .text_index import TextIndex

MAX_LONGER = 64
"""Most words that one beginning or part of a word stands for: the most frequent."""
MIN_CHARS, MIN_CHARS_NAME, MIN_CHARS_TWO = 5, 7, 8
"""Least letters of a word that may have a typing error, of a name that may, and of a word that may have two."""
FIRST_LETTER_COST = 2.0
"""The logarithm of how much more frequent a word with another first letter has to be: typing errors are rare there."""


class Spelling:
    """Looks words up in the vocabulary of a text index. May be shared between threads."""

    def __init__(self, index: TextIndex) -> None:
        self._index = index

    def beginning_with(self, prefix: str) -> list[str]:
        """The words that begin with `prefix`, the most frequent first, MAX_LONGER at most."""
        return _most_frequent(each for words in self._index.words() for each in words.beginning_with(prefix))

    def containing(self, part: str) -> list[str]:
        """The words that have `part` within them, the most frequent first, MAX_LONGER at most."""
        return _most_frequent(each for words in self._index.words() for each in words.containing(part))

    def correction(self, typed: str) -> str | None:
        """The word of the pages that a word, which no page has, was most likely meant to be.

        None for words that are too short, for those that are no typing errors, and where no word of the pages is like
        it. Names, which begin with a capital, are often like other names, so they need more letters.
        """
        word = folded(normal_form(typed))
        is_short = len(word) < (MIN_CHARS if typed.islower() or typed.isupper() else MIN_CHARS_NAME)
        if is_short or not word.isalpha() or is_known(word):
            return None
        return self._nearest(word, 1) or (self._nearest(word, 2, word[0]) if len(word) >= MIN_CHARS_TWO else None)

    def _nearest(self, word: str, distance: int, beginning: str = "") -> str | None:
        """The most frequent of the words within an edit `distance`, rather one with the same first letter."""
        found: dict[str, int] = {}
        for words in self._index.words():
            for other, _, pages in words.near(word, distance, beginning):
                found[other] = pages + found.get(other, 0)
        costs = {
            other: FIRST_LETTER_COST * (other[0] != word[0]) - math.log1p(pages)
            for other, pages in found.items()
            if other.isalpha()
        }
        return min(costs, key=lambda other: (costs[other], other), default=None)


def _most_frequent(found: Iterable[tuple[str, int]] | Iterator[tuple[str, int]]) -> list[str]:
    pages: dict[str, int] = {}
    for word, count in found:
        pages[word] = pages.get(word, 0) + count
    return sorted(pages, key=lambda word: (-pages[word], word))[:MAX_LONGER]
