"""Words of a question that tell nothing of what is asked for, in the language that the question is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path

from .words import normal_form

FILE = Path(__file__).with_name("function_words.txt")
ENGLISH, HOMOGRAPHS = "en", "homographs"
ASKS, IS_USED = 2, 1
"""What a word that asks, and any other, count for a question's being in their language; others of one letter count
nothing.
"""
ENOUGH = 2


def function_words(words: Sequence[str]) -> frozenset[str]:
    """Those of the language that a question with `words`, in normal form, is in; of several that it is as likely to be
    in. None where it is in English, whose common words weigh little anyway, or does not say.
    """
    languages = dict(by_language())
    english = languages.pop(ENGLISH)
    shared = english.keys() | languages.pop(HOMOGRAPHS).keys()
    asked = set(words)
    evidence = {language: weight(asked - shared, known) for language, known in languages.items()}
    most = max(evidence.values())
    likely = [known for language, known in languages.items() if evidence[language] == most]
    if most < max(ENOUGH, 1 + min(weight(asked - known.keys(), english) for known in likely)):
        return frozenset()
    return frozenset().union(*likely)


def weight(words: AbstractSet[str], known: Mapping[str, int]) -> int:
    """What `words` count together for the language whose words are `known`."""
    return sum(known.get(word, 0) for word in words)


@lru_cache(maxsize=1)
def by_language() -> dict[str, dict[str, int]]:
    """What each function word in normal form counts, by language."""
    found = {}
    for line in FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            language, _, words = line.partition(":")
            asking, _, others = words.partition("|")
            counts = {normal_form(word): IS_USED if len(word) > 1 else 0 for word in others.split()}
            found[language] = counts | {normal_form(word): ASKS for word in asking.split()}
    return found
