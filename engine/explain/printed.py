"""Where the text layer of a page has the words of a query: boxes of words, from the page's document as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..models.pixel.words import composed
from ..query.terms import terms_of
from ..records import BOX_SCALE, F32, U16, PageWords, QueryVectors, SoughtWord
from . import text_matches


@dataclass(frozen=True, slots=True)
class PrintedMatches:
    """Where a text layer has the Q tokens of a query: M `places` (M, 4) float32, boxes in page fractions, with the
    `matches` (M, Q) float32 in 0..1 of each token. `words` (W, 4) float32 are the boxes of all words of the page.
    """

    places: F32
    matches: F32
    words: F32

    def covers(self, boxes: U16) -> NDArray[np.bool_]:
        """Which of the boxes (T, 4) uint16, fractions times BOX_SCALE, have their middle on a word, (T,)."""
        middles = (boxes[:, None, :2].astype(np.float32) + boxes[:, None, 2:]) / (2 * BOX_SCALE)
        on_word = (middles >= self.words[None, :, :2]) & (middles <= self.words[None, :, 2:])
        found: NDArray[np.bool_] = np.any(np.all(on_word, axis=2), axis=1)
        return found

    def only_token(self, token: int) -> PrintedMatches:
        """The matches of one token."""
        matches = np.zeros_like(self.matches)
        matches[:, token] = self.matches[:, token]
        return PrintedMatches(self.places, matches, self.words)


def printed_matches(
    words: PageWords, query: QueryVectors, sought: Sequence[SoughtWord], corrections: Mapping[str, str]
) -> PrintedMatches:
    """Where the `words` of a page have the tokens of a `query`, whose text is `sought` in texts.

    `corrections` are words of the query, each with the word that is sought instead.
    """
    spelled = [composed(word) for word in words.texts]
    tokens = _tokens(query, sought, corrections)
    places: list[F32] = []
    rows: list[F32] = []
    for pieces in ([[(at, word)] for at, word in enumerate(spelled)], _cut_words(spelled)):
        text, starts, owners = _joined(pieces)
        for match in text_matches.find(text, sought):
            if not len(tokens[match.word]):
                continue
            row = np.zeros(len(query.weights), np.float32)
            row[tokens[match.word]] = match.strength
            first = int(np.searchsorted(starts, match.start, "right")) - 1
            for start, (at, piece) in zip(starts[first:], owners[first:], strict=True):
                if start >= match.end:
                    break
                chars = range(max(0, match.start - start), min(len(piece), match.end - start))
                places.append(_part(words.boxes[at], chars, len(spelled[at])))
                rows.append(row)
    count = len(query.weights)
    return PrintedMatches(
        np.array(places, np.float32).reshape(-1, 4), np.array(rows, np.float32).reshape(-1, count), words.boxes
    )


def _cut_words(spelled: Sequence[str]) -> list[list[tuple[int, str]]]:
    """The two pieces of each word that the end of a line may cut, each with its place among the words `spelled`.

    Texts have such a word as a whole. What only looks like one, as in "pre- and postwar", is no word of a query.
    """
    return [
        [(at, word[:-1]), (at + 1, following)]
        for at, (word, following) in enumerate(pairwise(spelled))
        if len(word) > 1 and word.endswith("-") and word[-2].isalpha() and following[:1].islower()
    ]


def _joined(words: Sequence[Sequence[tuple[int, str]]]) -> tuple[str, list[int], list[tuple[int, str]]]:
    """The text of words in pieces, separated by spaces; where each piece starts in it, and the pieces."""
    text = ""
    starts: list[int] = []
    for word in words:
        for _, piece in word:
            starts.append(len(text))
            text += piece
        text += " "
    return text, starts, [piece for word in words for piece in word]


def _part(box: F32, chars: range, count: int) -> F32:
    """The part of a word's box that some of its `count` characters take, if all are as wide."""
    part = box.copy()
    width = box[2] - box[0]
    if width >= box[3] - box[1]:  # else the word stands upright, or runs from top to bottom
        part[0], part[2] = box[0] + width * chars.start / count, box[0] + width * chars.stop / count
    return part


def _tokens(query: QueryVectors, sought: Sequence[SoughtWord], corrections: Mapping[str, str]) -> list[list[int]]:
    """The places of the tokens of a query that each sought word is, or is a part of."""
    instead = {term: terms_of(correction) for typed, correction in corrections.items() for term in terms_of(typed)}
    terms = [{each for term in terms_of(token) for each in (term, *instead.get(term, ()))} for token in query.tokens]
    return [[at for at, its in enumerate(terms) if not its.isdisjoint(each.terms)] for each in sought]
