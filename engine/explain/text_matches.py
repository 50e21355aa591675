"""Where a text has the words of a question, in any spelling that search counts: the same terms and forms of values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ..models.pixel.words import WORD
from ..query.characters import ONE_CODE, clean
from ..query.dates import DATE
from ..query.spellings import CAPITALS, forms
from ..query.terms import IDEOGRAPH, MAYBE, SAME, marked_form, placed_terms
from ..records import SoughtWord

LENGTHS = {chr(code): 0 if instead is None else len(instead) for code, instead in ONE_CODE.items()}
RESIZED = re.compile(
    "\u00ad\n|[" + "".join(map(re.escape, (char for char, count in LENGTHS.items() if count != 1))) + "]"
)
"""What `characters.clean` replaces by more characters, or by none."""


class TextMatch(NamedTuple):
    """Characters `start` to `end` of a text that count for the word at the place `word` among those that were sought,
    as much as `strength` says, 0..1.
    """

    start: int
    end: int
    word: int
    strength: float


def find(text: str, sought: Sequence[SoughtWord]) -> list[TextMatch]:
    """The matches of a text in Unicode's composed form (NFC), in its order; a word may count for several.

    >>> find("Margins fell.", [SoughtWord(("margin",), 1.0, {})])
    [TextMatch(start=0, end=7, word=0, strength=1.0)]
    """
    wanted: dict[str, list[tuple[int, float]]] = {}
    for place, each in enumerate(sought):
        own = {each.terms[0]: 1.0} if len(each.terms) == 1 else {}
        for term, strength in {**each.spelled, **own}.items():
            wanted.setdefault(term, []).append((place, strength))
    if not wanted:
        return []
    cleaned = clean(text)
    found: dict[tuple[int, int, int], float] = {}

    def add(start: int, end: int, term: str) -> None:
        for place, strength in wanted.get(term, ()):
            found[start, end, place] = max(strength, found.get((start, end, place), 0.0))

    words, marked = _patterns(frozenset(wanted))
    for match in words.finditer(cleaned):
        for start, end, term in placed_terms(match[0]):
            add(match.start() + start, min(match.end(), match.start() + end), term)
    if marked is not None:
        for line in _distinct(_lines(cleaned, match) for match in marked.finditer(cleaned)):
            for form in forms(cleaned[line]):
                add(line.start + form.start, line.start + form.end, marked_form(form))
        for letter in IDEOGRAPH.finditer(cleaned) if not cleaned.isascii() else ():
            add(*letter.span(), SAME + letter[0])
    origin = _origins(text)
    return [
        TextMatch(origin(start), origin(end - 1) + 1, place, strength)
        for (start, end, place), strength in sorted(found.items())
    ]


@lru_cache(maxsize=64)
def _patterns(wanted: frozenset[str]) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """What finds the words of a cleaned text that may have one of some terms, and the first characters of what may have
    one of their marked forms; None where there are no such forms.

    Most words of a text begin otherwise than all terms; those that are not ASCII may begin so once they are folded.
    """
    marked = {term[1:] for term in wanted if term[0] in (SAME, MAYBE)}
    plain = [re.escape(term) for term in sorted(wanted) if term.isascii() and term[0] not in (SAME, MAYBE)]
    begins = "|".join([*plain, r"[\w.,'&]*[^\x00-\x7f]"])
    words = re.compile(rf"(?<![^\W_])(?<![^\W_][.,'’&])(?={begins}){WORD.pattern}", re.IGNORECASE)
    if not marked:
        return words, None
    spaced = r"[\W_]*"
    spelled = [spaced.join(map(re.escape, re.sub(r"[\W_]", "", _beginning(form)))) for form in sorted(marked)]
    return words, re.compile("|".join(spelled), re.IGNORECASE)


def _beginning(form: str) -> str:
    """What a text has of a form in any case: of a date "2023-05-14", which may be in words, two digits of the year."""
    return form[2:4] if DATE.fullmatch(form) else form.removeprefix(CAPITALS)


def _lines(text: str, match: re.Match[str]) -> slice:
    """The line in which a match begins, and the next one: a line's end may cut a word in two."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.start())
    end = text.find("\n", end + 1) if end >= 0 else -1
    return slice(start, end if end >= 0 else len(text))


def _distinct(lines: Iterable[slice]) -> Iterator[slice]:
    """Each of some slices once, which come in the order of a text."""
    last = None
    for line in lines:
        if line != last:
            yield line
        last = line


def _origins(text: str) -> Callable[[int], int]:
    """Tells which character of a text a character of the cleaned text comes from."""
    if text.isascii() or not RESIZED.search(text):
        return int
    places: list[int] = []
    end = 0
    for match in RESIZED.finditer(text):
        places += range(end, match.start())
        places += [match.start()] * LENGTHS[match[0][0]]
        end = match.end()
    places += range(end, len(text))
    return places.__getitem__
