"""Text before it is split into words: one code for letters, digits, spaces and hyphens that look alike."""

from __future__ import annotations

import re
import unicodedata

REMOVED = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u0640"
"""Soft hyphens, characters without width, marks of direction, and the tatweel that stretches Arabic words."""
SPACES = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"
HYPHENS = "\u2010\u2011\u2212\ufe63\uff0d"
"""Hyphens that are no ASCII one, and the minus sign; dashes separate words and stay."""
FIRST_DIGITS = (0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20)
"""The zeros of Arabic, Persian, N'Ko, Indic, Thai, Lao and Tibetan digits; those of full width are folded as words."""
ONE_CODE = {
    **dict.fromkeys(map(ord, REMOVED)),
    **dict.fromkeys(map(ord, SPACES), " "),
    **dict.fromkeys(map(ord, HYPHENS), "-"),
    **{first + digit: str(digit) for first in FIRST_DIGITS for digit in range(10)},
    **{ord(sign): " " + unicodedata.normalize("NFKC", sign).replace("\u2044", "/") for sign in "¼½¾⅓⅔⅛⅜⅝⅞"},
}
LATIN = {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
"""Latin letters that Unicode does not decompose, as they are written where keyboards lack them."""
ARABIC = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك", "ؤ": "و", "ئ": "ي"}
INDIC = {"\u0901": "\u0902", "\u0929": "\u0928", "\u0931": "\u0930", "\u0934": "\u0933"}
"""Candrabindu, for which anusvara is written, and letters that are composed with a nukta."""
FOLDED = str.maketrans(LATIN | ARABIC | INDIC)
UNWRITTEN = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u093c]"
)
"""Points of Hebrew and Arabic vowels, which most texts leave out, and the nukta of Devanagari."""
ACRONYM_MARK = re.compile("(?<=[\u05d0-\u05ea])[\"'’”\u05f3\u05f4](?=[\u05d0-\u05ea])")
"""The mark within a Hebrew acronym."""


def clean(text: str) -> str:
    """A text in Unicode's composed form, with one code for digits, spaces and hyphens, without invisible characters.

    >>> clean("Go\u0308teborg\u00a0x\u20112½"), clean("٤٢ bio\u00adluminescence")
    ('Göteborg x-2 1/2', '42 bioluminescence')
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text.replace("\u00ad\n", "")).translate(ONE_CODE)
    return ACRONYM_MARK.sub("", text)


def folded(word: str) -> str:
    """A word without diacritics over Latin letters, vowel points and other letters' variants.

    >>> folded("société"), folded("smørrebrød"), folded("أَحْمَد"), folded("ёлка")
    ('societe', 'smorrebrod', 'احمد', 'ёлка')
    """
    if word.isascii():
        return word
    word = UNWRITTEN.sub("", word).translate(FOLDED)
    decomposed = unicodedata.normalize("NFKD", word)
    if not any("a" <= letter <= "z" for letter in decomposed):
        return word
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
