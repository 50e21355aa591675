"""The language of a question, from its function words, or from the pages that have its words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..query.languages import CODES, language_of
from ..query.terms import QuestionTerm
from .text_index import TextIndex

COVERAGE = 0.25
"""Least share of a question, by the rarity of its words, that pages of a language have if it is in that language."""


def foreign_pages(index: TextIndex, question: str, words: Sequence[QuestionTerm]) -> NDArray[np.bool_]:
    """The pages (N,) in another language than a question with these `words`; all, if its language is not known.

    Pages whose own language is not known count as foreign in the latter case only.
    """
    languages = index.page_languages
    own = language_of(question, {word.term for word in words}) or _covering_language(index, words)
    return (languages != CODES.index(own)) & (languages > 0) if own else np.ones(len(languages), bool)


def _covering_language(index: TextIndex, words: Sequence[QuestionTerm]) -> str:
    """The language whose pages have most of some words, by rarity, or "" if none has COVERAGE of them.

    A word counts for a language by its share of the pages, compared with the language where that is largest.
    """
    languages = index.page_languages
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
