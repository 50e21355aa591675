"""One value, many spellings: numbers, codes, units, acronyms and compounds in a form that all their spellings share.

Pages are indexed by the forms of what they print besides their words, and questions are looked up by words first, then
by forms: "1.234,56" finds 1,234.56, "FBI" finds F.B.I., "photosynthesis" finds the word that a line's end cuts in two.
`numerals.py` reads numbers, `dates.py` dates and times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ..models.pixel.function_words import by_language
from ..models.pixel.words import normal_form, stated_year
from .dates import SURE, UNSURE, Form, dates, times
from .numerals import numbers, of_number_words, of_numeral

MAX_CHARS = 40
"""Longest form of a compound: longer ones are addresses of web pages."""
CHUNK = re.compile(r"\S+")
EDGES = ".,;:!?()[]{}<>\"'«»“”„‘’…*"
PARTS = re.compile(r"[-.'’/&_–:]+")
"""What is left out where a word or code is written as one."""
SUM = re.compile(r"[\d.,:'’/%$€£-]+")
"""Chunks that numbers, dates and times are read from, not codes."""
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
CAMEL_CHARS = 6
"""Least characters of a name in camelCase: "kPa" is none."""
LANGUAGE = re.compile(r"(?<![\w+#])([A-Za-z](?:\+\+|#)|\.(?:NET|Net|net))(?![\w+#])")
"""C++, C#, F#, .NET: names of which only a letter or a word would be left."""
PREFIXED = re.compile(r"[A-Za-z]{1,3}(\d[\d.]+)")
CUT = re.compile(r"-[ ]*\n[ ]*")
"""Where a line's end cuts a word in two."""
WORD_BEFORE, WORD_AFTER = re.compile(r"[^\W\d_]{2,}$"), re.compile(r"[^\W\d_]{2,}")
DIGIT = re.compile(r"\d")
SPACED = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){3,39}(?!\S)")
CODE = re.compile(r"\+?[A-Z0-9][A-Z0-9/-]*")
CODE_PART, CODE_PARTS = 12, 8
"""Most characters of a group of a code, and most groups."""
CODE_DIGITS, CODE_CHARS = 4, 34
"""Least digits of a code that is written in groups, and its most characters: an IBAN has 34."""
TWO_DIGIT_CODES = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 "
    "91 92 93 94 95 98"
)
CALLING_CODES = frozenset(TWO_DIGIT_CODES.split())
"""The calling codes of countries that have two digits; 1 and 7 have one, all others three."""
PHONE_DIGITS = range(8, 16)
ACRONYM_CHARS = range(2, 6)
ACRONYM_PART = 2
"""Most letters between the dots of an acronym."""
CAPITALS = "^"
"""Begins the forms of words that are small words unless they stand in capitals."""
GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon "
    "phi chi psi omega"
)
GREEK = dict(zip("αβγδεζηθικλμνξοπρςστυφχψω", GREEK_NAMES.split(), strict=True))


def forms(text: str, *, is_question: bool = False) -> Iterator[Form]:
    """The forms of a cleaned text (`characters.clean`), in no order.

    Of a question also forms that only its words may mean: "15.45" may be a time, but not each such number of a page is.

    >>> [form.form for form in forms("AB-1047-X for the F.B.I. on 14 May 2023: 1.234,56")]
    ['ab1047x', 'fbi', '2023-05-14', '1234.56']
    """
    yield from _of_chunks(text)
    for match in LANGUAGE.finditer(text):
        yield Form(match.start(), match.end(), match[1].lower(), SURE)
    for cut in CUT.finditer(text):
        before = WORD_BEFORE.search(text, max(0, cut.start() - MAX_CHARS), cut.start())
        after = WORD_AFTER.match(text, cut.end())
        if before and after and after[0][0].islower():
            yield Form(before.start(), after.end(), normal_form(before[0] + after[0]), SURE, is_whole=False)
    for match in SPACED.finditer(text):
        yield Form(match.start(), match.end(), normal_form(match[0].replace(" ", "")), SURE)
    yield from of_number_words(text)
    if DIGIT.search(text):
        yield from dates(text)
        yield from times(text, is_question=is_question)
        yield from numbers(text)


def _of_chunks(text: str) -> Iterator[Form]:
    """The forms of codes, compounds and acronyms, which are runs of characters without spaces, or a few of these."""
    run: list[tuple[int, int]] = []
    for match in CHUNK.finditer(text):
        chunk = match.group()
        if chunk.isalpha() and not chunk.isupper() and (chunk[1:].islower() or len(chunk) == 1):
            if run:
                yield from _of_code(text, run)
                run = []
            if not chunk.isascii() and chunk.lower() in GREEK:
                yield Form(match.start(), match.end(), GREEK[chunk.lower()], SURE, is_whole=False)
            continue
        bare = chunk.strip(EDGES)
        start = match.start() + chunk.find(bare)
        end = start + len(bare)
        is_code = len(bare) <= CODE_PART and CODE.fullmatch(bare) is not None
        if run and (not is_code or text[run[-1][1] : start].strip("() ") or "\n" in text[run[-1][1] : start]):
            yield from _of_code(text, run)
            run = []
        if is_code:
            run.append((start, end))
        yield from _of_chunk(bare, start, end)
    if run:
        yield from _of_code(text, run)


