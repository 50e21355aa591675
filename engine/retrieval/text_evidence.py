"""What the text layers and the names of documents say of a question, page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..models.pixel.function_words import ENGLISH, by_language
from ..query.definitions import asked_names, asks_for_tests, is_test
from ..query.implied import IMPLIED_WEIGHT, implied_text
from ..query.languages import CODES
from ..query.terms import DEFINED, QuestionTerm, Value, is_code, question_terms, terms_of
from ..records import F32, I64, U8, Operators, SoughtWord, SourcePages, TextEvidence
from ..store import Snapshot
from .document_shares import DocumentShares
from .name_index import NameIndex, pages_of_name
from .near_terms import NearTerms
from .phrases import PhraseSearch
from .question_language import document_languages, foreign_pages
from .sought import sought_words
from .spelling import Spelling
from .term_pages import TermPages
from .text_index import TextIndex

MIN_IMPLIED_IDF = 0.5
"""Implied terms that are on more than about three of five pages are left out: "cash" in a bank's reports."""

ALMOST_EVERY, EVERY = 0.8, 0.5
"""Share of a question that a page needs so that it is taken to state all of it, and how certain all its words are."""
MIN_PART_CHARS, PART = 7, 0.5
"""Least letters of a word that is looked up as a part of others, as in German compounds, and how much these count."""
LOOSE, SPLIT = 0.5, 0.9
"""How much a page counts that has the words of a value, but not the value: "15" and "45" for "15:45"; of a date."""
SOUGHT_QUESTIONS = 64
"""Questions whose words are kept with what counts for them: they are shown on several pages."""
MAX_EVERY = 3
"""Most words of a question that a page with all of them is taken to state: those of a sentence are on many pages."""


