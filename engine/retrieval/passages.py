"""Passages: pieces of a page's text that are short enough for one vector to say what they are about."""

from __future__ import annotations

import re
from typing import NamedTuple

PASSAGE_WIDTH = 320
"""Width of a passage in letters of an alphabet, about 50 words; docs/log.md#cross-language compares others."""
OVERLAP = 0.2
"""Share of a passage that the next one repeats, so that a sentence is whole in one of them."""
WIDE_FROM, WIDE = 0x2E80, 3
"""Characters from this code point on, Chinese, Japanese and Korean, say about as much as this many letters."""
WORD = re.compile(r"\S+")
LONGEST_WORD = 60
"""Longer words, such as sentences of languages without spaces, are cut into pieces of this many letters' width."""


class Passage(NamedTuple):
    """A passage: its `text` with single spaces, from the characters `start` to `end` of the page's text."""

    text: str
    start: int
    end: int


def passages(text: str) -> list[str]:
    """The passages of a text in order, which overlap; none of a text without words.

    >>> passages("  Water   levels ")
    ['Water levels']
    >>> len(passages("word " * 200)), passages("")
    (4, [])
    """
    return [passage.text for passage in placed_passages(text)]


def placed_passages(text: str) -> list[Passage]:
    """The passages of a text in order, with their places in it.

    >>> placed_passages("  Water   levels ")
    [Passage(text='Water levels', start=2, end=16)]
    """
    words = [piece for word in WORD.finditer(text) for piece in _cut(word[0], word.start())]
    widths = [_width(word) + 1 for word, _ in words]
    found: list[Passage] = []
    first = 0
    while first < len(words):
        last, width = first, 0
        while last < len(words) and (last == first or width + widths[last] <= PASSAGE_WIDTH):
            width += widths[last]
            last += 1
        (_, start), (final, at) = words[first], words[last - 1]
        found.append(Passage(" ".join(word for word, _ in words[first:last]), start, at + len(final)))
        if last == len(words):
            break
        repeated, next_first = 0, last
        while next_first - 1 > first and repeated + widths[next_first - 1] <= OVERLAP * PASSAGE_WIDTH:
            next_first -= 1
            repeated += widths[next_first]
        first = next_first
    return found


def _width(word: str) -> int:
    return len(word) if word.isascii() else sum(WIDE if ord(letter) >= WIDE_FROM else 1 for letter in word)


def _cut(word: str, at: int) -> list[tuple[str, int]]:
    """The pieces of a word, each with its place in the text, where the word is `at`."""
    if _width(word) <= LONGEST_WORD:
        return [(word, at)]
    size = LONGEST_WORD // (WIDE if ord(word[0]) >= WIDE_FROM else 1)
    return [(word[i : i + size], at + i) for i in range(0, len(word), size)]
