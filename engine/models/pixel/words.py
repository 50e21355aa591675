"""Words of a text, as the model spots them: one normal form for queries and training labels, and hashed n-grams of it.

Subword n-grams as in Bojanowski et al., "Enriching Word Vectors with Subword Information" (fastText), 2017; hashed into
buckets as in Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from itertools import pairwise

import numpy as np

from ...records import I64
from .concepts import is_concept

MARKS = "".join(
    chr(code) for code in (*range(0x300, 0x1E00), *range(0x20D0, 0x20F1)) if unicodedata.category(chr(code))[0] == "M"
)
"""Combining marks: vowel signs of Devanagari and the like, and accents of decomposed text."""
_LETTERS = rf"[^\W_]+(?:[{MARKS}]+[^\W_]*)*"
WORD = re.compile(rf"{_LETTERS}(?:[.,'’&]{_LETTERS})*")
_CENTURY = r"(?:19|20)\d\d"
_STATED_YEAR = re.compile(
    rf"[a-z]{{1,3}}({_CENTURY})|({_CENTURY})[qh][1-4]|[1-4][qh]({_CENTURY})|(?:[fc]y'?|[1-4][qh]'?)(\d\d)"
)
_FIRST_CENTURY_YEAR = 70
"""Years of two digits from this one on are of the last century."""
BUCKETS = 32768
MAX_WORD_CHARS = 40
NGRAM_MAX_CHARS = 4
POSITIONS = 12
"""Characters at each end of a word that are also features by their distance from that end."""
PLURAL_MIN_CHARS = 4


def normal_form(word: str) -> str:
    """Case-fold a word and strip the possessive 's and an English plural s: "Margins" and "margin" are one word.

    >>> normal_form("Company’s"), normal_form("Margins"), normal_form("loss"), normal_form("1990s")
    ('company', 'margin', 'loss', '1990s')
    """
    word = unicodedata.normalize("NFKC", word).casefold().replace("’", "'")
    word = word.removesuffix("'s")
    plural = len(word) >= PLURAL_MIN_CHARS and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    if plural and word[-2].isalpha():
        word = word[:-1]
    return word[:MAX_WORD_CHARS]


def split_words(text: str) -> list[str]:
    """The words of `text` in normal form, in order; punctuation separates words, but "1,577.5" is one.

    >>> split_words("What drove the year-over-year change of $1,577.5 in FY2022?")
    ['what', 'drove', 'the', 'year', 'over', 'year', 'change', 'of', '1,577.5', 'in', 'fy2022']
    """
    return [normal_form(word) for word in WORD.findall(composed(text))]


def composed(text: str) -> str:
    """The text in Unicode's composed form: macOS decomposes what is typed into names, and "ö" is to be one letter."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def split_query(text: str) -> list[str]:
    """The words of a query: as `split_words`, and after "FY2022" the year alone as well, since pages print it so.

    >>> split_query("margin in FY2022")
    ['margin', 'in', 'fy2022', '2022']
    """
    return [each for word in split_words(text) for each in with_year(word)]


def stated_year(word: str) -> str | None:
    """The year that a word in normal form states with a quarter, a half or a prefix, in four digits.

    >>> [stated_year(word) for word in ("fy2022", "2022q4", "4q22", "fy'98", "2022", "m22")]
    ['2022', '2022', '2022', '1998', None, None]
    """
    match = _STATED_YEAR.fullmatch(word)
    if match is None:
        return None
    year = next(group for group in match.groups() if group)
    if len(year) == 2:
        return f"{19 if int(year) >= _FIRST_CENTURY_YEAR else 20}{year}"
    return year


def with_year(word: str) -> tuple[str, ...]:
    """A word in normal form and, for "fy2022", the year alone."""
    year = stated_year(word)
    return (word,) if year is None else (word, year)


def spellings(text: str) -> dict[str, str]:
    """How a query spells each of its words: the normal form, and the word as it first stands in the text.

    >>> spellings("Margins in FY2022, and margin")
    {'margin': 'Margins', 'in': 'in', 'fy2022': 'FY2022', '2022': '2022', 'and': 'and'}
    """
    found: dict[str, str] = {}
    for word in WORD.findall(composed(text)):
        normal = normal_form(word)
        found.setdefault(normal, word)
        if year := stated_year(normal):
            found.setdefault(year, year)
    return found


def adjacent_pairs(words: list[str]) -> list[tuple[str, str]]:
    """Pairs of words that are next to each other in a query, each once; a year stands for its prefixed form too.

    >>> adjacent_pairs(["operating", "margin", "fy2022", "2022"])
    [('operating', 'margin'), ('margin', '2022')]
    """
    plain = [word for word in words if stated_year(word) is None]
    return [(a, b) for a, b in dict.fromkeys(pairwise(plain)) if a != b]


def word_features(word: str) -> I64:
    """The hashed features of a word, as bucket ids (F,) int64.

    Features are its n-grams of 1 to 4 characters, the whole word, and single characters and bigrams by their distance
    from either end. A concept is not spelled, so it is one feature.
    """
    if is_concept(word):
        return np.array([zlib.crc32(word.encode("utf-8")) % BUCKETS], np.int64)
    grams = word_grams(word)
    return np.fromiter((zlib.crc32(g.encode("utf-8")) % BUCKETS for g in grams), np.int64, len(grams))


def word_grams(word: str) -> list[str]:
    """The features of a word, before hashing."""
    marked = f"<{word}>"
    grams = [f"n{marked[i : i + n]}" for n in range(1, NGRAM_MAX_CHARS + 1) for i in range(len(marked) - n + 1)]
    grams.append(f"w{word}")
    for i in range(min(len(word), POSITIONS)):
        grams.append(f"l{i}{word[i]}")
        grams.append(f"r{i}{word[-1 - i]}")
        grams.append(f"L{i}{word[i : i + 2]}")
        grams.append(f"R{i}{word[len(word) - 1 - i :][:2]}")
    return grams
