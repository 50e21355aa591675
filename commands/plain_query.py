"""Reads the arguments of `docsearch query` without typer, whose import of pydantic takes as long as an answer.

Only arguments that mean the same in any parser are read here: options as the help spells them, with valid values. For
everything else, and for errors and help, `read` returns None, and typer reads the arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .query_arguments import QueryArguments

DEVICES = ("auto", "cpu", "cuda")
MODES = ("visual", "text", "hybrid", "semantic")
FORMATS = ("table", "json", "csv", "paths")
GLOB_CHARACTERS = frozenset("*?[~$%")
"""On Windows, typer expands arguments that have one of these."""
MAX_DIGITS = 9
INDEX_OPTION, INDEX_VARIABLE = "--index", "DOCSEARCH_INDEX"


class _OtherReader(Exception):
    """The arguments are not plain."""


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> QueryArguments | None:
    """The arguments (those after the program's name) of a plain `docsearch query`; None for anything else.

    >>> read(["query", "revenue", "-k", "3"], {}).k
    3
    >>> read(["query", "--help"], {}), read(["query", "revenue", "-k", "no"], {}), read(["info"], {})
    (None, None, None)
    """
    if not arguments or arguments[0] != "query" or any(name.endswith("_COMPLETE") for name in environment):
        return None
    if _has_several_indexes(arguments, environment):
        return None
    if os.name == "nt" and GLOB_CHARACTERS & set("".join(arguments)):
        return None
    try:
        return _read(arguments[1:], environment)
    except _OtherReader:
        return None


def _has_several_indexes(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    given = sum(argument.partition("=")[0] == INDEX_OPTION for argument in arguments)
    return given > 1 or (not given and os.pathsep in environment.get(INDEX_VARIABLE, ""))


def _read(arguments: Sequence[str], environment: Mapping[str, str]) -> QueryArguments:
    values: dict[str, object] = {}
    for variable, option in VARIABLES:
        if variable in environment:
            _set(values, option, environment[variable])
    words: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            words += waiting
        elif not argument.startswith("-") or argument == "-":
            words.append(argument)
        elif argument in FLAGS:
            name, is_set = FLAGS[argument]
            values[name] = is_set
        elif argument.startswith("--"):
            name, equals, value = argument.partition("=")
            _set(values, name, value if equals else next(waiting, ""))
        else:
            _set(values, argument[:2], argument[2:] or next(waiting, ""))
    return QueryArguments(words=tuple(words), **values)  # type: ignore[arg-type]


def _set(values: dict[str, object], option: str, text: str) -> None:
    """Store the value of an option. Raises _OtherReader for an unknown option, or a value that may not be one."""
    if option not in OPTIONS or not text or text.startswith("-"):
        raise _OtherReader
    name, convert = OPTIONS[option]
    values[name] = convert(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) >= 1):
        raise _OtherReader
    return int(text)


def _device(text: str) -> str:
    if text not in DEVICES:
        raise _OtherReader
    return text


def _mode(text: str) -> str:
    if text not in MODES:
        raise _OtherReader
    return text


def _format(text: str) -> str:
    if text not in FORMATS:
        raise _OtherReader
    return text


def _group_by(text: str) -> str:
    if text != "document":
        raise _OtherReader
    return text


OPTIONS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    INDEX_OPTION: ("index", Path),
    "-k": ("k", _count),
    "--candidates": ("candidates", _count),
    "--device": ("device", _device),
    "--path": ("path", str),
    "--server": ("server", str),
    "--mode": ("mode", _mode),
    "--format": ("output", _format),
    "--group-by": ("group_by", _group_by),
    "--where": ("where", str),
}
"""The options that take a value: the field of QueryArguments, and what makes its value. Images are left to typer."""
VARIABLES = ((INDEX_VARIABLE, INDEX_OPTION), ("DOCSEARCH_DEVICE", "--device"), ("DOCSEARCH_SERVER", "--server"))
FLAGS: Mapping[str, tuple[str, bool]] = {
    "--exact": ("exact", True),
    "--json": ("as_json", True),
    "--all-copies": ("all_copies", True),
    "--explain": ("explain", True),
    "--snippets": ("snippets", True),
    "--no-snippets": ("snippets", False),
}
