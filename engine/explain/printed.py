"""Where the text layer of a page has the words of a query: boxes of words, from the page's document as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    spelled, starts = [composed(word) for word in words.texts], [0]
    for word in spelled:
        starts.append(starts[-1] + len(word) + 1)
    tokens = _tokens(query, sought, corrections)
    found = text_matches.find(" ".join(spelled), sought)
    places: list[F32] = []
    rows: list[F32] = []
    for match in found:
        if not len(tokens[match.word]):
            continue
        first = int(np.searchsorted(starts, match.start, "right")) - 1
        row = np.zeros(len(query.weights), np.float32)
        row[tokens[match.word]] = match.strength
        for at in range(first, len(spelled)):
            if starts[at] >= match.end:
                break
            chars = range(max(0, match.start - starts[at]), min(len(spelled[at]), match.end - starts[at]))
            places.append(_part(words.boxes[at], chars, len(spelled[at])))
            rows.append(row)
    count = len(query.weights)
    return PrintedMatches(
        np.array(places, np.float32).reshape(-1, 4), np.array(rows, np.float32).reshape(-1, count), words.boxes
    )


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
