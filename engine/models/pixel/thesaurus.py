"""Words that people use for one another: a query word also looks for those that a list made by hand names beside it.

A line of `thesaurus.txt` is a group of which each word finds all others ("revenue sales turnover"), or, with ">", words
that find the others without being found by them ("capex > capital expenditure").
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from .words import normal_form

FILE = Path(__file__).parent / "thesaurus.txt"
SHORTEST_STEM_CHARS = 3


def synonyms(word: str) -> tuple[str, ...]:
    """What else a word in normal form, or a word that it is a form of, may be called, in normal form."""
    named = [other for form in stems(word) for other in _shipped().get(form, ())]
    return tuple(other for other in dict.fromkeys(named) if other != word)


def stems(word: str) -> tuple[str, ...]:
    """An English word in normal form, and what it may be a form of; not all of them are words.

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
        if stem != word and len(stem) >= SHORTEST_STEM_CHARS:
            found += [stem, stem + "e"]
            if stem[-1] == stem[-2]:
                found.append(stem[:-1])
            if stem[-1] == "i":
                found.append(stem[:-1] + "y")
    return tuple(found)


def parse(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The words that each word finds, in the order of the lines.

    >>> parse(["revenue sales  # money", "capex > expenditure"])
    {'revenue': ('sale',), 'sale': ('revenue',), 'capex': ('expenditure',)}
    """
    found: dict[str, dict[str, None]] = {}
    for line in lines:
        left, arrow, right = line.partition("#")[0].partition(">")
        asking = [normal_form(word) for word in left.split()]
        named = [normal_form(word) for word in right.split()] if arrow else asking
        for word in asking:
            found.setdefault(word, {}).update((other, None) for other in named if other != word)
    return {word: tuple(others) for word, others in found.items() if others}


@lru_cache(maxsize=1)
def _shipped() -> dict[str, tuple[str, ...]]:
    return parse(FILE.read_text("utf-8").splitlines())
