"""Questions as a table: .csv (commas or semicolons) or .tsv, with the names of the columns in the first line."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ..questions import Questions
from . import lines, rows


def read(file: Path) -> Questions:
    """Read a .csv or .tsv file; its columns are the keys of `rows`. Raises UsageError with the line number."""
    return rows.merge(str(file), _rows(file))


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            delimiter = "\t" if file.suffix.lower() == ".tsv" else _delimiter(stream.readline())
            stream.seek(0)
            table = csv.DictReader(stream, strict=True, delimiter=delimiter)
            names = [rows.column_name(name) for name in table.fieldnames or ()]
            if repeated := [name for name in dict.fromkeys(names) if name and names.count(name) > 1]:
                raise UsageError(f"{file}:1: the header has the column '{repeated[0]}' twice")
            table.fieldnames = names
            if not set(names) & set(rows.QUERY):
                found = ", ".join(names) or "the file is empty"
                raise UsageError(f"{file}:1: no column 'query' in the header ({found})")
            for row in table:
                if row.get(None) or None in row.values():
                    raise UsageError(
                        f"{file}:{table.line_num}: this row does not have as many fields as the header ({len(names)})"
                    )
                if not any(value.strip() for value in row.values()):
                    continue  # spreadsheets write empty rows as separators alone
                yield f"{file}:{table.line_num}", row
    except csv.Error as err:
        raise UsageError(f"{file}:{table.line_num}: not CSV: {err}") from err
    except UnicodeDecodeError as err:
        deque(lines.numbered(file), maxlen=0)  # raises an error that names the line
        raise UsageError(f"{file}: not UTF-8; save it as UTF-8") from err
    except OSError as err:
        raise UsageError(f"{file}: cannot be read: {err.strerror or err}") from err


def _delimiter(header: str) -> str:
    """Semicolons are what spreadsheets write where the comma is the decimal mark."""
    return ";" if ";" in header and "," not in header else ","
