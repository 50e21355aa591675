"""A page's text and a question go in; the few words of the text that tell most of the question come out."""

from __future__ import annotations

from collections import Counter

from ..models.pixel.words import split_words

SNIPPET_WORDS = 40


def snippet(text: str, question: str, *, words: int = SNIPPET_WORDS) -> str:
    """The `words` words in a row that hold most of the question's; rare ones of the page decide, then the first place.

    >>> snippet("Costs rose. The margin of 2023 was 12 %. Staff left.", "margin 2023", words=5)
    '… The margin of 2023 was …'
    """
    printed = text.split()
    forms = [set(split_words(word)) for word in printed]
    wanted = set(split_words(question))
    on_page = Counter(form for found in forms for form in found & wanted)
    best, best_start = 0.0, 0
    for start in range(max(1, len(printed) - words + 1)):
        held = set().union(*forms[start : start + words]) & wanted
        worth = sum(1 / on_page[form] for form in held)
        if worth > best + 1e-9:
            best, best_start = worth, start
    first = _centred(forms, wanted, best_start, words)
    chosen = " ".join(printed[first : first + words])
    return ("… " if first else "") + chosen + (" …" if first + words < len(printed) else "")


def _centred(forms: list[set[str]], wanted: set[str], start: int, words: int) -> int:
    """Where the window begins if what it holds of `wanted` is put in its middle: words at an edge say little."""
    held = [at for at in range(start, min(start + words, len(forms))) if forms[at] & wanted]
    if not held:
        return 0
    return max(0, min((held[0] + held[-1] + 1 - words) // 2, len(forms) - words))
