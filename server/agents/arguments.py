"""Says in a sentence what is wrong with the arguments of a call, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from ...engine.printable import printable

NAME_MAX_CHARS = 40
TYPES = {"string": "a text", "boolean": "true or false", "array": "a list", "number": "a number", "object": "an object"}


def check_names(tool: str, known: Sequence[str], arguments: Mapping[str, object]) -> None:
    """Raise ToolError for arguments that are not among the known ones."""
    for name in arguments:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            shown = printable(name)[:NAME_MAX_CHARS]
            raise ToolError(f"{tool} has no argument {shown!r}{hint}; its arguments are {', '.join(known)}")


def explained(tool: str, properties: Mapping[str, Any], error: ValidationError) -> str:
    """What is wrong with the arguments of a call; `properties` are the JSON schemas of the tool's arguments."""
    said: dict[str, str] = {}
    for each in error.errors(include_url=False, include_context=False):
        first, *inner = each["loc"]
        name = ".".join(map(str, (first, *inner)))
        schema = properties.get(str(first), {})
        if each["type"] == "missing":
            said.setdefault(name, f"{name} is missing")
        elif inner and not _is_choice(inner):
            said.setdefault(name, f"{name}: {each['msg'][:1].lower()}{each['msg'][1:]}")
        else:
            found = printable(repr(each["input"]))[:NAME_MAX_CHARS]
            said.setdefault(str(first), f"{first} is {_allowed(schema)}, not {found}")
    return f"{tool}: {'; '.join(said.values())}"


def _is_choice(inner: Sequence[int | str]) -> bool:
    """Whether the place of an error is one of several types that an argument may have, such as ("int",)."""
    return len(inner) == 1 and isinstance(inner[0], str)


def _allowed(schema: Mapping[str, Any]) -> str:
    """What a JSON schema allows, in words.

    >>> _allowed({"type": "integer", "minimum": 1, "maximum": 50})
    'a whole number from 1 to 50'
    """
    if choices := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(_allowed(each) for each in choices if each.get("type") != "null"))
    if "enum" in schema:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    kind = str(schema.get("type", ""))
    if kind != "integer":
        return TYPES.get(kind, "of another type")
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"a whole number from {least} to {most}"
    return "a whole number" if least is None else f"a whole number from {least}"
