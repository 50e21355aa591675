"""The grammar of conditions, and their parser. The only module that imports lark.

    author = 'Kim' and year >= 2021 and tag in ('audit', 'tax')
    not (title contains 'draft') and (modified >= 2024-01 or pages < 10)

Keywords and names of columns may be written in any case. Names that are no words stand in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from ..errors import UsageError
from .conditions import AnyOf, Comparison, Condition, Constant, Every, Negated, Operator

MAX_CHARS = 20_000
EXCERPT_CHARS = 20
UNITS = {"kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
GRAMMAR = r"""
    ?start: disjunction
    ?disjunction: conjunction
        | conjunction (_OR conjunction)+                            -> any_of
    ?conjunction: negation
        | negation (_AND negation)+                                 -> every
    ?negation: _NOT negation                                        -> negated
        | "(" disjunction ")"
        | comparison
    ?comparison: column COMPARES constant                           -> compared
        | column _IS _NULL                                          -> is_null
        | column _IS _NOT _NULL                                     -> is_not_null
        | column asked                                              -> asks
        | column _NOT asked                                         -> asks_not
        | column                                                    -> is_true
    asked: IN "(" constant ("," constant)* ")"
        | (LIKE | CONTAINS | MATCHES) constant
        | BETWEEN constant _AND constant
    column: NAME | QUOTED
    constant: TEXT | QUOTED | SIZE | DATE | NUMBER | FLAG

    COMPARES: "<=" | ">=" | "!=" | "<>" | "==" | "=" | "<" | ">"
    _AND.2: /and\b/i
    _OR.2: /or\b/i
    _NOT.2: /not\b/i
    _IS.2: /is\b/i
    _NULL.2: /null\b/i
    IN.2: /in\b/i
    LIKE.2: /like\b/i
    CONTAINS.2: /contains\b/i
    MATCHES.2: /matches\b/i
    BETWEEN.2: /between\b/i
    FLAG.2: /(true|false)\b/i
    NAME: /[^\W\d]\w*/
    TEXT: /'(?:[^']|'')*'/
    QUOTED: /"(?:[^"]|"")*"/
    SIZE.3: /\d+(?:\.\d+)?\s*(?:kb|mb|gb)\b/i
    DATE.3: /\d{4}-\d{2}(?:-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)?(?![\w-])/
    NUMBER: /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w)/
    %ignore /\s+/
