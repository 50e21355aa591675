"""Random words of 28 languages by frequency, numbers, dates, amounts and codes, to print on synthetic pages."""

from __future__ import annotations

import calendar
import random
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

LANGUAGES = {
    "en": 40000, "de": 15000, "fr": 15000, "es": 12000, "it": 12000, "pt": 10000, "nl": 8000, "pl": 8000, "cs": 6000,
    "sv": 5000, "da": 4000, "fi": 5000, "hu": 4000, "ro": 4000, "tr": 4000, "ru": 10000, "uk": 5000, "el": 6000,
    "nb": 4000, "ca": 4000, "sk": 4000, "sl": 4000, "sh": 4000, "lt": 3000, "lv": 3000, "bg": 4000, "vi": 4000,
    "id": 4000,
}  # fmt: skip
"""Words taken of each language, the most frequent ones."""
LANGUAGE_WEIGHT = {"en": 8.0, "de": 2.0, "fr": 2.0, "es": 1.5, "ru": 1.5, "el": 1.5, "vi": 1.5}
DEFAULT_LANGUAGE_WEIGHT = 0.5
"""How often a page is in each language. Greek and Vietnamese weigh more because no other language has their letters."""
SHORT_WORD_LANGUAGES = ("vi", "id")
"""Their short frequent words coincide with rarer words of other languages: "tin", "van", "air"."""
SCRIPTS = {"ru": "cyrillic", "uk": "cyrillic", "bg": "cyrillic", "el": "greek", "vi": "vietnamese"}
"""The script whose letters a font must have for a language; "latin" for all others."""
FREQUENCY_POWER = 0.45
"""Words are sampled by their frequency to this power, so that rare ones are seen, too."""
FINAL_SIGMA = re.compile(r"σ$")
MONTHS = [month for month in calendar.month_name if month]
UNITS = ["kg", "mm", "cm", "km", "GB", "MB", "kW", "MW", "GWh", "°C", "%", "bn", "m", "k", "USD", "EUR", "GBP"]


@dataclass(frozen=True, slots=True)
class Language:
    """Words of one language, their cumulative sampling weights, and the script that its fonts must have."""

    words: tuple[str, ...]
    cumulative: tuple[float, ...]
    script: str


def load() -> dict[str, Language]:
    """Load the word lists of the package `wordfreq` (extra `train`), by language code."""
    import wordfreq  # it folds case, which turns the printed "χάρτης" into "χάρτησ"

    out = {}
    for code, size in LANGUAGES.items():
        words = [FINAL_SIGMA.sub("ς", w) for w in wordfreq.top_n_list(code, size) if w.strip()]
        weights = [wordfreq.word_frequency(w, code) ** FREQUENCY_POWER for w in words]
        out[code] = Language(tuple(words), tuple(accumulate(weights)), SCRIPTS.get(code, "latin"))
    return out


def pick_language(languages: Mapping[str, Language], rng: random.Random) -> Language:
    """A random language, weighted by LANGUAGE_WEIGHT."""
    codes = list(languages)
    return languages[rng.choices(codes, [LANGUAGE_WEIGHT.get(c, DEFAULT_LANGUAGE_WEIGHT) for c in codes])[0]]


def number(rng: random.Random) -> str:
    """A random number in one of the formats of reports."""
    kind = rng.random()
    digits = rng.choice((1, 2, 3, 3, 4, 4, 5, 6, 7, 8))
    value = rng.randrange(10 ** (digits - 1), 10**digits)
    if kind < 0.35:
        return f"{value:,}"
    if kind < 0.5:
        return f"{value:,}".replace(",", rng.choice((".", " ", "")))
    if kind < 0.72:
        return f"{value / 10 ** rng.choice((1, 1, 2, 2, 3)):,.{rng.choice((1, 1, 2))}f}"
    if kind < 0.9:
        return str(rng.randrange(1950, 2036))
    return f"{rng.randrange(100)}%"


def number_with_unit(rng: random.Random) -> str:
    """A random number, possibly with a sign, currency, brackets, unit or asterisk."""
    n = number(rng)
    return rng.choice((n, n, n, n, f"${n}", f"({n})", f"-{n}", f"+{n}", f"€{n}", f"{n} {rng.choice(UNITS)}", f"{n}*"))


def code(rng: random.Random) -> str:
    """A random part number, acronym, date or string of letters."""
    kind = rng.random()
    letters = string.ascii_uppercase
    if kind < 0.2:
        return "".join(rng.choices(letters, k=rng.randrange(2, 6)))
    if kind < 0.4:
        return "".join(rng.choices(letters, k=rng.randrange(1, 4))) + str(rng.randrange(10 ** rng.randrange(1, 5)))
    if kind < 0.5:
        return rng.choice(("FY", "Q", "H", "Note", "Item", "Fig", "No")) + str(rng.randrange(1, 40))
    if kind < 0.6:
        return f"{rng.choice(('FY', 'CY', ''))}{rng.randrange(1990, 2030)}"
    if kind < 0.75:
        return rng.choice(
            (
                f"{rng.randrange(1, 29)} {rng.choice(MONTHS)} {rng.randrange(1980, 2030)}",
                f"{rng.randrange(1, 13)}/{rng.randrange(1, 29)}/{rng.randrange(1980, 2030)}",
                f"{rng.randrange(1980, 2030)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
                f"{rng.randrange(1, 29):02}.{rng.randrange(1, 13):02}.{rng.randrange(1980, 2030)}",
            )
        )
    if kind < 0.85:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randrange(3, 16)))
    return "".join(rng.choices(string.ascii_letters + string.digits, k=rng.randrange(3, 12)))


def word(language: Language, rng: random.Random) -> str:
    """A random word with case and punctuation as in print; sometimes a compound of two."""
    w = rng.choices(language.words, cum_weights=language.cumulative)[0]
    kind = rng.random()
    if kind < 0.22:
        w = w.capitalize()
    elif kind < 0.30:
        w = w.upper()
    elif kind < 0.33:
        w = f"{w}-{rng.choices(language.words, cum_weights=language.cumulative)[0]}"
    elif kind < 0.35:
        # Compounds and very long words, of which frequency lists have few.
        w += rng.choices(language.words, cum_weights=language.cumulative)[0]
    end = rng.random()
    if end < 0.10:
        w += rng.choice(",,,..;:?")
    elif end < 0.13:
        w = rng.choice(("({})", "“{}”", '"{}"', "{}’s" if language.script == "latin" else "{}", "*{}", "[{}]")).format(
            w
        )
    return w


def token(language: Language, rng: random.Random) -> str:
    """A random word, number or code."""
    kind = rng.random()
    if kind < 0.82:
        return word(language, rng)
    if kind < 0.93:
        return number_with_unit(rng)
    return code(rng)