def _of_chunk(chunk: str, start: int, end: int) -> Iterator[Form]:
    if len(chunk) > 2 * MAX_CHARS or not chunk:
        return
    if chunk.isalpha():
        if chunk.isupper() and len(chunk) in ACRONYM_CHARS:
            if normal_form(chunk) in small_words():
                yield Form(start, end, CAPITALS + normal_form(chunk), SURE)
            if number := of_numeral(chunk):
                yield Form(start, end, number, UNSURE, is_whole=False)
        elif len(chunk) >= CAMEL_CHARS and len(parts := CAMEL.split(chunk)) > 1:
            yield from (
                Form(start, end, normal_form(part), SURE, is_whole=False, is_part=True)
                for part in parts
                if _is_word(part)
            )
        return
    parts = [part for part in PARTS.split(chunk) if part]
    if len(parts) > 1 and not SUM.fullmatch(chunk):
        yield from _of_parts(chunk, parts, start, end)
    elif len(parts) > 1 and "-" in chunk and all(map(str.isdigit, parts)):
        yield Form(start, end, "".join(parts), SURE, is_whole=len("".join(parts)) > 2 * CODE_DIGITS)
    if (match := PREFIXED.fullmatch(chunk)) and stated_year(normal_form(chunk)) is None:
        yield Form(start, end, match[1].rstrip("."), UNSURE, is_whole=False)


def _of_parts(chunk: str, parts: Sequence[str], start: int, end: int) -> Iterator[Form]:
    """The forms of a compound, a code in parts, an acronym with dots, or an address."""
    joined = "".join(parts)
    is_acronym = joined.isalpha() and all(len(part) <= ACRONYM_PART for part in parts)
    is_address = "//" in chunk or "@" in chunk or ("." in chunk and not is_acronym)
    if joined.isalnum() and len(joined) <= MAX_CHARS and not is_address and not ("/" in chunk and joined.isalpha()):
        is_code = any(map(str.isdigit, joined)) and "/" not in chunk
        yield Form(start, end, normal_form(joined), SURE, is_whole=is_code)
    if is_address or "_" in chunk:
        parts = [part for each in parts for part in re.split(r"[\W_]+", each)]
        yield from (
            Form(start, end, normal_form(part), SURE, is_whole=False, is_part=True) for part in parts if _is_word(part)
        )
    for part in parts:
        if part.lower() in GREEK:
            yield Form(start, end, GREEK[part.lower()], SURE, is_whole=False)
        elif len(part) >= CAMEL_CHARS and len(humps := CAMEL.split(part)) > 1:
            yield from (
                Form(start, end, normal_form(hump), SURE, is_whole=False, is_part=True)
                for hump in humps
                if _is_word(hump)
            )


def _is_word(part: str) -> bool:
    return len(part) > ACRONYM_PART and part.isalpha() and normal_form(part) not in small_words()


def _of_code(text: str, run: Sequence[tuple[int, int]]) -> Iterator[Form]:
    """The forms of a code that is written in groups, "XX12 3456 7890", and of a phone number."""
    groups = [text[start:end] for start, end in run]
    first = next((i for i, group in enumerate(groups) if any(map(str.isdigit, group))), None)
    if first is None or len(run) - first > CODE_PARTS:
        return
    for begin in {0, first} if first <= 1 else {first}:
        code = "".join(groups[begin:])
        is_phone = code.startswith("+")
        code = re.sub(r"[^A-Z0-9]", "", code)
        is_grouped = len(groups) - begin > 1 or is_phone
        if is_grouped and len(code) <= CODE_CHARS and sum(map(str.isdigit, code)) >= CODE_DIGITS:
            yield Form(run[begin][0], run[-1][1], code.lower(), SURE)
        if is_phone and code.isdigit() and len(code) in PHONE_DIGITS:
            yield Form(run[begin][0], run[-1][1], "0" + code[_calling_code_digits(code) :], SURE)


def _calling_code_digits(number: str) -> int:
    if number[0] in "17":
        return 1
    return 2 if number[:2] in CALLING_CODES else 3


@lru_cache(maxsize=1)
def small_words() -> frozenset[str]:
    """Words of any language that build sentences: "IT" and "WHO" in capitals are none."""
    return frozenset(word for words in by_language().values() for word in words if len(word) in ACRONYM_CHARS)
