"""The language of a page's text, as far as its letters and function words tell it."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import lru_cache

from ..models.pixel.function_words import ENGLISH, HOMOGRAPHS, by_language

LETTERS = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7a3]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
    "th": re.compile("[\u0e01-\u0e5b]"),
    "he": re.compile("[\u05d0-\u05ea]"),
    "ar": re.compile("[\u0621-\u064a]"),
    "hi": re.compile("[\u0904-\u0939]"),
}
"""Letters that tell a language, or the one that most texts in their script are in; Japanese has Chinese ones, too."""
SAMPLES = {"ja": "あ", "ko": "한", "zh": "中", "th": "ก", "he": "א", "ar": "ا", "hi": "अ"}
"""A letter of each."""
LETTER_SHARE = 0.1
"""Share of a text that these letters must have: kana have less of a Japanese text than Chinese characters."""
LETTERS_READ = 2000
CODES = (
    *("", "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "sl", "sh", "hu", "ro"),
    *("tr", "el", "ru", "uk", "bg", "vi", "id", "ca", "lt", "lv", "et", "ja", "ko", "zh", "th", "he", "ar", "hi"),
)
"""The codes of all languages, as text indexes number them: new ones come last."""
MIN_WORDS = 3
"""Least distinct function words of a language."""


def language_of(text: str, terms: AbstractSet[str]) -> str:
    """The code of the language of a text with these `terms`, or "" where they do not tell.

    >>> language_of("売上高は", frozenset()), language_of("", {"und", "der", "nicht", "umsatz"})
    ('ja', 'de')
    """
    if code := by_letters(text[:LETTERS_READ]):
        return code
    evidence = sorted(((len(words & terms), code) for code, words in _markers().items()), reverse=True)
    (most, code), (second, _) = evidence[0], evidence[1]
    return code if most >= MIN_WORDS and most > second else ""


def languages_not_read(unread_letters: Callable[[str], str]) -> frozenset[str]:
    """The codes of the languages whose letters a model does not read; see `EncoderSpec.unread_letters`.

    >>> from docsearch.engine.models.pixel.spec import EARLIER
    >>> sorted(languages_not_read(EARLIER["8"].unread_letters))
    ['ar', 'he', 'hi', 'ja', 'ko', 'th', 'zh']
    """
    return frozenset(code for code, letter in SAMPLES.items() if unread_letters(letter))


def by_letters(text: str) -> str:
    """The code of the language that the letters of a text tell, or "" for scripts of many languages."""
    if text.isascii():
        return ""
    return next((code for code, each in LETTERS.items() if len(each.findall(text)) > LETTER_SHARE * len(text)), "")


@lru_cache(maxsize=1)
def _markers() -> dict[str, frozenset[str]]:
    """The function words of each language, without those that are English words, too, and of one letter."""
    languages = {code: frozenset(word for word in words if len(word) > 1) for code, words in by_language().items()}
    shared = languages.pop(HOMOGRAPHS)
    english = languages[ENGLISH] - shared
    return {code: words - shared - (english if code != ENGLISH else frozenset()) for code, words in languages.items()}
