"""Query files (.txt, .csv, .jsonl, .parquet) of `docsearch batch`, read one row at a time."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine import json_text
from ..engine.errors import UsageError
from ..engine.install import pyarrow
from ..engine.json_text import NotJson

QUERY_SUFFIXES = (".txt", ".csv", ".jsonl", ".parquet")
COMMENT = "#"
"""Begins a line of a .txt file that is no query."""
PARQUET_ROWS = 4096
"""Rows of a Parquet file that are in memory at a time."""
COLUMNS = ("query_id", "query", "path", "where", "mode", "k")
ANSWERS = frozenset(
    {"page", "pages", "score", "grade", "relevance", "rel", "label", "relevant", "boxes", "synthetic", "negatives"}
)
"""What question files have for `docsearch eval` and `docsearch train`: nobody expects it to change an answer."""
K_DIGITS_MAX = 9
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class QueryRow:
    """One row of a query file. `query_id` is the file's own, or the row number; `path` and `where` are filters as
    in `Query`. `mode` and `k` are the row's own, None where it is answered as the others are. `place` is the file and
    the line, and `unused` are columns that mean nothing to a batch.
    """

    query_id: str | int
    text: str
    path: str | None = None
    where: str | None = None
    mode: str | None = None
    k: int | None = None
    place: str = field(default="", compare=False)
    unused: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def asked(self) -> dict[str, str | int]:
        """What the row says beside its question: the filters and settings that it has."""
        said = {"path": self.path, "where": self.where, "mode": self.mode, "k": self.k}
        return {name: value for name, value in said.items() if value is not None}


def read_queries(file: Path) -> Iterator[QueryRow]:
    """Yield the queries of `file`, one at a time. Raises UsageError with the line number of an invalid row."""
    readers: dict[str, Callable[[Path], Iterator[QueryRow]]] = {
        ".txt": _read_txt,
        ".csv": _read_csv,
        ".jsonl": _read_jsonl,
        ".parquet": _read_parquet,
    }
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise UsageError(f"{file}: query files are {' '.join(QUERY_SUFFIXES)}, not '{file.suffix}'")
    if not file.exists():
        raise UsageError(f"{file}: no such file")
    if not file.is_file():
        raise UsageError(f"{file}: not a regular file; queries are read twice, so save them in one")
    try:
        yield from reader(file)
    except OSError as err:
        raise UsageError(f"{file}: cannot be read: {err.strerror or err}") from err


def _read_txt(file: Path) -> Iterator[QueryRow]:
    for number, line in _lines(file):
        text = line.strip()
        if text and not text.startswith(COMMENT):
            yield QueryRow(str(number), text)


def _read_csv(file: Path) -> Iterator[QueryRow]:
    last = 0

    def counted() -> Iterator[str]:
        nonlocal last
        for number, line in _lines(file):
            last = number
            if "\0" in line:
                raise UsageError(f"{file}:{number}: a NUL byte; this is not a text file")
            yield line

    rows = csv.DictReader(counted(), strict=True)
    try:
        names = [name.strip() for name in rows.fieldnames or ()]
        rows.fieldnames = names
        if "query" not in names:
            raise UsageError(f"{file}:1: no column 'query' in the header ({', '.join(names) or 'the file is empty'})")
        for number, row in enumerate(rows, start=1):
            if row.get(None) or None in row.values():
                raise UsageError(f"{file}:{last}: this row does not have as many fields as the header ({len(names)})")
            yield _row(row, number, f"{file}:{last}")
    except csv.Error as err:
        raise UsageError(f"{file}:{last}: not CSV: {err}") from err


def _read_jsonl(file: Path) -> Iterator[QueryRow]:
    for number, line in _lines(file):
        if not line.strip():
            continue
        try:
            row = json_text.parse(line)
        except NotJson as err:
            raise UsageError(f"{file}:{number}: {err}") from err
        if not isinstance(row, dict):
            raise UsageError(f'{file}:{number}: not an object like {{"query_id": "1", "query": "…"}}')
        yield _row(row, number, f"{file}:{number}")


def _read_parquet(file: Path) -> Iterator[QueryRow]:
    pa, parquet = pyarrow()
    try:
        with parquet.ParquetFile(file) as table:
            names = table.schema_arrow.names
            columns, others = [name for name in COLUMNS if name in names], _unused(names)
            if "query" not in columns:
                raise UsageError(f"{file}: no column 'query' ({', '.join(names)})")
            number = 0
            for batch in table.iter_batches(batch_size=PARQUET_ROWS, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield _row(row, number, f"{file}: row {number}", others)
    except pa.ArrowException as err:
        raise UsageError(f"{file}: not a Parquet file: {err}") from err


def _row(row: dict[str, Any], number: int, place: str, unused: frozenset[str] | None = None) -> QueryRow:
    """A row of a file; `unused` are its columns that mean nothing here, by default those that `row` has."""
    text, query_id = row.get("query"), row.get("query_id")
    if not isinstance(text, str):
        raise UsageError(f"{place}: 'query' is {'missing' if text is None else 'not text'}")
    if query_id is None or query_id == "":
        query_id = str(number)
    if isinstance(query_id, bool) or not isinstance(query_id, str | int):
        raise UsageError(f"{place}: 'query_id' is neither text nor an integer")
    path, where, mode = (_text(row, name, place) for name in ("path", "where", "mode"))
    others = _unused(row) if unused is None else unused
    return QueryRow(query_id, text, path, where, mode, _count(row.get("k"), place), place, others)


def _text(row: dict[str, Any], name: str, place: str) -> str | None:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{place}: '{name}' is not text")
    return value or None


def _count(value: object, place: str) -> int | None:
    """The column `k`. Tables with empty cells have its numbers as 5.0 and NaN."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    digits = value.strip().removesuffix(".0") if isinstance(value, str) else ""
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= K_DIGITS_MAX else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < 10**K_DIGITS_MAX:
        raise UsageError(f"{place}: 'k' is not a whole number from 1 on")
    return number


def _unused(columns: Collection[str]) -> frozenset[str]:
    return frozenset(columns) - ANSWERS - frozenset(COLUMNS)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line numbers and lines, which end with a line feed: U+2028 and the like are part of the text.

    UTF-16 if the file has a byte order mark, else UTF-8; invalid lines as Windows-1252.
    """
    with file.open("rb") as stream:
        start = stream.read(2)
        stream.seek(0)
        if encoding := BYTE_ORDER_MARKS.get(start):
            try:
                with io.TextIOWrapper(stream, encoding, newline="\n") as text:
                    yield from enumerate(text, start=1)
            except UnicodeDecodeError as err:
                raise UsageError(
                    f"{file}: begins with the byte order mark of UTF-16, but is not UTF-16; save it as UTF-8"
                ) from err
            return
        for number, raw in enumerate(stream, start=1):
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            try:
                yield number, line.decode("utf-8")
            except UnicodeDecodeError:
                yield number, line.decode("cp1252", "replace")
