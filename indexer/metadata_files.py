"""Reads what users say of documents: from a table (CSV, JSON lines, Parquet), or a JSON file beside a document."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast, get_args

from ..engine import json_text
from ..engine.errors import UsageError
from ..engine.install import needs
from ..engine.json_text import NotJson
from ..engine.store.column_values import ColumnType, Value, date_span
from ..engine.store.columns import OWN_COLUMNS, SPOKEN
from ..engine.store.statements import storable_text

PATH = "path"
SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet")
SIDECAR_SUFFIX = ".json"
SIDECAR_MAX_BYTES = 1 << 20
VALUE_MAX_CHARS = 10_000
NAME_MAX_CHARS = 100
NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?")
"""Text that is a number: not with leading zeros, which codes have."""
LIST_BREAK = re.compile(r"\s*;\s*")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row says of the documents that a `pattern` matches: their path, file name, or a glob for these.

    `where` is the file and the line; `values` are by the columns' names.
    """

    pattern: str
    where: str
    values: Mapping[str, Value]


@dataclass(slots=True)
class Table:
    """The rows of a table, and the type that its header gives some of its columns."""

    entries: list[Entry] = field(default_factory=list)
    declared: dict[str, ColumnType] = field(default_factory=dict)
    texts_are_typed: bool = True
    """Whether texts may stand for numbers, as in CSV, where everything is text."""


def read_table(file: Path) -> Table:
    """Read a table whose column "path" says of which documents a row is. Raises UsageError, with file and line."""
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{file}: metadata is a file that ends in {', '.join(SUFFIXES)}")
    try:
        if suffix == ".csv":
            return _read_csv(file)
        rows = _parquet_rows(file) if suffix == ".parquet" else _json_rows(file)
        table = Table(texts_are_typed=False)
        for where, row in rows:
            pattern = row.pop(PATH, None)
            if not isinstance(pattern, str) or not pattern.strip():
                raise UsageError(f"{where}: '{PATH}' is missing or not text; it says of which documents the row is")
            table.entries.append(Entry(pattern.strip(), where, _values(row, where)))
        return table
    except OSError as err:
        raise UsageError(f"{file}: the metadata cannot be read: {err.strerror or err}") from err
    except UnicodeDecodeError as err:
        raise UsageError(f"{file}: the metadata is not UTF-8 (byte {err.start:,}); save it as UTF-8") from err


def read_sidecar(document: Path, path: str) -> Entry | None:
    """Read what a JSON file beside a document says of it, such as a.pdf.json; None where there is none.

    `path` is the document's in the index. Raises UsageError, with file and line.
    """
    name = os.fspath(document) + SIDECAR_SUFFIX
    if not os.path.isfile(name):  # noqa: PTH113 - asked of every document; a Path takes five times as long
        return None
    file = Path(name)
    try:
        if file.stat().st_size > SIDECAR_MAX_BYTES:
            raise UsageError(f"{file}: not read as metadata: larger than {SIDECAR_MAX_BYTES:,} bytes")
        row = _json(file.read_text("utf-8-sig"), str(file), 1)
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"{file}: not read as metadata: {err}") from err
    if not isinstance(row, dict):
        raise UsageError(f'{file}:1: metadata is a JSON object, such as {{"author": "Kim"}}')
    return Entry(path, f"{file}:1", _values({k: v for k, v in row.items() if k != PATH}, f"{file}:1"))


def column_name(text: str, where: str) -> str:
    """The name of a column in lower case. Raises UsageError for one that cannot be, or is docsearch's own."""
    name = " ".join(storable_text(text).lower().split())
    if not name or len(name) > NAME_MAX_CHARS or not name.isprintable():
        raise UsageError(f"{where}: {text[:NAME_MAX_CHARS]!r} cannot be the name of a column")
    if name in OWN_COLUMNS and name not in SPOKEN:
        raise UsageError(f"{where}: the column {name!r} is filled by docsearch itself; choose another name")
    return name


def is_date(text: str) -> bool:
    """Whether a text is a date in ISO 8601."""
    try:
        date_span(text)
    except ValueError:
        return False
    return True


