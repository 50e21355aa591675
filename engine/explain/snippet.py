"""Snippets: the passage of a page's text that holds most of the query's words."""

from __future__ import annotations

from collections import Counter

from ..models.pixel.words import split_words

SNIPPET_WORDS = 40
"""Words of a snippet."""


def snippet(text: str, query: str, *, words: int = SNIPPET_WORDS) -> str:
    """The `words` consecutive words of a text that hold most of the query's; "…" marks where the text goes on.

    A word counts the more the rarer it is on the page; of equal passages the first is taken.

    >>> snippet("Costs rose. The margin of 2023 was 12 %. Staff left.", "margin 2023", words=5)
    '… The margin of 2023 was …'
    """
    printed = text.split()
    forms = [set(split_words(word)) for word in printed]
    wanted = set(split_words(query))
    on_page = Counter(form for found in forms for form in found & wanted)
    best_score, best_start = 0.0, 0
    for start in range(max(1, len(printed) - words + 1)):
        held = set().union(*forms[start : start + words]) & wanted
        score = sum(1 / on_page[form] for form in held)
        if score > best_score + 1e-9:
            best_score, best_start = score, start
    first = _centred(forms, wanted, best_start, words)
    chosen = " ".join(printed[first : first + words])
    return ("… " if first else "") + chosen + (" …" if first + words < len(printed) else "")


def _centred(forms: list[set[str]], wanted: set[str], start: int, words: int) -> int:
    """Where the passage from `start` on begins once the words of `wanted` in it are centred, to show their context."""
    held = [at for at in range(start, min(start + words, len(forms))) if forms[at] & wanted]
    if not held:
        return 0
    return max(0, min((held[0] + held[-1] + 1 - words) // 2, len(forms) - words))