class TextSearch:
    """Looks questions up in the texts and names of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot, unread: Collection[str] = ()) -> None:
        """`unread` are the codes of the languages that the model does not read on pictures."""
        self._snapshot = snapshot
        self._unread = unread
        self._index = TextIndex(snapshot)
        self._sought: dict[tuple[str, tuple[str, ...]], tuple[SoughtWord, ...]] = {}

    def evidence(self, question: str, beginnings: Sequence[str] = ()) -> TextEvidence:
        """What the text of every page says: BM25, and the share of the question that its document tells.

        A document tells by its path, and by the first OPENING_TERMS terms of its first page; terms count by their
        inverse document frequency. Words among `beginnings` find all words that begin with them.
        """
        asked = question_terms(question)
        words = [self._with_longer(word, is_beginning=word.term in beginnings) for word in asked.words]
        found = self._index.look_up_all(words)
        values = self._values(asked.values)
        text = self._text_scores(question, words, found, values)
        stated, denied = self._certain(words, found, values)
        document = self._documents.shares(question, words, found)
        return TextEvidence(text, document, self.has_text, stated, denied, self._is_unread)

    def sought(self, question: str, beginnings: Sequence[str] = ()) -> tuple[SoughtWord, ...]:
        """What texts are searched for a question, for those who show where it stands in them; the latest are kept."""
        key = (question, tuple(beginnings))
        if (known := self._sought.get(key)) is None:
            asked = question_terms(question)
            telling = [word for word in asked.words if word.term not in by_language()[ENGLISH]] or asked.words
            words = [self._with_longer(word, is_beginning=word.term in beginnings) for word in telling]
            values = self._values(asked.values)
            plain, _ = _apart(words, self._index.look_up_all(words), values)
            implied = question_terms(implied_text(question)).words
            its_pages = zip(implied, self._index.look_up_all(implied), strict=True)
            known = sought_words(
                words,
                {term: pages.idf for term, pages in plain.items()},
                values,
                self._near_terms.terms_of(question, words),
                [(word, pages.idf) for word, pages in its_pages if pages.idf > MIN_IMPLIED_IDF],
                self._index.known,
            )
            if len(self._sought) >= SOUGHT_QUESTIONS:
                self._sought.clear()
            self._sought[key] = known
        return known

    @cached_property
    def _is_unread(self) -> NDArray[np.bool_] | None:
        """Which pages (N,) have text in a script that the model does not read; None if there are none."""
        found = np.isin(self._index.page_languages, [CODES.index(code) for code in self._unread])
        return found if found.any() else None

    def foreign_pages(self, question: str) -> NDArray[np.bool_]:
        """The pages (N,) in another language than a question; see `question_language`."""
        return foreign_pages(self._index, self._document_languages, question, question_terms(question).words)

    @cached_property
    def _document_languages(self) -> U8:
        return document_languages(self._index.page_languages, self._snapshot.first_pages())

    def printed(self, question: str, row: int, beginnings: Sequence[str] = ()) -> frozenset[str]:
        """The terms of a question that a page's text has in any spelling; those among `beginnings`, also as the first
        letters of longer words.
        """
        asked = question_terms(question)
        words = [
            self._with_longer(word, is_beginning=True) if word.term in beginnings else word for word in asked.words
        ]
        found = self._index.look_up_all(words)
        printed = {word.term for word, pages in zip(words, found, strict=True) if (pages.rows == row).any()}
        for value, pages in self._values(asked.values):
            if (pages.rows == row).any():
                printed.update(value.words)
        return frozenset(printed)

    def named_pages(self, question: str) -> I64:
        """The first pages, as rows (n,), of the documents that a question names by their own file name."""
        return pages_of_name(self.names, self._snapshot, question)

    def source_pages(self, question: str) -> SourcePages | None:
        """What pages of source code define of a question, and which are tests that it does not ask for.

        None where the index has no source code. Scores that depend on it are `ranking.source_code`.
        """
        if not len(self._source_rows):
            return None
        defined = np.zeros(len(self._snapshot), np.float32)
        asked = asked_names(question)
        found = self._index.look_up_all([("", ((DEFINED + each.name, each.share),)) for each in asked])
        for pages in found:
            defined[pages.rows] = np.maximum(defined[pages.rows], pages.strengths)
        return SourcePages(defined, np.zeros(0, np.int64) if asks_for_tests(question) else self._test_rows)

    @cached_property
    def _source_rows(self) -> I64:
        """The pages of text and source files, as rows (n,)."""
        return self._index.look_up(DEFINED).rows

    @cached_property
    def _test_rows(self) -> I64:
        """Those of them that are tests, by their paths, as rows (n,)."""
        tests = [is_test(ref.path) for ref in self._snapshot.refs(self._source_rows.tolist())]
        return self._source_rows[np.array(tests, np.bool_)]

    def unknown_words(self, words: Sequence[QuestionTerm]) -> frozenset[str]:
        """The terms of those words that no text has in any spelling, nor any document's name."""
        found = zip(words, self._index.look_up_all(words), strict=True)
        unread = [word.term for word, pages in found if not len(pages.rows)]
        return frozenset(term for term in unread if not len(self.names.first_pages(term)))

    def has_phrase(self, phrase: str) -> bool:
        """Whether any text has the words of a phrase as they are, one after the other."""
        return bool(self._phrases.rows(phrase).any())

    def allowed(self, operators: Operators, shows: Callable[[str], NDArray[np.bool_]]) -> NDArray[np.bool_] | None:
        """The pages (N,) that have what operators ask for, or no text to tell; None where they ask for nothing.

        `shows` tells which pages without a text layer show a word.
        """
        found = None
        for phrase in operators.phrases:
            rows = self._phrases.rows(phrase) | ~self.has_text
            found = rows if found is None else found & rows
        for word in operators.excluded:
            found = np.ones(len(self._snapshot), bool) if found is None else found
            for term in terms_of(word):
                found[self._index.look_up(term).rows] = False
                found &= ~shows(term)
        return found

    @cached_property
    def _phrases(self) -> PhraseSearch:
        return PhraseSearch(self._snapshot, self._index)

    @property
    def has_text(self) -> NDArray[np.bool_]:
        """Which pages have a text layer with words, (N,)."""
        return self._index.lengths > 0

    @property
    def languages(self) -> frozenset[str]:
        """The codes of the languages of the text layers."""
        return self._index.languages

    @property
    def number_shares(self) -> F32:
        """The share of numbers among the words of each page, (N,) float32; nan for a page without a text layer."""
        return self._index.number_shares

    def _with_longer(self, word: QuestionTerm, *, is_beginning: bool) -> QuestionTerm:
        """A word with the longer words of the pages that begin with it, or, if no page has it, that it is a part of."""
        if is_beginning:
            longer = self.spelling.beginning_with(word.term)
            return word._replace(others=(*((other, 1.0) for other in longer), *word.others))
        if len(word.term) < MIN_PART_CHARS or not word.term.isalpha() or len(self._index.look_up_all([word])[0].rows):
            return word
        return word._replace(others=tuple((other, PART) for other in self.spelling.containing(word.term)))

    @cached_property
    def spelling(self) -> Spelling:
        """The words that the text layers have."""
        return Spelling(self._index)

    def _values(self, values: Sequence[Value]) -> list[tuple[Value, TermPages]]:
        """The values of a question that any page has, with these pages."""
        found = self._index.look_up_all([("", value.spelled) for value in values])
        return [(value, pages) for value, pages in zip(values, found, strict=True) if len(pages.rows)]

    def _text_scores(
        self,
        question: str,
        words: Sequence[QuestionTerm],
        found: Sequence[TermPages],
        values: Sequence[tuple[Value, TermPages]],
    ) -> F32:
        plain, by_word = _apart(words, found, values)
        related = self._near_terms.of(question, words)
        own = self._index.scores(plain.values(), [related.get(word, ()) for word in plain])
        if values:
            by_plain = sum(pages.idf for pages in plain.values())
            most = by_plain + sum(pages.idf for _, pages in values)
            own *= np.float32(by_plain / most)
            for value, pages in values:
                its_words = [by_word[word] for word in value.words if word in by_word]
                loose = SPLIT if value.may_be_split else LOOSE
                own += np.float32(pages.idf / most) * self._value_scores(pages, its_words, loose)
        if not (implied := implied_text(question)):
            return own
        looked_up = self._index.look_up_all(question_terms(implied).words)
        parts = self._index.scores([term for term in looked_up if term.idf > MIN_IMPLIED_IDF])
        together = (own + np.float32(IMPLIED_WEIGHT) * parts) / np.float32(1 + IMPLIED_WEIGHT)
        return together.astype(np.float32)

    def _certain(
        self, words: Sequence[QuestionTerm], found: Sequence[TermPages], values: Sequence[tuple[Value, TermPages]]
    ) -> tuple[F32, F32]:
        """The shares (N,) of a question that each page states for certain by its text, and that only others state.

        These are values and codes, and all words where a page has all of them.
        """
        every = np.zeros(len(self._snapshot), np.float32)
        stated, denied = every.copy(), every.copy()
        plain, _ = _apart(words, found, values)
        parts = [(is_code(word), pages) for word, pages in plain.items()]
        parts += [(not value.may_be_split, pages) for value, pages in values]
        most = sum(pages.idf for _, pages in parts)
        for is_certain, pages in parts:
            share = np.float32(pages.idf / most if most else 0)
            every[pages.rows] += share * pages.strengths
            if is_certain and len(pages.rows):
                stated[pages.rows] += share * pages.strengths
                denied += share
                denied[pages.rows] -= share
        if len(parts) > MAX_EVERY:
            return stated, denied
        complete = np.maximum(0, every - ALMOST_EVERY) / np.float32(1 - ALMOST_EVERY)
        return np.maximum(stated, EVERY * complete).astype(np.float32), denied

    def _value_scores(self, value: TermPages, words: Sequence[TermPages], apart: float) -> F32:
        """What each page (N,) has of a value, 0..1: less in another spelling; times `apart` where only its words."""
        loose, spelled = np.zeros(len(self._snapshot)), np.ones(len(self._snapshot), bool)
        for word in words:
            common = min(1.0, word.idf / value.idf) if value.idf else 0.0
            loose[word.rows] += apart / len(words) * common * self._index.saturated(word)
            has_word = np.zeros(len(spelled), bool)
            has_word[word.rows] = True
            spelled &= has_word
        own = self._index.saturated(value)
        exact = own / value.strengths
        loose[value.rows] = np.where(spelled[value.rows], exact, own)
        return loose.astype(np.float32)

    @cached_property
    def _near_terms(self) -> NearTerms:
        return NearTerms(self._index, self.spelling)

    @cached_property
    def _documents(self) -> DocumentShares:
        return DocumentShares(self._snapshot, self.names)

    @cached_property
    def names(self) -> NameIndex:
        """The terms of the documents' paths, opened or built the first time."""
        return NameIndex(self._snapshot)


def _apart(
    words: Sequence[QuestionTerm], found: Sequence[TermPages], values: Sequence[tuple[Value, TermPages]]
) -> tuple[dict[str, TermPages], dict[str, TermPages]]:
    """The pages of the words that spell none of some values, and those of all words, by term."""
    spelling = {word for value, _ in values for word in value.words}
    by_word = {word.term: pages for word, pages in zip(words, found, strict=True)}
    return {word: pages for word, pages in by_word.items() if word not in spelling}, by_word
