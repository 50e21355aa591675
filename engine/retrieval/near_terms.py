"""Terms that are near in meaning to the words of a question: synonyms, and the words of the pages' other languages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np

from ..models.pixel.thesaurus import synonyms
from ..query.languages import by_letters
from ..query.terms import QuestionTerm, terms_of
from ..query.translated import weight_of
from ..query.translations import translate
from .spelling import Spelling
from .term_pages import TermPages
from .text_index import Related, TextIndex

SYNONYM_WEIGHT = 0.3
"""How much a synonym counts, of what the word itself would; docs/log.md#mined-words compares 0.3 and 0.5."""
STEM, ENDING = 5, 3
"""Least letters of a word whose other forms are found by its beginning, and most letters that these have more."""
FORM = 0.9
"""How much another form of a word counts, of what the word would."""
FORMS_MAX = 8
VOWELS = "aeiouyаеиоуыяюіїαεηιουω"


class NearTerms:
    """Looks up what is near in meaning to the words of a question. May be shared between threads."""

    def __init__(self, index: TextIndex, spelling: Spelling) -> None:
        self._index = index
        self._spelling = spelling

    def of(self, question: str, words: Sequence[QuestionTerm]) -> dict[str, list[Related]]:
        """What is related to each word of a question, by its term; words without anything are left out."""
        found: dict[str, list[Related]] = defaultdict(list)
        near = [(word.term, other) for word in words for name in synonyms(word.term) for other in terms_of(name)]
        looked_up = self._index.look_up_all([(other, ()) for _, other in near])
        for (term, _), its_pages in zip(near, looked_up, strict=True):
            if len(its_pages.rows):
                found[term].append(Related(its_pages, SYNONYM_WEIGHT))
        terms = {word.term for word in words}
        pages_of = cache(self._pages_of)  # a question may have a word many times
        for translated in translate(question, self._index.languages).values():
            for translation in translated:
                pages = [each for name in translation.names if len((each := pages_of(name)).rows)]
                for term in {term for word in translation.words for term in terms_of(word)} & terms:
                    found[term] += [Related(each, weight_of(translation)) for each in pages]
        return {term: related for term, related in found.items() if related}

    def terms_of(self, question: str, words: Sequence[QuestionTerm]) -> dict[str, dict[str, float]]:
        """The terms of what is near in meaning to each word of a question, with how much they count, by its term."""
        found: dict[str, dict[str, float]] = defaultdict(dict)
        terms = {word.term for word in words}
        for translated in translate(question, self._index.languages).values():
            for translation in translated:
                named = {term for name in translation.names for term in terms_of(name)}
                forms = {form for term in named for form, _ in self._forms(term)}
                for term in {term for word in translation.words for term in terms_of(word)} & terms:
                    found[term] = dict.fromkeys(named | forms, weight_of(translation)) | found[term]
        for word in words:
            for term in (term for name in synonyms(word.term) for term in terms_of(name)):
                found[word.term].setdefault(term, SYNONYM_WEIGHT)
        return dict(found)

    def _pages_of(self, name: str) -> TermPages:
        """The pages that have all words of a name, in any form."""
        first, *others = self._index.look_up_all([(term, self._forms(term)) for term in terms_of(name)])
        if not others:
            return first
        chosen = np.ones(len(first.rows), bool)
        for other in others:
            chosen &= np.isin(first.rows, other.rows)
        counts, begins, strengths = first.counts[chosen], first.begins[chosen], first.strengths[chosen]
        return TermPages(first.rows[chosen], counts, begins, strengths, self._index.idf(int(chosen.sum())))

    def _forms(self, term: str) -> tuple[tuple[str, float], ...]:
        """Other forms of a word of an alphabetic script, by its beginning: "rechnungen", "rechnungs" of "rechnung"."""
        if len(term) < STEM or not term.isalpha() or by_letters(term):
            return ()
        stem = term[:-1] if term[-1] in VOWELS and len(term) > STEM else term
        longer = [form for form in self._spelling.beginning_with(stem) if form != term and form.isalpha()]
        return tuple((form, FORM) for form in longer if len(form) <= len(term) + ENDING)[:FORMS_MAX]
