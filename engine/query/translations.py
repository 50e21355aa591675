"""The words of a question in other languages, from `translations.txt`: a lexicon of notions in 28 languages.

A question is translated notion by notion, by the longest names that the lexicon knows. Runs of Chinese, Japanese and
Thai letters are cut into names of the lexicon, and compounds of Germanic languages into their parts. Words that name no
notion are looked up in `mined_translations`, in the language of the question; names, numbers and other words have no
translation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..models.pixel.function_words import by_language
from ..models.pixel.words import split_words
from . import compounds
from . import mined_translations as mined
from .characters import folded

FILE = Path(__file__).with_name("translations.txt")
LONGEST_NAME = 4
"""Words of a notion's longest name that are looked for together."""
LONGEST_UNSPACED = 12
"""Letters of a name in a script without spaces that are looked for together."""
UNSPACED = re.compile("[\u0e00-\u0e7f\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
"""Runs of Thai letters, kana and Chinese characters."""
STEM = 4
"""Least letters that an inflected word and a name of the lexicon must share."""
CHANGED = 3
"""Letters at the end of a word that an inflection may replace."""
ENDING = re.compile(
    "|".join(
        (
            "[aeiouy]{0,2}(?:n|m|r|s|ns|nt|ren|rem|res)?",
            "[ауеиоыэюяьёйії]{0,3}(?:в|м|х|го|му|ми)?",
            "[αεηιουωάέήίόύώ]{0,2}[νς]?",
            "(?:om|am|ami|ach|ego|emu|ej|ych|ymi|na|en|et|ar|or|er|orna|arna|erna|ene|ler|lar|ek|ok|ak|ia|le|ul|lui)",
        )
    )
)
"""Endings by which forms of a word differ: Romance and Germanic, Slavic, Greek, and some of other languages."""

Notion = dict[str, tuple[str, ...]]
"""The names of a notion, by language."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A notion that a question names: the `words` that name it, in normal form, and its `names` in another language.

    Those that were mined (`is_mined`) may be wrong.
    """

    words: tuple[str, ...]
    names: tuple[str, ...]
    is_mined: bool = False


def translate(question: str, languages: Collection[str]) -> dict[str, list[Translation]]:
    """What the notions of a question are called in each of some `languages`, except in those that it uses for them.

    Words of the question's own language, which a single word does not tell, have no other names in it.

    >>> translate("unpaid invoice", ["de", "en"])["de"][1].names
    ('Rechnung',)
    >>> [each.names for each in translate("Stromrechnung", ["en"])["en"]]
    [('electricity', 'power'), ('invoice', 'bill')]
    """
    found: dict[str, list[Translation]] = {}
    asked = split_words(question)
    own = _language(asked) if len(asked) > 1 else ""
    for words, place, known in _notions_of(question):
        notion = notions()[place]
        is_own = all(mined.is_word_of(word, folded(word), own) for word in words)
        for language in languages:
            names = notion.get(language, ())
            if names and language not in known and not (is_own and language == own):
                found.setdefault(language, []).append(Translation(words, names))
    for language, others in _mined(question, tuple(sorted(languages))).items():
        found.setdefault(language, []).extend(others)
    return found


@lru_cache(maxsize=64)
def _mined(question: str, languages: tuple[str, ...]) -> dict[str, list[Translation]]:
    """The mined translations of the words of a question that name no notion of the lexicon."""
    words = split_words(question)
    plain = [folded(word) for word in words]
    own = _language(words)
    stated = {word for named, _, _ in _notions_of(question) for word in named if not UNSPACED.search(word)}
    building = by_language().get(own, {})
    found: dict[str, list[Translation]] = {}
    at = 0
    while at < len(words):
        lengths = range(min(mined.LONGEST_NAME, len(words) - at), 1, -1)
        count = next((n for n in lengths if mined.has_mined(" ".join(plain[at : at + n]), own)), 1)
        named = tuple(words[at : at + count])
        at += count
        if count == 1 and (named[0] in stated or named[0] in building):
            continue
        for word, names in _mined_parts(named, own):
            for language, its in mined.mined_names(names, own, languages).items():
                found.setdefault(language, []).append(Translation(word, tuple(its), is_mined=True))
    return found


def _mined_parts(named: tuple[str, ...], own: str) -> list[tuple[tuple[str, ...], str]]:
    """The names in the mined file that some words of a question stand for, each with the words that it is of."""
    name = folded(" ".join(named))
    if runs := UNSPACED.findall(name):
        return [((part,), part) for run in runs for part in mined.unspaced_names(run, own)]
    known = mined.known_form(name, own) if len(named) == 1 else name
    return [(named, part) for part in ([known] if known else mined.compound_parts(name, own))]


@lru_cache(maxsize=64)
def _notions_of(question: str) -> tuple[tuple[tuple[str, ...], int, frozenset[str]], ...]:
    """As `_named_notions`; cached, since pictures and texts ask for the same question."""
    words = split_words(question)
    return tuple(_named_notions(words, _language(words)))


def _language(words: Sequence[str]) -> str:
    return mined.language_of_words(words, [folded(word) for word in words])


def is_name(word: str) -> bool:
    """Whether a word, in normal form, names a notion in any language."""
    return bool(_named(word) or _of_form(word))


def _named_notions(words: Sequence[str], own: str) -> Iterator[tuple[tuple[str, ...], int, frozenset[str]]]:
    """The places of the notions that words name, with the words, and the languages in which they are so named.

    Words that build the sentences of `own`, the language of the question, name nothing; those that are other forms
    of names are of this language, if they can be.
    """
    building = by_language().get(own, {})
    at = 0
    while at < len(words):
        for count in range(min(LONGEST_NAME, len(words) - at), 0, -1):
            name = tuple(words[at : at + count])
            if (count > 1 or words[at] not in building) and (found := _named(" ".join(name))):
                yield from ((name, place, known) for place, known in found)
                at += count
                break
        else:
            word = words[at]
            found = _of_unspaced(word) if UNSPACED.search(word) else _of_form(word) or _of_compound(word)
            in_own = [(place, known) for place, known in found if own in known]
            yield from (((word,), place, known) for place, known in in_own or found)
            at += 1


def _named(name: str) -> list[tuple[int, frozenset[str]]]:
    """The places of the notions with a name, folded here, each with the languages in which it is called so."""
    return [(place, frozenset(languages)) for place, languages in _places().get(_folded(name), {}).items()]


def _of_form(word: str) -> list[tuple[int, frozenset[str]]]:
    """The notions of the names of which a word seems to be another form: the shortest with the longest stem."""
    word = _folded(word)
    for changed in range(min(CHANGED, len(word) - STEM) + 1):
        stem, ending = word[: len(word) - changed], word[len(word) - changed :]
        if not ENDING.fullmatch(ending):
            continue
        near = [name for name in _by_stem().get(stem[:STEM], ()) if name.startswith(stem)]
        if found := [name for name in near if len(name) - len(stem) <= CHANGED and ENDING.fullmatch(name[len(stem) :])]:
            return _named(min(found, key=len))
    return []


def _of_compound(word: str) -> list[tuple[int, frozenset[str]]]:
    """The notions of the parts of a compound; of its last part alone if the others are not known."""
    for beginning, end in compounds.cuts(word):
        last = _germanic(_named(end) or _of_form(end))
        if not last:
            continue
        firsts = compounds.without_link(beginning)
        parts = [_germanic(_named(first)) or _of_compound(first) for first in firsts]
        return max(parts, key=len, default=[]) + last
    return []


def _germanic(found: list[tuple[int, frozenset[str]]]) -> list[tuple[int, frozenset[str]]]:
    return [(place, known) for place, known in found if known & compounds.COMPOUNDING]


def _of_unspaced(word: str) -> list[tuple[int, frozenset[str]]]:
    """The notions of the longest names in runs of a script without spaces, from left to right."""
    runs = UNSPACED.findall(word)
    return [each for run in runs for named in compounds.longest_names(run, LONGEST_UNSPACED, _named) for each in named]


@lru_cache(maxsize=1)
def notions() -> list[Notion]:
    """The notions of the lexicon, in its order."""
    lines = [line for line in FILE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    languages = lines[0].split("|")
    rows = (zip(languages, line.split("|"), strict=False) for line in lines[1:])
    return [{language: tuple(names.split("/")) for language, names in row if names} for row in rows]


@lru_cache(maxsize=1)
def _places() -> dict[str, dict[int, list[str]]]:
    """The places of the notions that have a name, folded, each with the languages in which they are called so."""
    found: dict[str, dict[int, list[str]]] = {}
    for place, notion in enumerate(notions()):
        for language, names in notion.items():
            for name in names:
                found.setdefault(_folded(" ".join(split_words(name))), {}).setdefault(place, []).append(language)
    return found


@lru_cache(maxsize=1)
def _by_stem() -> dict[str, list[str]]:
    """The names of one word and at least STEM letters, by these letters."""
    found: dict[str, list[str]] = {}
    for name in _places():
        if " " not in name and len(name) >= STEM:
            found.setdefault(name[:STEM], []).append(name)
    return found


def _folded(name: str) -> str:
    """A name without diacritics over Latin and Greek letters."""
    if name.isascii():
        return name
    return "".join(letter for letter in unicodedata.normalize("NFD", name) if not "\u0300" <= letter <= "\u036f")
