"""English words as a Bloom filter (Bloom, 1970), so that a word that no page has is not taken for a typing error.

`english_words.npy` is made by training/english_words.py from the dictionary of SymSpell, which is the intersection of
SCOWL's word lists and Google Books' n-grams; `english_words.license` has its terms. One other word of five hundred
passes for one of these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..models.pixel.function_words import by_language
from ..records import I64, U8
from .inflections import irregular

FILE = Path(__file__).with_name("english_words.npy")
BITS, HASHES = 1 << 20, 7


def is_known(word: str) -> bool:
    """Whether a word in normal form is an English one, or builds sentences in any language."""
    return is_english(word) or word in irregular() or any(word in words for words in by_language().values())


def is_english(word: str) -> bool:
    """Whether a word in normal form is in the filter."""
    bits = _places(word)
    return bool((english_words()[bits >> 3] >> (bits & 7) & 1).all())


@lru_cache(maxsize=1)
def english_words() -> U8:
    """The bits of the filter, eight in a byte."""
    found: U8 = np.load(FILE, allow_pickle=False)
    return found


def word_filter(words: Iterable[str]) -> U8:
    """The filter of some words in normal form."""
    bits = np.zeros(BITS, bool)
    for word in words:
        bits[_places(word)] = True
    return np.packbits(bits, bitorder="little")


def _places(word: str) -> I64:
    """The bits (HASHES,) of a word, by double hashing."""
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=16).digest()
    first, step = (int.from_bytes(half, "little") for half in (digest[:8], digest[8:]))
    return np.array([(first + i * step) % BITS for i in range(HASHES)], np.int64)
