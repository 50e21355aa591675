"""Words written together: compounds of Germanic languages, and runs of letters in scripts without spaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

Name = TypeVar("Name")

COMPOUNDING = frozenset({"de", "nl", "sv", "da", "nb"})
"""Languages that write compounds as one word."""
PART_MIN = 4
"""Least letters of the parts of a compound."""
LINKS = ("", "s", "es", "n", "en", "e")
"""What joins the parts of a compound."""


def cuts(word: str) -> Iterator[tuple[str, str]]:
    """The ways to cut a word in two, into its beginning and its last part, the shortest beginning first."""
    for at in range(PART_MIN, len(word) - PART_MIN + 1):
        yield word[:at], word[at:]


def without_link(beginning: str) -> list[str]:
    """What the beginning of a compound may be without the link to its last part.

    >>> without_link("versicherungs")
    ['versicherungs', 'versicherung']
    """
    parts = [beginning.removesuffix(link) for link in LINKS if beginning.endswith(link)]
    return [part for part in parts if len(part) >= PART_MIN]


def longest_names(run: str, longest: int, find: Callable[[str], Name]) -> Iterator[Name]:
    """What `find` tells of the longest names in a run of letters, from left to right, of two letters or more.

    `find` returns something falsy for letters that are no name; no more than `longest` letters are looked up together.
    """
    at = 0
    while at < len(run):
        for count in range(min(longest, len(run) - at), 1, -1):
            if found := find(run[at : at + count]):
                yield found
                at += count
                break
        else:
            at += 1
