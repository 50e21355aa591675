"""Text to the words that the model spots: one normal form for queries and for training labels."""

from __future__ import annotations

import re
import unicodedata
import zlib
from itertools import pairwise

import numpy as np

from ...records import I64
from .concepts import is_concept

WORD = re.compile(r"[^\W_]+(?:[.,'’&][^\W_]+)*")
PREFIXED_YEAR = re.compile(r"[a-z]{1,3}((?:19|20)\d\d)")
BUCKETS = 32768
MAX_WORD_CHARS = 40
POSITIONS = 12
PLURAL_MIN_CHARS = 4


def normal_form(word: str) -> str:
    """Casefold, drop the possessive 's and an English plural s, so that "Margins" and "margin" are one word.

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
    """The normal forms of the words in `text`, in order; punctuation separates, "1,577.5" stays whole.

    >>> split_words("What drove the year-over-year change of $1,577.5 in FY2022?")
    ['what', 'drove', 'the', 'year', 'over', 'year', 'change', 'of', '1,577.5', 'in', 'fy2022']
    """
    return [normal_form(word) for word in WORD.findall(text)]


def split_query(text: str) -> list[str]:
    """The words to search for: as `split_words`, and of "FY2022" the year too, which is how pages print it.

    >>> split_query("margin in FY2022")
    ['margin', 'in', 'fy2022', '2022']
    """
    words = []
    for word in split_words(text):
        words.append(word)
        if match := PREFIXED_YEAR.fullmatch(word):
            words.append(match.group(1))
    return words


def neighbours(words: list[str]) -> list[tuple[str, str]]:
    """Words of a query that stand together, each pair once; a year stands for itself and its prefixed form.

    >>> neighbours(["operating", "margin", "fy2022", "2022"])
    [('operating', 'margin'), ('margin', '2022')]
    """
    plain = [word for word in words if not PREFIXED_YEAR.fullmatch(word)]
    return [(a, b) for a, b in dict.fromkeys(pairwise(plain)) if a != b]


def word_features(word: str) -> I64:
    """Hashed character n-grams (1 to 4, the whole word, characters by distance from both ends) as bucket ids (F,).

    A concept is not spelled: it is one feature.
    """
    if is_concept(word):
        return np.array([zlib.crc32(word.encode("utf-8")) % BUCKETS], np.int64)
    marked = f"<{word}>"
    grams = [f"n{marked[i : i + n]}" for n in range(1, 5) for i in range(len(marked) - n + 1)]
    grams.append(f"w{word}")
    for i in range(min(len(word), POSITIONS)):
        grams.append(f"l{i}{word[i]}")
        grams.append(f"r{i}{word[-1 - i]}")
        grams.append(f"L{i}{word[i : i + 2]}")
        grams.append(f"R{i}{word[len(word) - 1 - i :][:2]}")
    return np.fromiter((zlib.crc32(g.encode("utf-8")) % BUCKETS for g in grams), np.int64, len(grams))
