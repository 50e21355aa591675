"""What a question asks, before it is encoded: without its operators, and with its typing errors corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import UsageError
from ..models.pixel.words import WORD, composed, normal_form
from ..query.characters import clean, folded
from ..query.operators import parse
from ..query.terms import question_terms
from ..query.translations import is_name
from ..records import QUESTION_MAX_CHARS, Query
from .text_evidence import TextSearch

IsSeen = Callable[[str], bool]
"""Whether pages without a text layer show a word."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A `query` as it is searched for: without operators. `missing_phrases` are the phrases in quotes that no page has,
    whose words are searched for one by one.
    """

    query: Query
    missing_phrases: tuple[str, ...] = ()


def read(query: Query, texts: Callable[[], TextSearch]) -> Reading:
    """A query without operators. Queries by a page stay.

    Raises UsageError for a question of more than QUESTION_MAX_CHARS.
    """
    check_length(query)
    if query.like is not None or not query.text.strip():
        return Reading(query)
    text, operators = parse(query.text)
    missing: tuple[str, ...] = ()
    if operators.phrases:
        missing = tuple(phrase for phrase in operators.phrases if not texts().has_phrase(phrase))
        operators = replace(operators, phrases=tuple(each for each in operators.phrases if each not in missing))
    return Reading(replace(query, text=text, operators=operators), missing)


def check_length(query: Query) -> None:
    """Raise UsageError for a question of more than QUESTION_MAX_CHARS."""
    if len(query.text) > QUESTION_MAX_CHARS:
        which = f"question {query.query_id}" if query.query_id else "the question"
        raise UsageError(
            f"{which} has {len(query.text):,} characters; the limit is {QUESTION_MAX_CHARS:,}: "
            "ask with the words that matter"
        )


def corrected(query: Query, texts: Callable[[], TextSearch], is_seen: IsSeen) -> Query:
    """A query that was read, with its typing errors corrected. Queries by a page stay.

    A word is corrected if no text layer has it in any spelling, no page without one shows it, and it is no name of a
    notion in another language. Pictures are searched for what was typed: docs/log.md#spellings.
    """
    if query.like is not None or not query.text.strip():
        return query
    corrections = _corrections(query.text, query.operators.beginnings, texts(), is_seen)
    return replace(query, corrections=tuple(corrections.items()))


def _corrections(text: str, beginnings: tuple[str, ...], texts: TextSearch, is_seen: IsSeen) -> dict[str, str]:
    """The corrections of the words of a text, by the words as they were typed."""
    unknown = texts.unknown_words([word for word in question_terms(text).words if word.term not in beginnings])
    if not unknown:
        return {}
    found: dict[str, str] = {}
    for typed in WORD.findall(composed(clean(text))):
        term = folded(normal_form(typed))
        if term not in unknown or is_name(term) or is_seen(term):
            continue
        if (instead := texts.spelling.correction(typed)) is not None:
            found[typed] = instead
    return found
