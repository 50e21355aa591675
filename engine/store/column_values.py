"""Values of documents' columns: their types, and the form in which conditions compare them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from unicodedata import normalize

ColumnType = Literal["text", "number", "date", "list", "flag"]
"""A list is of texts; a flag is true or false."""
Value = str | float | bool | tuple[str, ...]
"""Dates are texts in ISO 8601, which may stop at the year, the month or the day."""

DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?)?)?"
)
"""A date, or a date with a time, which is in UTC unless it has a zone."""
MOMENT_FORMAT = "%Y-%m-%dT%H:%M:%S"
FIRST_YEAR, LAST_YEAR = 2, 9998
LAST_ZONE_HOUR, LAST_MINUTE = 23, 59
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def folded(text: str) -> str:
    """Text as conditions compare it: without case, in Unicode's composed form.

    >>> folded("STRASSE") == folded("Straße")
    True
    """
    return text.lower() if text.isascii() else normalize("NFC", normalize("NFC", text).casefold())


def date_span(text: str) -> tuple[datetime, datetime]:
    """The first moment of a year, month, day, minute or second, and the first one after it.

    Raises ValueError for text that is no date.

    >>> [moment.date().isoformat() for moment in date_span("2024-02")]
    ['2024-02-01', '2024-03-01']
    """
    match = DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no date such as 2024-02-29")
    year, month, day, hour, minute, second = (None if part is None else int(part) for part in match.groups()[:6])
    assert year is not None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year {year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    zone = match["zone"]
    shift = timedelta()
    if zone not in (None, "Z"):
        digits = zone.replace(":", "")
        if int(digits[1:3]) > LAST_ZONE_HOUR or int(digits[3:5]) > LAST_MINUTE:
            raise ValueError(f"{text!r} is no date: {zone} is no time zone")
        shift = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5])) * (-1 if digits[0] == "-" else 1)
    try:
        start = datetime(year, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=UTC)
    except ValueError as err:
        raise ValueError(f"{text!r} is no date: {err}") from err
    if month is None:
        return start, start.replace(year=year + 1)
    if day is None:
        return start, (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    length = timedelta(days=1)
    if minute is not None:
        length = timedelta(minutes=1) if second is None else timedelta(seconds=1)
    return start - shift, start - shift + length


def moment(when: datetime) -> str:
    """A moment in the form in which dates are compared: ISO 8601 in UTC, to the second, always of the same length."""
    return f"{when.year:04d}-{when:%m-%dT%H:%M:%S}"


def nanoseconds(when: datetime) -> int:
    """Nanoseconds from the beginning of 1970, as files have their modification times.

    Moments before 1677 and after 2262 count as the first and the last one that 64 bits hold: no file is older or newer.
    """
    return min(max(((when - EPOCH) // timedelta(microseconds=1)) * 1000, -(2**63)), 2**63 - 1)


def iso_of_nanoseconds(mtime_ns: int) -> str:
    """A modification time in ISO 8601, in UTC, to the second; "" for a time that no calendar has."""
    try:
        return (EPOCH + timedelta(seconds=mtime_ns // 1_000_000_000)).strftime(MOMENT_FORMAT) + "Z"
    except OverflowError:
        return ""


def compared(value: str | float | bool, kind: ColumnType) -> str | float | int:
    """A value, or an item of a list, in the form in which conditions compare it. Raises ValueError for no date."""
    if kind == "date":
        return moment(date_span(str(value))[0])
    if kind in ("number", "flag"):
        return float(value) if kind == "number" else int(bool(value))
    return folded(str(value))
