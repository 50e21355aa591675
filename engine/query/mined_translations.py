"""Translations of frequent words, mined from a sentence encoder and Unicode's CLDR: `mined_translations.tsv`.

The file is sorted by its first column and searched where it lies, so that a question reads a few lines of it. A line
of a word of another language has its English names, "rechnung <tab> de <tab> bill/invoice"; a line of an English word
has its names in other languages, "invoice <tab> en <tab> de:rechnung|fr:facture". `training/mined_translations.py`
makes it; `mined_translations.license` says of what. About one of nine words is translated wrongly, so these count for
less than those of `translations` (docs/log.md#mined-translations).
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from ..models.pixel.function_words import ENGLISH, HOMOGRAPHS, by_language
from . import compounds
from .characters import folded
from .known_words import is_english
from .languages import by_letters

FILE = Path(__file__).with_name("mined_translations.tsv")
LINES_MAX = 64
LONGEST_NAME = 2
"""Words of a name that are looked for together."""
LONGEST_UNSPACED = 6
"""Letters of a name in a script without spaces that are looked for together."""
STEM, CHANGED = 5, 3
"""Least letters that an inflected word and a name must share, and most that each has besides."""
STEM_HANGUL = 2
"""Least syllables of Hangul that a word and a name must share: particles follow."""

BUILDING = 4
"""How much a word that builds sentences tells of a question's language, of what another word does."""

Line = tuple[str, str, str]
"""A word, its language, and its names."""


class MinedWords:
    """The lines of the file, looked up by words in folded form. May be shared between threads."""

    def __init__(self, file: Path = FILE) -> None:
        """Raises OSError if the file cannot be read."""
        with file.open("rb") as opened:
            self._bytes = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

    def lines(self, word: str) -> list[Line]:
        """The lines of a word."""
        return list(self.beginning_with(f"{word}\t"))

    def beginning_with(self, prefix: str) -> Iterator[Line]:
        """The first LINES_MAX lines whose words begin with `prefix`, in the order of their bytes."""
        wanted = prefix.encode()
        at = self._first(wanted)
        for _ in range(LINES_MAX):
            end = self._bytes.find(b"\n", at)
            if end < 0 or not self._bytes[at:end].startswith(wanted):
                return
            word, language, names = self._bytes[at:end].decode().split("\t")
            yield word, language, names
            at = end + 1

    def _first(self, wanted: bytes) -> int:
        """Where the first line begins that does not sort before `wanted`."""
        low, high = 0, len(self._bytes)
        while low < high:
            middle = self._bytes.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = self._bytes.find(b"\n", middle)
            if self._bytes[middle:end] < wanted:
                low = end + 1
            else:
                high = middle
        return low


@lru_cache(maxsize=1)
def mined_words() -> MinedWords:
    """The file that comes with the package."""
    return MinedWords()


def language_of_words(words: Sequence[str], plain: Sequence[str]) -> str:
    """The language that has most of a question's words, those that build its sentences among them; "" if none has any.

    `words` are in normal form, `plain` the same ones folded.

    >>> language_of_words(["prix", "de", "la", "valise"], ["prix", "de", "la", "valise"])
    'fr'
    """
    if by_script := by_letters("".join(words)):
        return by_script
    votes: dict[str, float] = {}
    for word, its_plain in zip(words, plain, strict=True):
        known = {language for _, language, _ in mined_words().lines(its_plain)}
        building = {code for code, its in by_language().items() if word in its and code != HOMOGRAPHS}
        known |= building or ({ENGLISH} if is_english(word) else set())
        if not word.isascii():
            known.discard(ENGLISH)
        for language in known or _languages_of_parts(its_plain):
            votes[language] = votes.get(language, 0) + (BUILDING if language in building else 1) / max(1, len(known))
    return max(votes, key=lambda language: (votes[language], language == ENGLISH, language), default="")


def _languages_of_parts(word: str) -> list[str]:
    """The first language, if any, in which a folded word is put together from names of the file."""
    return next(([language] for language in sorted(compounds.COMPOUNDING) if compound_parts(word, language)), [])


def builders(words: Sequence[str]) -> frozenset[str]:
    """The function words of the language that most of a question's words are of, unless that is English.

    >>> sorted(word for word in ("grietas", "en", "el", "gris") if word in builders(("grietas", "en", "el", "gris")))
    ['el', 'en']
    """
    own = language_of_words(words, [folded(word) for word in words])
    return frozenset(by_language().get(own, ())) if own != ENGLISH else frozenset()


def is_word_of(word: str, plain: str, language: str) -> bool:
    """Whether a word, in normal form and folded, is known to be one of a language."""
    return has_mined(plain, language) or (language == ENGLISH and is_english(word))


def mined_names(word: str, own: str, languages: Collection[str]) -> dict[str, list[str]]:
    """What a folded `word` of the language `own` is called in other `languages`, by them.

    From a language other than English to another, by way of English.

    >>> mined_names("schiffe", "de", ["en"])
    {'en': ['ship']}
    """
    lines = mined_words().lines(word)
    english = [name for _, language, names in lines if language == own != ENGLISH for name in names.split("/")]
    found: dict[str, list[str]] = {ENGLISH: english} if english and ENGLISH in languages else {}
    for name in [word] if own == ENGLISH else english[:1]:
        for _, language, names in mined_words().lines(name):
            if language == ENGLISH:
                cells = (cell.partition(":") for cell in names.split("|"))
                found |= {code: its.split("/") for code, _, its in cells if code in languages and code != own}
    return found


def has_mined(word: str, own: str) -> bool:
    """Whether a folded `word` of the language `own` is in the file."""
    return any(language == own for _, language, _ in mined_words().lines(word))


def known_form(word: str, own: str) -> str:
    """The name in the file of which a folded `word` seems to be another form, or itself; "" if there is none."""
    if has_mined(word, own):
        return word
    least = STEM_HANGUL if "\uac00" <= word[:1] <= "\ud7a3" else STEM
    for length in range(len(word) - 1, max(least, len(word) - CHANGED) - 1, -1):
        longest = length + (0 if least == STEM_HANGUL else CHANGED)
        stem = word[:length]
        near = [name for name, code, _ in mined_words().beginning_with(stem) if code == own and len(name) <= longest]
        if near:
            return min(near, key=lambda name: (len(name), name))
    return ""


def compound_parts(word: str, own: str) -> list[str]:
    """The names that a folded compound is put together from; none unless all of it is.

    >>> compound_parts("krankenversicherung", "de")
    ['kranke', 'versicherung']
    """
    if own not in compounds.COMPOUNDING:
        return []
    for beginning, end in compounds.cuts(word):
        last = known_form(end, own)
        if not last:
            continue
        for first in compounds.without_link(beginning):
            parts = [first] if has_mined(first, own) else compound_parts(first, own)
            if parts:
                return [*parts, last]
    return []


def unspaced_names(run: str, own: str) -> list[str]:
    """The longest names of the file in a run of a script without spaces, from left to right, of two letters or more."""
    return [*compounds.longest_names(run, LONGEST_UNSPACED, lambda name: name if has_mined(name, own) else "")]
