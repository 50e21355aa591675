"""Index terms of texts: what the text index of an index's text layers is asked for."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ..models.pixel.function_words import ENGLISH, by_language, function_words
from ..models.pixel.words import WORD, normal_form, split_query, split_words, stated_year, with_year
from ..records import SoughtWord
from .characters import clean, folded
from .dates import DATE, SURE, UNSURE, Form
from .definitions import defined_names
from .inflections import inflections
from .instructions import without_instructions
from .mined_translations import builders
from .spellings import CAPITALS, forms

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Runs of scripts that do not put spaces between words: Thai, Lao, Burmese, Khmer, kana and Chinese characters; and of
Hangul, which joins particles to words.
"""
IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
SAME, MAYBE = "=", "~"
"""How the forms of values are marked among terms: those that a text surely states, and those that it may state."""
DEFINED = ":"
"""How names that source code defines are marked among terms; alone, it is on all pages of text and source files."""
CODE_MIN_CHARS, ADDRESS_MIN_CHARS = 5, 8
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})
YEAR = re.compile(r"(?:19|20)\d\d")
NAME_WORD = re.compile(r"[^\W_]+")
YEAR_SPAN = re.compile(r"(?<!\d)((?:19|20)\d\d)[-–_/](\d\d)(?![-–_/]?\d)")
"""Two years in a name, the second one in two digits: "2021-22"."""
NAME_SUFFIX = re.compile(r"\.\w{1,5}$")
NAME_PARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""Where a name is cut: before a capital after a small letter, and between letters and digits."""
PART_MIN_CHARS = 2
"""Shorter parts of identifiers tell nothing."""
PLACED_WORDS = 50_000
"""Words of texts whose terms and their places are kept, about 15 MB."""
NAME_WORDS = 10_000
"""Words of paths whose terms are kept, about 3 MB."""


class PageTerms(NamedTuple):
    """What a page's text is indexed by: its words' `terms`, in order, and the `forms` of its values besides.

    `forms` maps each to the number of terms before it. They are marked by SAME or, where a value may be another, MAYBE,
    which no term has; see `spellings`. So are names that it defines, by DEFINED; see `definitions`.
    """

    terms: list[str]
    forms: dict[str, int]


class QuestionTerm(NamedTuple):
    """A word of a question as a term, and `others` that a page may have instead, with how much that counts, 0..1."""

    term: str
    others: tuple[tuple[str, float], ...] = ()


class Value(NamedTuple):
    """A value in a question, whose `words` mean something else apart: any of `spelled` on a page is the value.

    `spelled` are terms, each with how much a page counts that has it; `words` are terms of the question. A page may
    have the parts of a date apart, in the rows of a table: then `may_be_split`.
    """

    spelled: tuple[tuple[str, float], ...]
    words: tuple[str, ...]
    may_be_split: bool = False


class QuestionTerms(NamedTuple):
    """What a question is looked up by in texts: its distinct words, and the values that these spell."""

    words: tuple[QuestionTerm, ...]
    values: tuple[Value, ...]


def terms_of(text: str) -> list[str]:
    """The terms of a page's text, in order.

    >>> terms_of("The margins of Société X: 1,577.5")
    ['the', 'margin', 'of', 'societe', 'x', '1,577.5']
    >>> terms_of("数据库 2023 정보를")
    ['数据', '据库', '2023', '정보', '보를']
    """
    return [term for word in split_words(clean(text)) for term in _terms_of_word(word)]


def page_terms(text: str, *, is_source: bool = False) -> PageTerms:
    """The terms of a page's text, and the forms of its values.

    In a text or source file (`is_source`), the parts of identifiers are terms, too, and definitions are forms.

    >>> page_terms("F.B.I. 1,577.50").forms
    {'=fbi': 0, '=1577.5': 1}
    >>> page_terms("self.openWriter", is_source=True).terms
    ['self.openwriter', 'self', 'open', 'writer']
    """
    text = clean(text)
    terms: list[str] = []
    starts: list[int] = []
    for match in WORD.finditer(text):
        found = _terms_of_word(normal_form(match.group()))
        if is_source:
            found += identifier_parts(match.group())
        terms += found
        starts += [match.start()] * len(found)
    plain, marked = set(terms), dict[str, int]()
    for form in sorted(forms(text)):
        if form.form not in plain:
            marked.setdefault(marked_form(form), bisect_left(starts, form.start))
    if not text.isascii():
        for letter in IDEOGRAPH.findall(text):
            marked.setdefault(SAME + letter, len(terms))
    if is_source:
        marked[DEFINED] = 0
        for name, start in defined_names(text):
            marked.setdefault(DEFINED + name, bisect_left(starts, start))
    return PageTerms(terms, marked)


@lru_cache(maxsize=PLACED_WORDS)
def identifier_parts(word: str) -> tuple[str, ...]:
    """The terms of the parts of an identifier as source code spells it; none of a word that has no parts.

    >>> identifier_parts("snapshot.openWriter"), identifier_parts("HTTPServer2"), identifier_parts("margin")
    (('snapshot', 'open', 'writer'), ('http', 'server'), ())
    """
    parts = [part for name in NAME_WORD.findall(word) for part in NAME_PARTS.split(name)]
    telling = [part for part in parts if len(part) >= PART_MIN_CHARS and not part.isdecimal()]
    return tuple(term for part in telling for term in _terms_of_word(normal_form(part))) if len(parts) > 1 else ()


def marked_form(form: Form) -> str:
    """A form of a value as a page's text is indexed by it."""
    return (SAME if form.strength == SURE else MAYBE) + folded(form.form)


