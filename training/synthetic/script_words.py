"""Random words of languages in other scripts than Latin, Greek and Cyrillic, to print on synthetic pages."""

from __future__ import annotations

import math
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from ...engine.models.pixel.units import PAIRED, RUN, clusters, simplify, units_of_run
from .vocabulary import FREQUENCY_POWER

LANGUAGES = {
    "zh-hans": 60000, "zh-hant": 60000, "ja": 60000, "ko": 30000, "ar": 40000, "fa": 12000, "ur": 8000, "he": 40000,
    "hi": 25000, "bn": 25000, "ta": 25000, "th": 40000,
}  # fmt: skip
"""Words taken of each language, the most frequent ones. Thai words and frequencies are those of `pythainlp`, the rest
those of `wordfreq`, which lists Chinese in simplified characters: `opencc` converts them.
"""
LANGUAGE_WEIGHT = {
    "zh-hans": 18.0, "zh-hant": 10.0, "ja": 14.0, "ko": 12.0, "ar": 12.0, "fa": 2.0, "ur": 1.0, "he": 8.0, "hi": 8.0,
    "bn": 4.0, "ta": 4.0, "th": 9.0,
}  # fmt: skip
"""How often a page is in each language."""
SOURCE = {"zh-hans": "zh", "zh-hant": "zh"}
UNSPACED = ("zh-hans", "zh-hant", "ja", "th")
"""Languages that print words without spaces."""
RIGHT_TO_LEFT = ("ar", "fa", "ur", "he")
UNIFORM_SHARE = {"zh-hans": 0.25, "zh-hant": 0.25, "ja": 0.15, "ko": 0.15, "th": 0.1}
"""Share of words that are drawn from the characters, each as likely as the others, so that rare ones are seen."""
MIXED_SHARE = 0.12
"""Share of words, in languages with spaces, that are the beginning of one and the end of another."""
PUNCTUATION = {
    "zh-hans": "，，，。。、；：？！", "zh-hant": "，，，。。、；：？！", "ja": "、、、。。・！？", "ko": ",,,...?!",
    "ar": "،،،...؛؟:", "fa": "،،،...؛؟:", "ur": "،،،۔۔۔؛؟:", "he": ",,,...;:?!", "hi": ",,।।।?!:", "bn": ",,।।।?!:",
    "ta": ",,,...?!:", "th": "()\"\"",
}  # fmt: skip
BRACKETS = {"zh-hans": ("“”", "《》", "（）"), "zh-hant": ("「」", "《》", "（）"), "ja": ("「」", "『』", "（）")}
OTHER_BRACKETS = ("()", '""', "[]")
RARITY_MAX = 8.5
VIRAMA = 9
"""The combining class of the sign that joins a letter to the next."""


@dataclass(frozen=True, slots=True)
class Language:
    """Words of one language with cumulative sampling weights, and the characters (clusters) that they are made of."""

    code: str
    words: tuple[str, ...]
    cumulative: tuple[float, ...]
    characters: tuple[str, ...]

    def word(self, rng: random.Random) -> str:
        """A random word, without punctuation."""
        kind = rng.random()
        if kind < UNIFORM_SHARE.get(self.code, 0):
            return "".join(rng.choices(self.characters, k=rng.choice((1, 2, 2, 2, 3))))
        word = self._listed(rng)
        if self.code == "ko":  # the list has morphemes; print has them joined
            word += "".join(self._listed(rng) for _ in range(rng.choice((0, 0, 1, 1, 2))))
        elif self.code not in UNSPACED and kind < MIXED_SHARE:
            other = self._listed(rng)
            word = word[: rng.choice(starts(word)[1:] or [len(word)])] + other[rng.choice(starts(other) or [0]) :]
        return word

    def _listed(self, rng: random.Random) -> str:
        return rng.choices(self.words, cum_weights=self.cumulative)[0]


