"""Units of text in the scripts of the second network: overlapping pairs of characters, or words; and their features.

Chinese, Japanese and Korean text is read as pairs of neighbouring characters, Thai as pairs of neighbouring clusters (a
consonant with its vowels and tone): these need no dictionary, and a pair is on the page wherever the text is. Arabic,
Hebrew, Devanagari, Bengali and Tamil are read as words. A query is cut into the same units as a page.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from itertools import pairwise

import numpy as np

from ...records import I64
from .words import spellings, split_query, word_grams

CJK = (
    "\u3005\u3007\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
)
THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
WORD_SCRIPTS = {
    "ARABIC": "\u0620-\u063f\u0641-\u064a\u066e-\u066f\u0671-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06ff\u0750-\u077f",
    "HEBREW": "\u05d0-\u05ea\u05ef-\u05f2",
    "DEVANAGARI": "\u0900-\u0963\u0970-\u097f",
    "BENGALI": "\u0980-\u09e3\u09f0\u09f1\u09fc\u09fe",
    "TAMIL": "\u0b82-\u0bcd\u0bd0\u0bd7",
}
"""Ranges of the letters and marks of the scripts that are read as words, after `simplify`."""
RIGHT_TO_LEFT = f"[{WORD_SCRIPTS['ARABIC']}{WORD_SCRIPTS['HEBREW']}]"
RUN = "|".join([f"[{CJK}]+", f"[{THAI}]+", *(f"[{ranges}]+" for ranges in WORD_SCRIPTS.values())])
"""Letters of one kind without a gap. It and the patterns below are compiled when a text needs them: most need none."""
PAIRED = f"[{CJK}{THAI}]"
THAI_CLUSTER = "[\u0e40-\u0e44]?[\u0e01-\u0e2e][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*[\u0e30\u0e32\u0e33\u0e45]?|."
HANGUL = "[\uac00-\ud7a3]"
UNPRINTED = (
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8"
    "\u06ea-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u093c]"
)
"""What words are spelled with and without: vowel points, the stretched joint of Arabic, joiners, marks of direction."""
HEBREW_QUOTE = "(?<=[\u05d0-\u05ea])[\"'’”\u05f3\u05f4](?=[\u05d0-\u05ea])"
"""The mark within a Hebrew acronym."""
ONE_LETTER = str.maketrans(
    {
        **dict.fromkeys("\u0622\u0623\u0625\u0671", "\u0627"),  # alef with hamza or madda
        **dict.fromkeys("\u0649\u06cc", "\u064a"),  # final and Persian yeh
        "\u06a9": "\u0643",  # Persian kaf
        "\u0629": "\u0647",  # teh marbuta
        "\u0901": "\u0902",  # candrabindu
    }
)
"""Letters that are written one for the other, as in Lucene's normalisers of Arabic, Persian and Hindi."""
PUNCTUATION = ".,:;!?()[]\"'\u060c\u061b\u061f\u0964"
BUCKETS = 65536
MAX_WORD_CHARS = 40
NO_TAIL = "-"


def simplify(text: str) -> str:
    """A text with one spelling for what is written in several ways; the scripts of the first network keep theirs.

    >>> simplify("كِتَابٌ"), simplify("مدرسة"), simplify("צה״ל"), simplify("ｶﾀｶﾅ")
    ('كتاب', 'مدرسه', 'צהל', 'カタカナ')
    """
    text = unicodedata.normalize("NFKC", text).replace("\u0e4d\u0e32", "\u0e33")  # NFKC takes sara am apart
    return re.sub(HEBREW_QUOTE, "", re.sub(UNPRINTED, "", text)).translate(ONE_LETTER)


def clusters(run: str) -> list[str]:
    """The characters of a run of Chinese, Japanese or Korean, or the clusters of a run of Thai.

    >>> clusters("東京都"), clusters("น้ำเย็น")
    (['東', '京', '都'], ['น้ำ', 'เย็', 'น'])
    """
    return re.findall(THAI_CLUSTER, run) if "\u0e00" <= run[0] <= "\u0e7f" else list(run)


