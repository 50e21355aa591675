"""Questions as JSON lines: one object per line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...engine import json_text
from ...engine.errors import UsageError
from ...engine.json_text import NotJson
from ..questions import Questions
from . import lines, rows


def read(file: Path) -> Questions:
    """Read a .jsonl file; see `rows` for the objects. Raises UsageError with the line number."""
    return rows.merge(str(file), ((f"{file}:{number}", row) for number, row in objects(file)))


def objects(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a .jsonl file with their line numbers. Raises UsageError."""
    for number, line in lines.numbered(file):
        try:
            row = json_text.parse(line)
        except NotJson as err:
            raise UsageError(f"{file}:{number}: {err}") from err
        if not isinstance(row, dict):
            raise UsageError(f"{file}:{number}: not an object like {rows.EXAMPLE}")
        yield number, row