def has_letter(cluster: str) -> bool:
    """Whether a cluster is more than a vowel or a tone of Thai."""
    return not "\u0e2f" <= cluster[0] <= "\u0e3a" and not (len(cluster) == 1 and "\u0e40" <= cluster <= "\u0e4e")


def starts(word: str) -> list[int]:
    """Where a letter begins that stands alone: no mark, and not joined to the one before by a virama."""
    return [
        i
        for i, letter in enumerate(word)
        if not unicodedata.category(letter).startswith("M") and (i == 0 or unicodedata.combining(word[i - 1]) != VIRAMA)
    ]


@lru_cache(maxsize=32)
def frequencies(code: str, size: int) -> dict[str, float]:
    """The most frequent `size` words of a language that are in its script, with their share in print."""
    listed: Mapping[str, float]
    if code == "th":
        from pythainlp.corpus import tnc

        counts = dict(tnc.unigram_word_freqs())
        total = sum(counts.values())
        listed = {word: count / total for word, count in counts.items()}
    else:
        import wordfreq

        listed = wordfreq.get_frequency_dict(SOURCE.get(code, code))
    if code == "zh-hant":
        import opencc

        convert = opencc.OpenCC("s2t").convert
        converted = convert("\n".join(listed)).split("\n")
        listed = dict(zip(converted, listed.values(), strict=True))
    kept = {w: f for w, f in sorted(listed.items(), key=lambda item: -item[1]) if f > 0 and is_in_scripts(w)}
    return dict(list(kept.items())[:size])


def is_in_scripts(word: str) -> bool:
    """Whether all of a word is in the scripts of the second network."""
    return re.fullmatch(RUN, simplify(word)) is not None and not word[0].isspace()


def load(codes: Iterable[str] = LANGUAGES) -> dict[str, Language]:
    """The languages (packages `wordfreq`, `pythainlp`, `opencc-python-reimplemented`: extra `train`), by code."""
    out = {}
    for code in codes:
        shares = frequencies(code, LANGUAGES[code])
        weights = accumulate(share**FREQUENCY_POWER for share in shares.values())
        characters = (
            {c: None for word in shares for c in clusters(simplify(word)) if has_letter(c)}
            if code in UNIFORM_SHARE
            else {}
        )
        out[code] = Language(code, tuple(shares), tuple(weights), tuple(characters))
    return out


def punctuated(word: str, language: Language, rng: random.Random) -> str:
    """A word with punctuation as in print, or none."""
    kind = rng.random()
    if kind < 0.1:
        return word + rng.choice(PUNCTUATION[language.code])
    if kind < 0.13:
        both = rng.choice(BRACKETS.get(language.code, OTHER_BRACKETS))
        return both[0] + word + both[1]
    return word


class Rarity:
    """Rarity of a unit: the negative log10 of how often print has it; of an unseen pair, what its parts predict."""

    def __init__(self) -> None:
        self.share: defaultdict[str, float] = defaultdict(float)
        self.parts: defaultdict[str, float] = defaultdict(float)
        self.seen: dict[str, list[str]] = {}
        for code in LANGUAGES:
            shares: defaultdict[str, float] = defaultdict(float)
            parts: defaultdict[str, float] = defaultdict(float)
            for word, frequency in frequencies(code, LANGUAGES[code]).items():
                run = simplify(word)
                for unit in units_of_run(run):
                    shares[unit] += frequency
                for part in clusters(run) if re.match(PAIRED, run) else ():
                    parts[part] += frequency
            for table, found in ((self.share, shares), (self.parts, parts)):
                for name, frequency in found.items():
                    table[name] = max(table[name], frequency)
            self.seen[code] = list(shares)

    def __call__(self, unit: str) -> float:
        share = self.share.get(unit, 0.0)
        if re.match(PAIRED, unit):
            expected = 1.0
            for part in clusters(unit):
                expected *= self.parts.get(part, 0.0)
            share = max(share, expected)
        return min(-math.log10(share), RARITY_MAX) if share > 0 else RARITY_MAX
