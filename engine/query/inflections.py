"""Other forms of a question's word that pages may print instead: "wolves" for "wolf", "Jäger" for "Jaeger".

These are looked up beside the word itself, so no page's terms grow; most of them no page has, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ..models.pixel.words import normal_form
from .dates import SURE, UNSURE

IRREGULAR = (
    "man men|woman women|child children|foot feet|tooth teeth|goose geese|mouse mice|louse lice|ox oxen|person people|"
    "die dice|penny pence|criterion criteria|phenomenon phenomena|datum data|medium media|bacterium bacteria|"
    "curriculum curricula|memorandum memoranda|stratum strata|spectrum spectra|erratum errata|addendum addenda|"
    "analysis analyses|crisis crises|thesis theses|hypothesis hypotheses|axis axes|oasis oases|"
    "diagnosis diagnoses|synopsis synopses|parenthesis parentheses|index indice indices|appendix appendices|"
    "matrix matrices|vertex vertices|vortex vortices|codex codices|radius radii|nucleus nuclei|focus foci|"
    "fungus fungi|cactus cacti|stimulus stimuli|alumnus alumni|syllabus syllabi|terminus termini|formula formulae|"
    "antenna antennae|larva larvae|alga algae|vertebra vertebrae|nebula nebulae|corpus corpora|genus genera|"
    "opus opera|quiz quizze|bureau bureaux|plateau plateaux|tableau tableaux|chateau chateaux|"
    "shelf shelve|wolf wolve|half halve|calf calve|leaf leave|loaf loave|thief thieve|knife knive|life live|"
    "wife wive|self selve|elf elve|scarf scarve|hoof hoove|wharf wharve|sheaf sheave|dwarf dwarve"
)
"""English plurals that no rule makes; those in -ves without their s, as terms have them."""
VOWELS = "aeiou"
UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""Umlauts as keyboards without them write them, and without their points, as terms have them."""
NORDIC = (("aa", "a"),)
MIN_CHARS = 4
ARABIC_PREFIXES = ("ال", "وال", "بال", "لل", "و", "ب", "ل")
HEBREW_PREFIXES = ("ה", "ו", "ב", "כ", "ל", "מ", "ש", "וה", "שה", "מה", "כש")
PARTICLES = (
    "으로",
    "에서",
    "에게",
    "까지",
    "부터",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "로",
    "와",
    "과",
    "도",
    "만",
)
"""Korean particles, which are written as the end of the word before."""


def inflections(word: str) -> Iterator[tuple[str, float]]:
    """Other forms of a word in normal form, each with how much a page counts that has it instead.

    >>> [form for form, _ in inflections("company")], [form for form, _ in inflections("jaeger")]
    (['companie'], ['jager'])
    """
    if word.isascii():
        if word.isalpha() and len(word) >= 3:
            yield from ((form, SURE) for form in _english(word))
            yield from ((form, UNSURE) for form in _german(word))
    elif "\uac00" <= word[0] <= "\ud7a3":
        yield from ((form, SURE) for form in _with_endings(word, PARTICLES))
    elif "\u0620" <= word[0] <= "\u064a":
        yield from ((form, SURE) for form in _with_beginnings(word, ARABIC_PREFIXES))
    elif "\u05d0" <= word[0] <= "\u05ea":
        yield from ((form, SURE) for form in _with_beginnings(word, HEBREW_PREFIXES))


@lru_cache(maxsize=1)
def irregular() -> dict[str, tuple[str, ...]]:
    """The other forms of each word of IRREGULAR."""
    groups = [tuple(map(normal_form, line.split())) for line in IRREGULAR.split("|")]
    return {word: tuple(other for other in group if other != word) for group in groups for word in group}


def _english(word: str) -> Iterator[str]:
    """Singular or plural of an English word whose plural is more than an s, which no term has."""
    yield from irregular().get(word, ())
    if word.endswith("ie") and len(word) >= MIN_CHARS:
        yield word[:-2] + "y"
    elif word.endswith("y") and word[-2] not in VOWELS:
        yield word[:-1] + "ie"
    elif word.endswith(("sse", "she", "che", "xe", "use")):
        yield word[:-1]
    elif word.endswith(("ss", "sh", "ch", "x", "us")):
        yield word + "e"


def _german(word: str) -> Iterator[str]:
    """A word with its umlauts as terms have them; "ü" is "u" there."""
    if len(word) >= MIN_CHARS:
        plain = word
        for written, letter in (*UMLAUTS, *NORDIC):
            plain = plain.replace(written, letter)
        if plain != word:
            yield plain


def _with_endings(word: str, endings: tuple[str, ...]) -> Iterator[str]:
    for ending in endings:
        yield word + ending
        if word.endswith(ending) and len(word) > len(ending) + 1:
            yield word.removesuffix(ending)


def _with_beginnings(word: str, beginnings: tuple[str, ...]) -> Iterator[str]:
    for beginning in beginnings:
        yield beginning + word
        if word.startswith(beginning) and len(word) > len(beginning) + 2:
            yield word.removeprefix(beginning)