@lru_cache(maxsize=PLACED_WORDS)
def placed_terms(raw: str) -> tuple[tuple[int, int, str], ...]:
    """The terms of a word as a text spells it, each with its first and last + 1 character in the word.

    >>> placed_terms("Margins"), placed_terms("数据库")
    (((0, 7, 'margin'),), ((0, 2, '数据'), (1, 3, '据库')))
    """
    word = normal_form(raw)
    if not word.isascii() and len(word) == len(raw):
        found: list[tuple[int, int, str]] = []
        last = 0
        for run in UNSPACED.finditer(word):
            found += [(last, run.start(), folded(word[last : run.start()]))] if run.start() > last else []
            pairs = range(run.start(), max(run.start() + 1, run.end() - 1))
            found += [(at, min(run.end(), at + 2), word[at : min(run.end(), at + 2)]) for at in pairs]
            last = run.end()
        return (*found, *([(last, len(word), folded(word[last:]))] if last < len(word) else ()))
    return tuple((0, len(raw), term) for term in _terms_of_word(word))


@lru_cache(maxsize=64)
def question_terms(text: str) -> QuestionTerms:
    """The distinct terms of a question, without function words of its language and instructions about the answer.

    Function words stay if nothing else is left, and so do words in capitals: "IT" is none.

    >>> [word.term for word in question_terms("What was revenue in FY2022? Round to two decimal places.").words]
    ['what', 'was', 'revenue', 'in', 'fy2022', '2022']
    >>> question_terms("at 3:45 pm").values
    (Value(spelled=(('=15:45', 0.9), ('15:45', 0.9), ('~15:45', 0.5)), words=('3', '45', 'pm'), may_be_split=False),)
    """
    text = clean(without_instructions(text))
    spans = [(match.start(), match.end(), normal_form(match.group())) for match in WORD.finditer(text)]
    found = [form for form in forms(text, is_question=True) if not form.is_part]
    in_capitals = {
        word for start, _, word in spans for form in found if form.start == start and form.form[0] == CAPITALS
    }
    words = list(dict.fromkeys(each for _, _, word in spans for each in with_year(word)))
    empty = (function_words(words) or builders(words)) - in_capitals
    kept = [word for word in words if word not in empty] or words
    others: dict[str, list[tuple[str, float]]] = {}
    values: list[Value] = []
    for form in found:
        covered = [word for start, end, word in spans if start < form.end and end > form.start]
        terms = tuple(term for word in covered for term in _terms_of_word(word))
        spelled = _spelled(form)
        if form.is_whole and (len(terms) > 1 or not form.form[-1].isalnum() or form.form[0] in CAPITALS + "."):
            values.append(Value(spelled, tuple(dict.fromkeys(terms)), DATE.fullmatch(form.form) is not None))
        else:
            for term in terms:
                others.setdefault(term, []).extend(spelled)
    for (_, _, first), (_, _, second) in pairwise(spans):
        for term in (first, second):
            others.setdefault(term, []).extend([(SAME + first + second, SURE), (first + second, SURE)])
    own = [(term, word) for word in kept for term in _terms_of_word(word)]
    return QuestionTerms(
        tuple(QuestionTerm(term, _others(term, word, others.get(term, ()))) for term, word in dict(own).items()),
        tuple(dict.fromkeys(values)),
    )