def units_of_run(run: str) -> list[str]:
    """The units of a run of letters of one kind, in order: pairs of clusters, the only cluster, or the word."""
    if not re.match(PAIRED, run):
        return [run[:MAX_WORD_CHARS]]
    parts = clusters(run)
    return parts if len(parts) == 1 else [a + b for a, b in pairwise(parts)]


def split_units(text: str) -> list[str]:
    """The units of a text in the scripts of the second network, in order.

    >>> split_units("東京都 2024年 and हिन्दी, 대한민국")
    ['東京', '京都', '年', 'हिन्दी', '대한', '한민', '민국']
    """
    return [unit for run in re.findall(RUN, simplify(text)) for unit in units_of_run(run)]


def spotted_words(text: str) -> list[str]:
    """What the model looks for in a query, in order: its words, as `words.split_query` has them, and units.

    >>> spotted_words("margin in FY2022"), spotted_words("東京都 GDP 2024年")
    (['margin', 'in', 'fy2022', '2022'], ['東京', '京都', 'gdp', '2024', '年'])
    """
    if text.isascii() or not re.search(RUN, text):
        return split_query(text)
    text = simplify(text)
    found, last = [], 0
    for run in re.finditer(RUN, text):
        found += split_query(text[last : run.start()]) + units_of_run(run.group())
        last = run.end()
    return found + split_query(text[last:])


def spotted_spellings(text: str) -> dict[str, str]:
    """How a query spells what `spotted_words` finds: as `words.spellings` has it; a unit that is not here, as it is.

    >>> spotted_spellings("المدرسة and Margins")
    {'المدرسه': 'المدرسة', 'and': 'and', 'margin': 'Margins'}
    """
    if text.isascii() or not re.search(RUN, text):
        return spellings(text)
    found: dict[str, str] = {}
    for word in text.split():
        units = split_units(word)
        if len(units) == 1 and units[0] != word:
            found.setdefault(units[0], word.strip(PUNCTUATION))
    return found | spellings(re.sub(RUN, " ", text))


def is_unit(word: str) -> bool:
    """Whether a word, as `words.split_words` or `split_units` has it, is for the second network."""
    return not word.isascii() and re.match(RUN, word) is not None


def is_right_to_left(word: str) -> bool:
    """Whether a word is written from right to left.

    >>> is_right_to_left("كتاب"), is_right_to_left("2023")
    (True, False)
    """
    return re.match(RIGHT_TO_LEFT, word) is not None


def unit_features(unit: str) -> I64:
    """The hashed features of a unit, as bucket ids (F,) int64.

    Of a pair, they are its clusters by their place, so that a pair that was never seen has its vector from others; of a
    Hangul syllable also its letters, of a Thai cluster its characters. Of a word, its n-grams of 1 to 4 characters, the
    word, and single characters and bigrams by their distance from either end.
    """
    grams = pair_grams(unit) if re.match(PAIRED, unit) else word_grams(unit)
    return np.fromiter((zlib.crc32(g.encode("utf-8")) % BUCKETS for g in grams), np.int64, len(grams))


def pair_grams(unit: str) -> list[str]:
    """The features of a pair of clusters, or of one cluster, before hashing."""
    parts = clusters(unit)
    places = ("s",) if len(parts) == 1 else ("0", "1")
    grams = []
    for place, part in zip(places, parts, strict=False):
        grams += [f"{place}{part}", f"c{part}"]
        if re.match(HANGUL, part):
            letters = (*unicodedata.normalize("NFD", part), NO_TAIL)[:3]
            grams += [f"{place}j{i}{letter}" for i, letter in enumerate(letters)]
            grams += [f"{place}J{i}{letters[i]}{letters[i + 1]}" for i in range(2)]
        elif len(part) > 1:
            grams += [f"{place}t{letter}" for letter in part]
            grams += [f"{place}T{a}{b}" for a, b in pairwise(part)]
    return grams
