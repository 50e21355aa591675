"""What texts are searched for a question, word by word with weights: for showing where it matches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from ..query.implied import IMPLIED_WEIGHT
from ..query.terms import QuestionTerm, Value
from ..records import SoughtWord
from .term_pages import TermPages

_Word = tuple[tuple[str, ...], float, Mapping[str, float]]
"""The terms of a word, its weight, and what may be printed instead of it."""


def sought_words(
    words: Sequence[QuestionTerm],
    idf: Mapping[str, float],
    values: Sequence[tuple[Value, TermPages]],
    near: Mapping[str, Mapping[str, float]],
    implied: Sequence[tuple[QuestionTerm, float]],
    known: Callable[[Sequence[str]], AbstractSet[str]],
) -> tuple[SoughtWord, ...]:
    """The words of a question, its `values` and its `implied` words, with weights that sum to 1.

    `idf` are the inverse document frequencies of the words that count apart, by their terms; the others spell values.
    `near` are terms near in meaning to a word, with how much each counts. Implied words come with theirs, and
    count for IMPLIED_WEIGHT of the others together. Of what may be printed instead of a word, only what any page has is
    kept; `known` tells that.
    """
    own: list[_Word] = [
        ((word.term,), idf[word.term], {**near.get(word.term, {}), **dict(word.others)})
        for word in words
        if word.term in idf
    ]
    own += [(value.words, pages.idf, dict(value.spelled)) for value, pages in values]
    parts: list[_Word] = [((word.term,), weight, dict(word.others)) for word, weight in implied]
    printed = known([term for _, _, spelled in (*own, *parts) for term in spelled])
    share = IMPLIED_WEIGHT / (1 + IMPLIED_WEIGHT) if parts else 0.0
    return (*_shared(own, 1 - share, printed), *_shared(parts, share, printed, is_implied=True))


def _shared(
    found: Sequence[_Word], share: float, printed: AbstractSet[str], *, is_implied: bool = False
) -> list[SoughtWord]:
    """Words whose weights together are `share`: alike where all are on every page; with what is `printed` at all."""
    total = sum(weight for _, weight, _ in found)
    return [
        SoughtWord(
            terms,
            share * (weight / total if total else 1 / len(found)),
            {term: strength for term, strength in spelled.items() if term in printed},
            is_implied,
        )
        for terms, weight, spelled in found
    ]
