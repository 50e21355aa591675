"""Function words of a query (stop words), in the language that the query is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path

from .words import normal_form

FILE = Path(__file__).with_name("function_words.txt")
ENGLISH, HOMOGRAPHS = "en", "homographs"
INTERROGATIVE, OTHER = 2, 1
"""Evidence for a language: of an interrogative, and of any other function word of more than one letter."""
MIN_EVIDENCE = 2


def function_words(words: Sequence[str]) -> frozenset[str]:
    """The function words of the language that a query with `words`, in normal form, is in.

    Those of several languages if they are equally likely; none if the query is in English, whose function words have
    little weight anyway, or if its language is unclear.
    """
    languages = dict(by_language())
    english = languages.pop(ENGLISH)
    homographs = languages.pop(HOMOGRAPHS)
    present = set(words)
    telling = {word for word in present if word not in english and word not in homographs}
    evidence = {language: evidence_for(known, telling) for language, known in languages.items()}
    most = max(evidence.values())
    likely = [known for language, known in languages.items() if evidence[language] == most]
    if most < max(MIN_EVIDENCE, 1 + min(evidence_for(english, present - known.keys()) for known in likely)):
        return frozenset()
    return frozenset().union(*likely)


def evidence_for(known: Mapping[str, int], words: AbstractSet[str]) -> int:
    """The evidence of `words` for the language whose function words are `known`."""
    return sum(known[word] for word in words if word in known)


@lru_cache(maxsize=1)
def by_language() -> dict[str, dict[str, int]]:
    """The evidence of each function word, in normal form, by language."""
    found = {}
    for line in FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            language, _, words = line.partition(":")
            interrogatives, _, others = words.partition("|")
            counts = {normal_form(word): OTHER if len(word) > 1 else 0 for word in others.split()}
            found[language] = counts | {normal_form(word): INTERROGATIVE for word in interrogatives.split()}
    return found
