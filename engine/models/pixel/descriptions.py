"""Whether a query describes what is looked for ("photo of a castle"), or asks for what a page says ("which chart ...").

A description that names kinds of figures looks for the figure; a question that names one looks for what it tells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from .concepts import CONTAINERS, is_colour_word, named_concepts
from .function_words import ENGLISH, by_language

ASKS = re.compile(
    r"[?？؟;]|\b(?:what|which|how|who|whom|whose|when|where|why|whether)\b"
    r"|^\W*(?:please |then )*(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|may|list|name|"
    r"calculate|compute|compare|summari[sz]e|explain|describe|identify|determine|tell|state|give|answer|count|estimate)\b"
    r"|^\W*(?:was|welche[rsmn]?|wie|wer|wem|wen|wessen|wann|wo|warum|wieso|weshalb|ob|ist|sind|nenne|berechne)\b"
    r"|^\W*(?:que|quoi|quel(?:le)?s?|comment|qui|quand|où|pourquoi|combien|est-ce|qué|cuál(?:es)?|cómo|quién(?:es)?|"
    r"cuándo|dónde|cuánt[oa]s?|che|cosa|quale|quali|come|chi|dove|perché|quant[oiae]|qual|quais|quem|onde)\b"
    r"|什么|什麼|哪|多少|如何|为什么|為什麼|なぜ|どの|どう|いくら|いくつ|何|무엇|어떤|어떻게|얼마|몇",
    re.IGNORECASE,
)
"""Signs and words of questions, and verbs at the beginning that ask for an answer."""


ENGLISH_KINDS = frozenset((
    "chart", "graph", "plot", "figure", "diagram", "curve", "picture", "image", "map", "table", "timeline",
    "screen", "logo", "emblem", "crest", "signature", "stamp", "seal", "icon", "form", "formula", "equation",
    "listing", "letter", "poster", "list", "menu", "calendar", "schedule", "cover", "slide", "bulletin",
    "journal", "magazine",
))  # fmt: skip
"""English nouns that name a kind, and often stand before the head of a compound: "stamp duty", "graph theory".

Names of how a thing is shown are not among them: a "cartoon penguin" is a cartoon. What this gains:
docs/log.md#kinds-before-nouns.
"""
DETERMINERS = frozenset((
    "a", "an", "the", "this", "these", "those", "my", "your", "our", "his", "her", "its", "their", "me", "us",
    "him", "them", "yourself",
))  # fmt: skip
"""Words before which the name of a kind is a verb, in normal form: "picture the scene"."""
AFTER_HEADS = frozenset((
    "in", "on", "as", "over", "under", "above", "below", "near", "per", "via", "vs", "versus", "without",
    "across", "around", "behind", "beside", "inside", "outside", "through", "against", "since", "until", "next",
    "full", "made", "taken", "drawn", "seen", "shown", "written", "show", "contain", "compare", "depict",
    "include", "illustrate", "explain", "present", "describe", "say", "give", "list", "i", "no", "not", "only",
))  # fmt: skip
"""Words in normal form, besides function words, that may follow on the head of a description."""


def is_description(query: str) -> bool:
    """Whether a query describes what is looked for, and asks nothing.

    >>> is_description("photo of a castle"), is_description("Show me a map of Florida")
    (True, True)
    >>> is_description("What does the pie chart show"), is_description("calculate the share in the chart")
    (False, False)
    """
    return ASKS.search(query.strip()) is None


def no_heads(words: Sequence[str]) -> frozenset[str]:
    """The names of kinds among the words of a query, in normal form and in order, that describe no figure.

    Another noun follows directly ("stamp duty"), or a determiner, before which the name is a verb ("picture this").
    Only in English, where the head of a compound comes last; a name that also stands elsewhere as a head counts.

    >>> sorted(no_heads(["stamp", "duty"])), sorted(no_heads(["picture", "this"]))
    (['stamp'], ['picture'])
    >>> sorted(no_heads(["photo", "of", "a", "table", "tennis", "table"])), sorted(no_heads(["chart", "2023"]))
    ([], [])
    """
    found = ENGLISH_KINDS.intersection(words)
    if not found:
        return frozenset()
    kinds = named_concepts(words).keys()
    modifiers = {word for word, after in pairwise(words) if word in found and not _may_follow(after, kinds)}
    heads = {word for word, after in pairwise([*words, ""]) if not after or _may_follow(after, kinds)}
    return frozenset(modifiers - heads)


def _may_follow(word: str, kinds: AbstractSet[str]) -> bool:
    """Whether a word may follow directly on the head of a description, among whose words are names of `kinds`."""
    if word in DETERMINERS:
        return False
    is_known = word in kinds or word in CONTAINERS or is_colour_word(word) or word in AFTER_HEADS
    return (
        is_known
        or word in by_language()[ENGLISH]
        or not word.isascii()
        or any(map(str.isdigit, word))
        or word.endswith(("ing", "ed"))
    )