def plain_words(text: str) -> tuple[SoughtWord, ...]:
    """The words of a question as they are sought in a text by itself: alike, without the function words of English.

    >>> [word.terms for word in plain_words("What is the margin in 2023?")]
    [('margin',), ('in',), ('2023',)]
    """
    words = question_terms(text).words
    telling = [word for word in words if word.term not in by_language()[ENGLISH]] or words
    return tuple(SoughtWord((word.term,), 1 / len(telling), dict(word.others)) for word in telling)


def is_code(term: str) -> bool:
    """Whether a term is a number, a code or an address so long that it stands for one thing, as no year does.

    >>> is_code("4821093377"), is_code("1,234.56"), is_code("ab1047"), is_code("2023"), is_code("margin")
    (True, True, True, False, False)
    """
    if stated_year(term) is not None:
        return False
    return len(term) >= (CODE_MIN_CHARS if any(map(str.isdigit, term)) else ADDRESS_MIN_CHARS if "." in term else 99)


def joined_terms(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Two and three neighbouring words of a question written as one, each with the terms that it stands for.

    File names often print names so: "ACTIVISIONBLIZZARD_2019.pdf".

    >>> joined_terms("Activision Blizzard 2019")[0]
    ('activisionblizzard', ('activision', 'blizzard'))
    """
    terms = [term for word in split_query(text) for term in _terms_of_word(word)]
    runs = [terms[i : i + n] for n in (2, 3) for i in range(len(terms) - n + 1)]
    return [("".join(run), tuple(run)) for run in runs]


def name_terms(path: str) -> frozenset[str]:
    """The terms of a document's path: its folders and its name, parts in capitals and digits apart.

    >>> sorted(name_terms("reports/acmeGroup_2019Q4.pdf"))
    ['2019', '2019q4', '4', 'acme', 'acmegroup', 'group', 'q', 'report']
    >>> sorted(name_terms("FY21.pdf") | name_terms("2022-23.pdf"))
    ['2021', '2022', '2023', '21', '23', 'fy', 'fy21']
    """
    name = NAME_SUFFIX.sub("", path)
    years = [(int(match[1]) + 1, match[2]) for match in YEAR_SPAN.finditer(name)]
    spans = {str(year) for year, digits in years if f"{year % 100:02}" == digits}
    return frozenset(term for word in NAME_WORD.findall(name) for term in _terms_of_name_word(word)) | spans


def plain_name(name: str) -> str:
    """A file name, or a path, as people may write it: its words in lower case, without an extension.

    >>> plain_name("Annual_Report-2021.PDF"), plain_name("annual report 2021")
    ('annual report 2021', 'annual report 2021')
    """
    return " ".join(folded(word.lower()) for word in NAME_WORD.findall(NAME_SUFFIX.sub("", name)))


@lru_cache(maxsize=NAME_WORDS)
def _terms_of_name_word(word: str) -> tuple[str, ...]:
    """The terms of a word of a path, and of its parts; cached, since names in a folder share words."""
    parts = {word} if word.isdecimal() else {word, *NAME_PARTS.split(word)}
    year = stated_year(normal_form(word))
    return tuple({*(term for part in parts for term in terms_of(part)), *([year] if year else [])})


def _terms_of_word(word: str) -> list[str]:
    if word.isascii():
        return [word]
    found: list[str] = []
    last = 0
    for match in UNSPACED.finditer(word):
        found += [folded(word[last : match.start()])] if match.start() > last else []
        run = match.group()
        found += ["".join(pair) for pair in pairwise(run)] or [run]
        last = match.end()
    if last < len(word):
        found.append(folded(word[last:]))
    return found


def _spelled(form: Form) -> tuple[tuple[str, float], ...]:
    """The terms that pages may have of a form."""
    name = folded(form.form)
    unsure = UNSURE if form.strength == SURE else UNSURE * UNSURE
    return (SAME + name, form.strength), (name, form.strength), (MAYBE + name, unsure)


def _others(term: str, word: str, found: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """What pages may have instead of a `term` of a `word`, the better ones first."""
    if YEAR.fullmatch(term):  # no "2,022"
        return ()
    every = [*found, (SAME + term, SURE), (MAYBE + term, UNSURE), *inflections(term)]
    if not word.isascii():
        every.append((folded(word.translate(UMLAUTS)), SURE))
    best: dict[str, float] = {}
    for other, strength in sorted(every, key=lambda each: -each[1]):
        if other != term:
            best.setdefault(other, strength)
    return tuple(best.items())
