"""Numbers as texts write them, in one form: "1,234.56", "1.234,56", "1 234,56" and "1'234.56" are 1234.56."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from .dates import SURE, UNSURE, Form

NUMBER = re.compile(r"(?<![\w.,'’])(\d{1,3}(?: \d{3})+(?:[.,]\d+)?|\d+(?:[.,'’]\d+)*)(?![\d])")
SEPARATOR = re.compile(r"[.,'’ ]")
GROUP = 3
PLAIN_DIGITS = 3
"""Digits before the point from which a number with no decimals is the same as one with zeros: not of a section."""
UNIT_NAMES = (
    "nm|um μm|mm|cm|dm|m|km|ft|yd|mi|mg|g|kg|lb lbs|oz|t|ml|cl|dl|l|hl|s sec|ms|min|h hr hrs|hz|khz|mhz|ghz|"
    "w|kw|mw|gw|wh|kwh|mwh|gwh|twh|v|mv|kv|ma|ohm ω|kohm kω|f|pf|nf|uf μf|n|kn|nm2|pa|hpa|kpa|mpa|gpa|bar|mbar|"
    "psi|j|kj|mj|cal|kcal|°c ℃|°f ℉|kb|mb|gb|tb|kib|mib|gib|tib|bit|px|dpi|rpm|ppm|ppb|db|mol|mmol|lm|lx|ha|"
    "m2 m²|m3 m³|km2 km²|cm2 cm²|cm3 cm³|km/h kph|mph|m/s|bn|mn|mio|mrd"
)
"""Units in small letters, each with its other names. Words that are prepositions, too ("in"), are left out."""
UNITS = {unit: names.split()[0] for names in UNIT_NAMES.split("|") for unit in names.split()}
UNIT = re.compile(r"[ ]?(°[CcFf]|[℃℉]|[^\W\d_]{1,5}(?:/[hs]\b|[²³23](?!\w))?)(?!\w)")
SIGN = re.compile(r"([$€£¥§])[ ]?(?=\d)|(?<=\d)[ ]?([$€£¥%°])")
SIGNS = {
    "$": ("usd", "dollar"),
    "€": ("eur", "euro"),
    "£": ("gbp", "pound"),
    "¥": ("jpy", "yen"),
    "§": ("section", "paragraph"),
    "%": ("percent",),
    "°": ("degree",),
}
"""What signs beside numbers are called."""
NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen|twenty thirty forty fifty sixty seventy eighty ninety|"
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
)
ONES, TENS, ORDINALS = (words.split() for words in NUMBER_WORDS.split("|"))
KNOWN = frozenset([*ONES[2:], *TENS, *ORDINALS[2:]])
SUFFIXES = {"1": "st", "2": "nd", "3": "rd"}
ROMAN = re.compile(r"(X{0,3})(IX|IV|V?I{0,3})")
ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}


def numbers(text: str) -> Iterator[Form]:
    """The numbers with separators in a cleaned text, quantities as "0.35mm", and the names of signs."""
    for match in NUMBER.finditer(text):
        written = match.group()
        is_grouped = " " in written
        values = list(readings(written))
        yield from (Form(match.start(), match.end(), value, strength, is_grouped) for value, strength in values)
        if (unit := UNIT.match(text, match.end())) and (name := UNITS.get(unit[1].lower())):
            value = values[0][0] if values else written
            yield Form(match.start(), unit.end(), value + name, SURE)
    for match in SIGN.finditer(text):
        for name in SIGNS[match[1] or match[2]]:
            yield Form(match.start(), match.end(), name, SURE, is_whole=False)


def readings(written: str) -> Iterator[tuple[str, float]]:
    """What a number with separators may be: digits with a point before decimals; nothing for versions and the like.

    >>> list(readings("1.234,56")), list(readings("1.234")), list(readings("2.10.3")), list(readings("12,34,567"))
    ([('1234.56', 0.9)], [('1234', 0.9), ('1.234', 0.5)], [], [('1234567', 0.9)])
    """
    groups, separators = SEPARATOR.split(written), SEPARATOR.findall(written)
    if not separators:
        return
    *others, last = separators
    is_thousands = len(set(separators)) == 1 and _are_groups(groups)
    is_decimal = (
        last in ".," and last not in others and len(set(others)) <= 1 and (not others or _are_groups(groups[:-1]))
    )
    if is_thousands and groups[0] != "0":
        yield "".join(groups), SURE
        if is_decimal:
            yield _decimal(groups), UNSURE
    elif is_decimal:
        yield _decimal(groups), SURE


def _are_groups(groups: list[str]) -> bool:
    """Whether digits are grouped by three, or as in India by three, then by two."""
    *others, last = groups[1:]
    return (
        1 <= len(groups[0]) <= GROUP
        and len(last) == GROUP
        and all(len(group) in (GROUP - 1, GROUP) for group in others)
    )


def _decimal(groups: list[str]) -> str:
    whole, decimals = "".join(groups[:-1]), groups[-1].rstrip("0")
    if not decimals and len(whole) < PLAIN_DIGITS:
        decimals = groups[-1][:1]
    return f"{whole}.{decimals}" if decimals else whole


def of_number_words(text: str) -> Iterator[Form]:
    """English numbers in words, from two to ninety-nine, and ordinals from third to twelfth."""
    lower = text.lower()
    if len(lower) != len(text):
        return
    separated = lower
    for separator in "-,.;:()":
        separated = separated.replace(separator, " ")
    for word in sorted(KNOWN.intersection(separated.split())):
        for match in _number_word(word).finditer(lower):
            ones = match[1] if word in TENS else None
            if word in ORDINALS:
                number = str(ORDINALS.index(word) + 1)
                number += SUFFIXES.get(number, "th")
            elif word in TENS:
                number = str(10 * (TENS.index(word) + 2) + (ONES.index(ones) if ones else 0))
            else:
                number = str(ONES.index(word))
            yield Form(match.start(), match.end(), number, SURE, is_whole=bool(ones))


@cache
def _number_word(word: str) -> re.Pattern[str]:
    """What finds a word, and for tens the ones after it; a pattern of all words would be far slower."""
    ones = rf"(?:[- ]({'|'.join(ONES[1:10])}))?" if word in TENS else ""
    return re.compile(rf"(?<![-\w]){word}{ones}(?!\w)")


def of_numeral(word: str) -> str:
    """The value of a Roman numeral of two letters or more, from 2 to 39; "" for other words."""
    if len(word) < 2 or not (match := ROMAN.fullmatch(word)):
        return ""
    values = [ROMAN_VALUES[letter] for letter in match.group()]
    return str(sum(-value if value < later else value for value, later in zip(values, [*values[1:], 0], strict=True)))