"""
SURROGATE = re.compile("[\ud800-\udfff]")
VALUES = frozenset(("TEXT", "SIZE", "DATE", "NUMBER", "FLAG"))


def parse(text: str) -> Condition:
    """The tree of a condition. Raises UsageError, which says at which character the mistake is.

    >>> parse("pages > 10")
    Comparison(column='pages', operator='>', values=(Constant(text='10', kind='number', at=8),), at=0)
    """
    if not isinstance(text, str):
        raise UsageError(f"where: a condition is text, not {type(text).__name__}")
    if not text.strip():
        raise UsageError("where: the condition is empty; write one, such as author = 'Kim' and modified >= 2024")
    if len(text) > MAX_CHARS:
        raise UsageError(f"where: the condition has {len(text):,} characters; the limit is {MAX_CHARS:,}")
    if lone := SURROGATE.search(text):
        raise error(text, lone.start(), "half of a character (a lone surrogate), which no document has")
    try:
        found: Condition = _parser().parse(text)  # type: ignore[assignment]  # lark has a tree here, not what the transformer makes
    except UnexpectedInput as err:
        at, what = _mistake(err, text)
        raise error(text, at, what) from err
    return found


def error(text: str, at: int, what: str) -> UsageError:
    """A mistake at a position of a condition, from 0; `what` says what was expected."""
    rest = " ".join(text[at:].split())
    shown = f"{rest[:EXCERPT_CHARS]}…" if len(rest) > EXCERPT_CHARS else rest
    return UsageError(f"where, character {at + 1}{f' ({shown})' if shown else ''}: {what}")


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Tree(), propagate_positions=False)


@v_args(inline=True)
class _Tree(Transformer[Token, Condition]):
    """Builds the tree while the parser runs, so that nesting needs no recursion."""

    def any_of(self, *parts: Condition) -> Condition:
        return AnyOf(parts)

    def every(self, *parts: Condition) -> Condition:
        return Every(parts)

    def negated(self, part: Condition) -> Condition:
        return part.part if isinstance(part, Negated) else Negated(part)

    def column(self, name: Token) -> tuple[str, int]:
        assert name.start_pos is not None
        return (_unquoted(name) if name.type == "QUOTED" else str(name)).lower(), name.start_pos

    def constant(self, token: Token) -> Constant:
        assert token.start_pos is not None
        if token.type in ("TEXT", "QUOTED"):
            return Constant(_unquoted(token), "text", token.start_pos)
        if token.type == "SIZE":
            number, unit = float(token[:-2]), UNITS[token[-2:].lower()]
            return Constant(repr(number * unit), "size", token.start_pos)
        kinds: dict[str, Any] = {"DATE": "date", "NUMBER": "number", "FLAG": "flag"}
        return Constant(str(token), kinds[token.type], token.start_pos)

    def compared(self, column: tuple[str, int], operator: Token, value: Constant) -> Condition:
        same: dict[str, Operator] = {"==": "=", "<>": "!="}
        written: Any = str(operator)
        return Comparison(column[0], same.get(written, written), (value,), column[1])

    def asked(self, operator: Token, *values: Constant) -> tuple[Operator, tuple[Constant, ...]]:
        written: Any = str(operator).lower()
        return written, values

    def asks(self, column: tuple[str, int], asked: tuple[Operator, tuple[Constant, ...]]) -> Condition:
        return Comparison(column[0], *asked, column[1])

    def asks_not(self, column: tuple[str, int], asked: tuple[Operator, tuple[Constant, ...]]) -> Condition:
        return Negated(self.asks(column, asked))

    def is_null(self, column: tuple[str, int]) -> Condition:
        return Comparison(column[0], "is null", (), column[1])

    def is_not_null(self, column: tuple[str, int]) -> Condition:
        return Negated(Comparison(column[0], "is null", (), column[1]))

    def is_true(self, column: tuple[str, int]) -> Condition:
        return Comparison(column[0], "is true", (), column[1])


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


def _mistake(err: UnexpectedInput, text: str) -> tuple[int, str]:
    """The position of a mistake, and what was expected there."""
    if isinstance(err, UnexpectedCharacters):
        at = err.pos_in_stream or 0
        if text[at] in "'\"":
            return at, "the text in quotes has no end"
        return at, _expected(err.allowed or ())
    at = len(text)
    expected: Collection[str] = ()
    if isinstance(err, UnexpectedToken):
        expected = err.accepts or err.expected
        if err.token.type != "$END" and err.token.start_pos is not None:
            at = err.token.start_pos
        if err.token.type == "NAME" and set(expected) >= VALUES:
            return at, f"text stands in quotes: '{err.token}'"
    elif isinstance(err, UnexpectedEOF):
        expected = err.expected
    return at, _expected(expected)


def _expected(terminals: Collection[str]) -> str:
    found = set(terminals)
    if found >= VALUES:
        return "a value was expected: 'text', a number, a date such as 2024-02, true or false"
    if "COMPARES" in found:
        return "expected one of =, !=, <, <=, >, >=, in, like, contains, matches, between, is null"
    if "NAME" in found:
        return "the name of a column was expected"
    if "LPAR" in found:
        return "'(' was expected, as in: in ('a', 'b')"
    if "COMMA" in found:
        return "',' or ')' was expected"
    if "_NULL" in found:
        return "'null' or 'not null' was expected"
    if "_OR" in found or "$END" in found:
        return "'and', 'or' or the end was expected"
    if "RPAR" in found:
        return "'and', 'or' or ')' was expected"
    if "_AND" in found:
        return "'and' was expected, as in: between 2020 and 2022"
    return "this is not part of a condition"
