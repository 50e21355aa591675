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


def synonyms(word: str) -> tuple[str, ...]:
    """What else a word in normal form may be called, in normal form."""
    return _shipped().get(word, ())


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
