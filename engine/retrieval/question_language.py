"""The language of a question, and which pages are in another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..models.pixel.words import split_words
from ..query.characters import folded
from ..query.languages import CODES, language_of
from ..query.mined_translations import language_of_words
from ..query.terms import QuestionTerm
from ..records import I64, U8
from .text_index import TextIndex

COVERAGE = 0.8
"""Share of a question, by the rarity of its words, from which it is in the language whose pages have them.

Fewer words tell little: names and numbers are in pages of every language. docs/log.md#question-language compares 0.25
to 0.99.
"""


def foreign_pages(index: TextIndex, languages: U8, question: str, words: Sequence[QuestionTerm]) -> NDArray[np.bool_]:
    """The pages (N,) in another language than a question with these `words`; all, if its language is not known.

    `languages` (N,) are those of the pages, as `document_languages` tells them. Pages whose own language is not known
    count as foreign in the latter case only.
    """
    own = question_language(index, languages, question, words)
    return (languages != CODES.index(own)) & (languages > 0) if own else np.ones(len(languages), bool)


def question_language(index: TextIndex, languages: U8, question: str, words: Sequence[QuestionTerm]) -> str:
    """The code of the language of a question with these `words`, "" if nothing tells it.

    Letters of a script or three function words tell it, then the pages that have nearly all of its words, then the
    language that most of them are known to be of.
    """
    if known := language_of(question, {word.term for word in words}) or _covering_language(index, languages, words):
        return known
    spelled = split_words(question)
    known = language_of_words(spelled, [folded(word) for word in spelled])
    return known if known in CODES else ""


def document_languages(languages: U8, first_pages: I64) -> U8:
    """The languages (N,) of pages by their places in CODES: where a page does not tell it, the one of most pages of its
    document, 0 if none tells.

    `languages` (N,) are what pages tell by themselves, and `first_pages` (N,) the rows of their documents' first pages.

    >>> document_languages(np.array([0, 3, 0], np.uint8), np.array([0, 0, 2])).tolist()
    [3, 3, 0]
    """
    found = languages.copy()
    told = np.flatnonzero(languages)
    pairs, counts = np.unique(first_pages[told] * len(CODES) + languages[told], return_counts=True)
    order = np.argsort(counts, kind="stable")
    most = np.zeros(len(languages), np.uint8)
    most[pairs[order] // len(CODES)] = pairs[order] % len(CODES)  # the last one is the most frequent
    untold = np.flatnonzero(languages == 0)
    found[untold] = most[first_pages[untold]]
    return found


def _covering_language(index: TextIndex, languages: U8, words: Sequence[QuestionTerm]) -> str:
    """The language whose pages have most of some words, by rarity, or "" if none has COVERAGE of them.

    A word counts for a language by its share of the pages, compared with the language where that is largest.
    """
    pages = np.bincount(languages, minlength=len(CODES))
    covered, total = np.zeros(len(CODES)), 0.0
    for found in index.look_up_all(words):
        total += found.idf
        shares = np.bincount(languages[found.rows], minlength=len(CODES)) / np.maximum(pages, 1)
        shares[0] = 0  # pages of unknown language
        if shares.any():
            covered += found.idf * shares / shares.max()
    best = int(covered.argmax())
    return CODES[best] if total and covered[best] > COVERAGE * total else ""
