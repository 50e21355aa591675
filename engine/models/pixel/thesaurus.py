"""Synonyms of query words, from the hand-written list `thesaurus.txt`.

A line of the list is a group of words, each of which finds all others ("revenue sales turnover"), or, with ">", words
that find the others without being found by them ("capex > capital expenditure").
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from .words import normal_form

FILE = Path(__file__).parent / "thesaurus.txt"
STEM_MIN_CHARS = 3
CACHED_WORDS = 10_000


def synonyms(word: str) -> tuple[str, ...]:
    """The synonyms, in normal form, of a word in normal form and of the words that it may be an inflection of."""
    named = [other for form in stems(word) for other in _of_form(form)]
    return tuple(other for other in dict.fromkeys(named) if other != word)


def stems(word: str) -> tuple[str, ...]:
    """An English word in normal form, and what it may be an inflection of; not all of these are words.

    >>> stems("injurie"), stems("planned"), stems("loan")
    (('injurie', 'injury'), ('planned', 'plann', 'planne', 'plan'), ('loan',))
    """
    found = [word]
    if word.endswith("ie"):
        found.append(word[:-2] + "y")
    elif word.endswith(("sse", "xe", "che", "she", "zze")):
        found.append(word[:-1])
    for suffix in ("ing", "ed"):
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= STEM_MIN_CHARS:
            found += [stem, stem + "e"]
            if stem[-1] == stem[-2]:
                found.append(stem[:-1])
            if stem[-1] == "i":
                found.append(stem[:-1] + "y")
    return tuple(found)


def parse(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The synonyms of each word, in the order of the lines.

    >>> parse(["revenue sales  # money", "capex > expenditure"])
    {'revenue': ('sale',), 'sale': ('revenue',), 'capex': ('expenditure',)}
    """
    found: dict[str, dict[str, None]] = {}
    for line in lines:
        left, arrow, right = line.partition("#")[0].partition(">")
        words = [normal_form(word) for word in left.split()]
        named = [normal_form(word) for word in right.split()] if arrow else words
        for word in words:
            found.setdefault(word, {}).update((other, None) for other in named if other != word)
    return {word: tuple(others) for word, others in found.items() if others}


@lru_cache(maxsize=CACHED_WORDS)
def _of_form(form: str) -> tuple[str, ...]:
    """The synonyms of one form: only the lines where it may occur are parsed, since the whole list takes 15 ms."""
    return parse(_lines_with(form)).get(form, ())


def _lines_with(form: str) -> Iterator[str]:
    """The lines, in order, on which a word begins with `form`: a normal form is the beginning of a case-folded word."""
    text = _folded_text()
    end = 0
    while form and (at := text.find(form, end)) >= 0:
        if text[at - 1].isspace() or text[at - 1] == ">":
            start, end = text.rfind("\n", 0, at) + 1, text.index("\n", at)
            yield text[start:end]
        else:
            end = at + 1


@lru_cache(maxsize=1)
def _folded_text() -> str:
    """The list between line ends, folded as `normal_form` does."""
    text = unicodedata.normalize("NFKC", FILE.read_text("utf-8")).casefold().replace("’", "'")
    return f"\n{text}\n"
