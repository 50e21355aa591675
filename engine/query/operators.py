"""Operators in a question: "an exact phrase", -word for what pages must not have, and word* for all that begin so.

Quotes, hyphens and asterisks elsewhere in a text are left as they are: "year-over-year", "-7.25" and "5 * 3" ask for
what they say.
"""

from __future__ import annotations

import re

from ..errors import UsageError
from ..models.pixel.words import normal_form, split_words
from ..records import Operators
from .characters import clean, folded

PHRASE = re.compile(r"(?:(?<=\s)|(?<=[(\[])|^)[\"“”„«]([^\"“”„«»]+)[\"“”»]")
EXCLUDED = re.compile(r"(?:(?<=[ \t])|^)-([^\W\d_][\w'’.-]*)")
BEGINNING = re.compile(r"(?:(?<=\s)|^)(\w{2,})\*(?=\s|$)")


NONE = Operators()

MAX_AROUND = 6
"""Most words beside a phrase in quotes that pages must have: longer questions quote, or name something."""


def parse(question: str) -> tuple[str, Operators]:
    """The question without operators, and what these ask.

    The text of a question of nothing but excluded words is empty. In a sentence, with a question mark or more than
    MAX_AROUND words beside them, quotes ask for nothing.

    >>> parse('"net sales" -europe market*')
    ('net sales market', Operators(phrases=('net sales',), excluded=('europe',), beginnings=('market',)))
    >>> parse("the year-over-year change of -7.25")
    ('the year-over-year change of -7.25', Operators(phrases=(), excluded=(), beginnings=()))
    """
    if not any(sign in question for sign in '"“”„«-*'):
        return question, NONE
    text = clean(question)
    phrases = tuple(phrase.strip() for phrase in PHRASE.findall(text) if re.search(r"\w", phrase))
    around = PHRASE.sub(" ", text)
    text = PHRASE.sub(r"\1", text)
    if "?" in around or len(split_words(around)) > MAX_AROUND:
        phrases = ()
    excluded = tuple(EXCLUDED.findall(text))
    text = EXCLUDED.sub("", text)
    beginnings = tuple(folded(normal_form(word)) for word in BEGINNING.findall(text))
    text = BEGINNING.sub(r"\1", text)
    found = Operators(phrases, excluded, beginnings)
    return (" ".join(text.split()), found) if found else (question, NONE)


def check_asks(text: str, operators: Operators) -> None:
    """Raise UsageError for a question, as `parse` gives it, of nothing but excluded words."""
    if operators.excluded and not re.search(r"\w", text):
        left_out = " ".join(f"-{word}" for word in operators.excluded[:MAX_AROUND])
        raise UsageError(
            f"nothing is asked for besides what is left out ({left_out}); add words that pages should have, "
            "or write without the hyphen what you look for"
        )
