"""Index terms of texts: what the text index of an index's text layers is asked for."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from ..models.pixel.function_words import function_words
from ..models.pixel.words import split_query, split_words
from .instructions import without_instructions

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
"""Runs of scripts that do not put spaces between words: Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
WORD = re.compile(r"[^\W_]+")
NAME_SUFFIX = re.compile(r"\.\w{1,5}$")
NAME_PARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""Where a name is cut: before a capital after a small letter, and between letters and digits."""


def terms_of(text: str) -> list[str]:
    """The terms of a page's text, in order.

    >>> terms_of("The margins of Société X: 1,577.5")
    ['the', 'margin', 'of', 'societe', 'x', '1,577.5']
    >>> terms_of("数据库 2023")
    ['数据', '据库', '2023']
    """
    return [term for word in split_words(text) for term in _terms_of_word(word)]


def query_terms(text: str) -> list[str]:
    """The distinct terms of a question, without function words of its language and instructions about the answer.

    Function words stay if nothing else is left.

    >>> query_terms("What was revenue in FY2022? Round to two decimal places.")
    ['what', 'was', 'revenue', 'in', 'fy2022', '2022']
    """
    words = list(dict.fromkeys(split_query(without_instructions(text))))
    empty = function_words(words)
    kept = [word for word in words if word not in empty] or words
    return list(dict.fromkeys(term for word in kept for term in _terms_of_word(word)))


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
    """
    found: set[str] = set()
    for word in WORD.findall(NAME_SUFFIX.sub("", path)):
        parts = NAME_PARTS.split(word)
        found.update(term for part in {word, *parts} for term in terms_of(part))
    return frozenset(found)


def _terms_of_word(word: str) -> list[str]:
    if word.isascii():
        return [word]
    found: list[str] = []
    last = 0
    for match in UNSPACED.finditer(word):
        found += [_folded(word[last : match.start()])] if match.start() > last else []
        run = match.group()
        found += ["".join(pair) for pair in pairwise(run)] or [run]
        last = match.end()
    if last < len(word):
        found.append(_folded(word[last:]))
    return found


def _folded(word: str) -> str:
    """The word without diacritics over Latin letters, so that "société" is found as "societe"."""
    decomposed = unicodedata.normalize("NFKD", word)
    if not any("a" <= letter <= "z" for letter in decomposed):
        return word
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
