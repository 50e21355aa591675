"""Makes text of others, such as the names of files, harmless in terminals, tables, logs and the hands of agents.

Escaped are control characters (a terminal obeys some), line and paragraph separators, characters that reorder the text
around them, invisible tag characters, and halves of surrogate pairs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

_UNSAFE = "\\x00-\\x1f\\x7f-\\x9f\\u061c\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\U000e0000-\\U000e007f"
UNSAFE = re.compile(f"[{_UNSAFE}]")
UNSAFE_IN_TEXT = re.compile(f"(?![\\n\\t])[{_UNSAFE}]")
ALSO_SHOWN = 3
"""Paths of copies that are listed; of more, the number is told."""


def printable(text: str) -> str:
    r"""Text on one line, its unsafe characters escaped as in Python.

    >>> printable("a\x1b[2J.pdf"), printable("two\nlines"), printable("Straße 1.pdf")
    ('a\\x1b[2J.pdf', 'two\\nlines', 'Straße 1.pdf')
    """
    return UNSAFE.sub(_escaped, text)


def printable_json(value: object) -> object:
    """A JSON value whose texts are printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {name: printable_json(each) for name, each in value.items()}
    return [printable_json(each) for each in value] if isinstance(value, list | tuple) else value


def printable_text(text: str) -> str:
    """Text of many lines: as `printable`, but line ends and tabs stay."""
    return UNSAFE_IN_TEXT.sub(_escaped, text.replace("\r\n", "\n"))


def json_line(value: Mapping[str, object], *, encoding: str = "utf-8") -> str:
    """An object as JSON on one line, whose strings hold unsafe characters as escapes of JSON; where `encoding` lacks a
    character of theirs, they hold ASCII alone.
    """
    line = json.dumps(value, ensure_ascii=False)
    try:
        line.encode(encoding, "surrogatepass")
    except UnicodeEncodeError:
        line = json.dumps(value)
    return UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], line)


def also_at(paths: Sequence[str]) -> str:
    """Where else a hit is, on one line: "also at copies/a.pdf, old/a.pdf and 12 more"; "" for no `paths`."""
    if not paths:
        return ""
    more = f" and {len(paths) - ALSO_SHOWN:,} more" if len(paths) > ALSO_SHOWN else ""
    return f"also at {', '.join(map(printable, paths[:ALSO_SHOWN]))}{more}"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
