"""What the commands share: the options that several of them take, and how a result is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

IndexDirectory = Annotated[
    Path,
    typer.Option(
        "--index",
        envvar="DOCSEARCH_INDEX",
        help="Folder of the index.",
        metavar="DIR",
    ),
]
Codec = Annotated[
    str | None,
    typer.Option(
        metavar="CODEC",
        help="How vectors are stored: float16, int8, int4, residual or binary; by default as they are, int8 in a new "
        "index.",
    ),
]


class Device(StrEnum):
    """Where something runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


ScoringDevice = Annotated[
    Device,
    typer.Option("--device", envvar="DOCSEARCH_DEVICE", help="Where pages are scored; auto: on a GPU if there is one."),
]
DEFAULT_INDEX = Path(".docsearch")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def print_json(value: Mapping[str, object]) -> None:
    """Print one object on one line of stdout."""
    print(json.dumps(value, ensure_ascii=False))


def note(text: str) -> None:
    """Say `text` on stderr, where it does not mix with results."""
    print(text, file=sys.stderr, flush=True)


def plural(count: int, noun: str) -> str:
    """Count things: "1 page", "2 pages", "1,200 pages"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def readable(text: str) -> str:
    """Text from the command line; bytes that are not UTF-8 are read as Windows-1252, what cannot be read as "�"."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
