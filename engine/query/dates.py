"""Dates and times of day as texts write them, in one form: "14 May 2023" and "2023-05-14" are one day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..models.pixel.words import normal_form

FILE = Path(__file__).with_name("months.txt")
SURE, UNSURE = 0.9, 0.5
"""How much a page counts that has the same value in another spelling, and one whose value may be another."""
OF = r"(?:(?:of|de|del|den|d')[ ]?)?"
DAY = r"(\d{1,2})(?:st|nd|rd|th|er|[.ºª])?"
YEAR_FIRST = re.compile(r"(?<![\w.])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\w-])")
YEAR_LAST = re.compile(r"(?<![\w.])(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)(?![\w-])")
MONTH_SECOND = re.compile(rf"(?<!\w){DAY}\s+{OF}([^\W\d_]{{3,15}})\.?,?\s+{OF}(\d{{4}})(?!\w)", re.IGNORECASE)
MONTH_FIRST = re.compile(r"(?<!\w)(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\w)", re.IGNORECASE)
BEFORE = re.compile(r"(?<!\w)([^\W\d_]{3,15})\.?\s+$")
BEFORE_CHARS = 20
EAST_ASIAN = re.compile(r"(\d{4})[年년]\s?(\d{1,2})[月월]\s?(\d{1,2})[日일]")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
"""The form of a date."""
CLOCK = re.compile(
    r"(?<![\d:.,])(\d{1,2})(?:(:)|\s?[hH]\s?|(\.))(\d\d)(?::\d\d)?(?![\d:]|[.,]\d)(?:\s?([aApP])\.?[mM]\b)?"
)
HOUR = re.compile(r"(?<![\d:.,])(\d{1,2})\s?([aApP])\.?[mM]\b")
OCLOCK = re.compile(r"\s?(?:Uhr|h|hrs?|hours)\b")
MONTHS, HOURS, NOON = 12, 24, 12


class Form(NamedTuple):
    """A value that a text states between its characters `start` and `end`, in a form that spellings share.

    `strength`, 0..1, is how much a page counts that states it in another spelling. `is_whole` tells that the words that
    it is spelled with mean something else apart: "15" and "45" are not 15:45. `is_part` tells that it is less than what
    the text states: pages are found by a part of a name, but a name not by pages with a part of it.
    """

    start: int
    end: int
    form: str
    strength: float
    is_whole: bool = True
    is_part: bool = False


def dates(text: str) -> Iterator[Form]:
    """The dates in a text as "2023-05-14"; twice where day and month may be either way round."""
    for match in YEAR_FIRST.finditer(text):
        yield from _date(match, match[1], match[3], match[4])
    for match in YEAR_LAST.finditer(text):
        year = match[4] if len(match[4]) > 2 else str(int(match[4]) + (1900 if int(match[4]) > 69 else 2000))
        is_sure = len(match[4]) > 2 and (match[2] == "." or match[1] == match[3] or int(match[1]) > MONTHS)
        yield from _date(match, year, match[3], match[1], SURE if is_sure else UNSURE)
        if match[2] != "." and match[1] != match[3]:
            yield from _date(match, year, match[1], match[3], SURE if int(match[3]) > MONTHS else UNSURE)
    for match in MONTH_SECOND.finditer(text):
        for month in month_numbers().get(normal_form(match[2]), ()):
            yield from _date(match, match[3], month, match[1])
    for match in MONTH_FIRST.finditer(text):
        before = BEFORE.search(text, max(0, match.start() - BEFORE_CHARS), match.start())
        for month in month_numbers().get(normal_form(before[1]), ()) if before else ():
            for form in _date(match, match[2], month, match[1]):
                yield form._replace(start=before.start() if before else form.start)
    for match in EAST_ASIAN.finditer(text):
        yield from _date(match, match[1], match[2], match[3])


def times(text: str, *, is_question: bool) -> Iterator[Form]:
    """The times of day in a text as "15:45"; "3:45" may also be in the afternoon.

    In a question "15.45" may be one, too; on a page it is a number, unless the word for a time follows.
    """
    for match in CLOCK.finditer(text):
        hour, minute, half = int(match[1]), int(match[4]), (match[5] or "").lower()
        if hour >= HOURS or minute >= 60:
            continue
        oclock = OCLOCK.match(text, match.end())
        is_sure = not match[3] or half or oclock
        if is_sure or is_question:
            strength = SURE if is_sure else UNSURE
            end = oclock.end() if oclock else match.end()
            yield Form(match.start(), end, _time(hour, minute, half), strength, is_whole=bool(is_sure))
        if not half and hour < NOON and match[2]:
            yield Form(match.start(), match.end(), _time(hour, minute, "p"), UNSURE)
    for match in HOUR.finditer(text):
        if 0 < int(match[1]) <= NOON:
            yield Form(match.start(), match.end(), _time(int(match[1]), 0, match[2].lower()), SURE)


@lru_cache(maxsize=1)
def month_numbers() -> dict[str, list[str]]:
    """The numbers of the months that have a name, in normal form; a name of two languages may have two."""
    found: dict[str, list[str]] = {}
    for line in FILE.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            number, _, names = line.partition(":")
            for name in names.split():
                found.setdefault(normal_form(name), []).append(number)
    return found


def _date(match: re.Match[str], year: str, month: str, day: str, strength: float = SURE) -> Iterator[Form]:
    if 1 <= int(month) <= MONTHS and 1 <= int(day) <= 31:
        yield Form(match.start(), match.end(), f"{year}-{int(month):02}-{int(day):02}", strength)


def _time(hour: int, minute: int, half: str) -> str:
    if half and hour <= NOON:
        hour = hour % NOON + (NOON if half == "p" else 0)
    return f"{hour:02}:{minute:02}"
