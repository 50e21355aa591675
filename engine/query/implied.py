"""What a question asks for without saying so: the parts that a page states of a quantity ("quick ratio") or notion.

`quantities.txt` names several hundred of them. A page that states the quantity itself still comes first: parts count
for IMPLIED_WEIGHT of the question's own words.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..models.pixel.words import split_words
from ..records import F32, QueryExpansion, QueryVectors

FILE = Path(__file__).with_name("quantities.txt")
IMPLIED_WEIGHT = 0.3
"""Weight of implied words, as a share of that of the question's own; docs/log.md#quantities compares 0.1 to 1."""

Words = tuple[str, ...]


@lru_cache(maxsize=64)
def implied_text(question: str) -> str:
    """The parts of the quantities that a question names, as a text to search for; "" where it names none.

    The longest names count: "operating cash flow ratio" is not a "cash flow".

    >>> implied_text("What is the quick ratio of Acme?")
    'current assets, inventories, current liabilities, cash and cash equivalents'
    """
    words, known = split_words(question), quantities()
    longest = max(map(len, known))
    found: dict[str, None] = {}
    at = 0
    while at < len(words):
        for count in range(longest, 0, -1):
            parts = known.get(tuple(words[at : at + count])) if at + count <= len(words) else None
            if parts is not None:
                found |= dict.fromkeys(parts)
                at += count - 1
                break
        at += 1
    own = " ".join(words)
    return ", ".join(part for part in found if " ".join(split_words(part)) not in own)


@lru_cache(maxsize=1)
def quantities() -> dict[Words, tuple[str, ...]]:
    """The parts of each quantity, by the words of its name in normal form."""
    found: dict[Words, tuple[str, ...]] = {}
    for line in FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            names, _, parts = line.partition(":")
            for name in names.split(","):
                found[tuple(split_words(name))] = tuple(part.strip() for part in parts.split(","))
    return found


def with_implied(own: QueryVectors, implied: QueryVectors) -> QueryVectors:
    """A question's `own` words and those it implies as one query, whose weights sum to 1."""
    shares = np.array([1, IMPLIED_WEIGHT], np.float32) / np.float32(1 + IMPLIED_WEIGHT)
    single: F32 = shares[0] * own.single + shares[1] * implied.single
    count = len(own.weights)
    return replace(
        own,
        vectors=np.concatenate([own.vectors, implied.vectors]),
        weights=np.concatenate([shares[0] * own.weights, shares[1] * implied.weights]),
        single=single / max(np.linalg.norm(single), np.float32(1e-12)),
        tokens=own.tokens + implied.tokens,
        floor=np.concatenate([own.floors, implied.floors]),
        ceiling=np.concatenate([own.ceilings, implied.ceilings]),
        pairs=np.concatenate([own.pairs, implied.pairs + count]),
        expansion=_expansions(own.expansion, implied.expansion, count),
    )


def _expansions(own: QueryExpansion | None, implied: QueryExpansion | None, count: int) -> QueryExpansion | None:
    """The expansion terms of both; `count` own words come before the implied ones."""
    if implied is None:
        return own
    moved = replace(implied, tokens=implied.tokens + count)
    if own is None:
        return moved
    return QueryExpansion(
        np.concatenate([own.vectors, moved.vectors]),
        np.concatenate([own.tokens, moved.tokens]),
        np.concatenate([own.weights, moved.weights]),
        None if own.floor is None or moved.floor is None else np.concatenate([own.floor, moved.floor]),
    )