def _read_csv(file: Path) -> Table:
    table = Table()
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise UsageError(f"{file}:1: the file is empty; its first line names the columns, '{PATH}' among them")
            names = _header(header, f"{file}:1", table)
            for row in reader:
                where = f"{file}:{reader.line_num}"
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(names):
                    raise UsageError(f"{where}: {len(row)} values, but the first line names {len(names)} columns")
                cells = dict(zip(names, (cell.strip() for cell in row), strict=True))
                pattern = cells.pop(PATH)
                if not pattern:
                    raise UsageError(f"{where}: '{PATH}' is empty; it says of which documents the row is")
                table.entries.append(Entry(pattern, where, _cells(cells, table, where)))
        except csv.Error as err:
            raise UsageError(f"{file}:{reader.line_num}: not CSV: {err}") from err
    return table


def _header(header: Sequence[str], where: str, table: Table) -> list[str]:
    """The names of the columns; a type after a colon is noted in `table`."""
    names = []
    for cell in header:
        text, colon, kind = cell.strip().rpartition(":")
        if not colon or kind.lower() not in get_args(ColumnType):
            text, kind = cell.strip(), ""
        name = PATH if text.lower() == PATH else column_name(text, where)
        if name in names:
            raise UsageError(f"{where}: the column {name!r} is there twice")
        names.append(name)
        if kind:
            table.declared[name] = cast("ColumnType", kind.lower())
    if PATH not in names:
        raise UsageError(f"{where}: no column '{PATH}', which says of which documents a row is")
    return names


def _cells(cells: Mapping[str, str], table: Table, where: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, cell in cells.items():
        is_list = table.declared.get(name, OWN_COLUMNS.get(name)) == "list"
        value = tuple(filter(None, LIST_BREAK.split(cell))) if is_list else cell
        if value:
            found[name] = _checked(value, name, where)
    return found


def _json_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig", newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                row = _json(line, str(file), number)
                if not isinstance(row, dict):
                    raise UsageError(f'{file}:{number}: a row is a JSON object, such as {{"path": "a.pdf", …}}')
                yield f"{file}:{number}", row


def _json(text: str, file: str, first_line: int) -> object:
    try:
        return json_text.parse(text)
    except NotJson as err:
        raise UsageError(f"{file}:{first_line + err.line - 1}: {err}") from err


def _parquet_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError as err:
        raise UsageError(needs("Parquet files need pyarrow", "parquet")) from err
    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield f"{file}: row {number}", row
    except pa.ArrowInvalid as err:
        raise UsageError(f"{file}: not a Parquet file: {err}") from err


def _values(row: Mapping[str, Any], where: str) -> dict[str, Value]:
    """The values of a row that has types of its own; null and empty ones are left out."""
    found: dict[str, Value] = {}
    for key, value in row.items():
        name = column_name(str(key), where)
        if isinstance(value, datetime | date):
            value = value.isoformat()
        if isinstance(value, list | tuple):
            if not all(isinstance(item, str) for item in value):
                raise UsageError(f"{where}: {name!r} is a list of something other than texts")
            value = tuple(item.strip() for item in value if item.strip())
        if value is None or value in ("", ()):
            continue
        if not isinstance(value, str | int | float | bool | tuple):
            raise UsageError(f"{where}: {name!r} is neither text, a number, true, false nor a list of texts")
        if name in found:
            raise UsageError(f"{where}: the column {name!r} is there twice")
        found[name] = _checked(value, name, where)
    return found


def _checked(value: Value, name: str, where: str) -> Value:
    if isinstance(value, tuple):
        return tuple(str(_checked(item, name, where)) for item in value)
    if isinstance(value, str):
        if len(value) > VALUE_MAX_CHARS:
            raise UsageError(f"{where}: {name!r} has {len(value):,} characters; the limit is {VALUE_MAX_CHARS:,}")
        return storable_text(value)
    if not isinstance(value, bool) and not abs(float(value)) < float("inf"):
        raise UsageError(f"{where}: {name!r} is not a finite number")
    return value
