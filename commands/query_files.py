"""Query files (.txt, .csv, .jsonl, .parquet) and answer files (.jsonl, .parquet, .trec) of `docsearch batch`."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from ..engine.errors import UsageError
from ..engine.install import needs

if TYPE_CHECKING:
    from ..engine.records import Hit

QUERY_SUFFIXES = (".txt", ".csv", ".jsonl", ".parquet")
ANSWER_SUFFIXES = (".jsonl", ".parquet", ".trec")
HIT_KEYS = ("path", "page", "score", "doc_id")
PARQUET_ROWS = 4096
"""Rows of a Parquet file that are in memory at a time."""
RUN_TAG = "docsearch"
"""The system's name in a TREC run, its last column."""
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class QueryRow:
    """One row of a query file. `query_id` is the file's own, or the row number; `path` is a filter as in `Query`."""

    query_id: str | int
    text: str
    path: str | None = None


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
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    try:
        yield from reader(file)
    except OSError as err:
        raise UsageError(f"{file}: cannot be read: {err.strerror or err}") from err


def _read_txt(file: Path) -> Iterator[QueryRow]:
    for number, line in _lines(file):
        if text := line.strip():
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
            row = json.loads(line)
        except json.JSONDecodeError as err:
            raise UsageError(f"{file}:{number}: not JSON: {err.msg} at character {err.pos + 1}") from err
        if not isinstance(row, dict):
            raise UsageError(f'{file}:{number}: not an object like {{"query_id": "1", "query": "…"}}')
        yield _row(row, number, f"{file}:{number}")


def _read_parquet(file: Path) -> Iterator[QueryRow]:
    pa, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(file) as table:
            columns = [name for name in ("query_id", "query", "path") if name in table.schema_arrow.names]
            if "query" not in columns:
                raise UsageError(f"{file}: no column 'query' ({', '.join(table.schema_arrow.names)})")
            number = 0
            for batch in table.iter_batches(batch_size=PARQUET_ROWS, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield _row(row, number, f"{file}: row {number}")
    except pa.ArrowException as err:
        raise UsageError(f"{file}: not a Parquet file: {err}") from err


def _row(row: dict[str, Any], number: int, where: str) -> QueryRow:
    text, query_id, path = row.get("query"), row.get("query_id"), row.get("path")
    if not isinstance(text, str):
        raise UsageError(f"{where}: 'query' is {'missing' if text is None else 'not text'}")
    if query_id is None or query_id == "":
        query_id = str(number)
    if isinstance(query_id, bool) or not isinstance(query_id, str | int):
        raise UsageError(f"{where}: 'query_id' is neither text nor an integer")
    if path is not None and not isinstance(path, str):
        raise UsageError(f"{where}: 'path' is not text")
    return QueryRow(query_id, text, path or None)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line numbers and lines: UTF-16 if it has a byte order mark, else UTF-8; invalid lines as Windows-1252."""
    with file.open("rb") as stream:
        start = stream.read(2)
        stream.seek(0)
        if encoding := BYTE_ORDER_MARKS.get(start):
            try:
                yield from enumerate(stream.read().decode(encoding).splitlines(keepends=True), start=1)
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


class AnswerFile:
    """An answer file, open for writing; a context manager.

    Answers are appended one at a time, so that a killed run can be resumed. A Parquet file cannot be appended to: its
    answers are collected as JSON lines in `<file>.partial`, and converted at the end.
    """

    def __init__(self, file: Path, *, resume: bool) -> None:
        self._file = file
        self._suffix = file.suffix.lower()
        if self._suffix not in ANSWER_SUFFIXES:
            raise UsageError(f"{file}: answer files are {' '.join(ANSWER_SUFFIXES)}, not '{file.suffix}'")
        if self._suffix == ".parquet":
            _pyarrow()
        self._lines = file.with_name(file.name + ".partial") if self._suffix == ".parquet" else file
        try:
            self.answered = self._truncate_to_complete() if resume and self._lines.exists() else []
            self._stream: IO[bytes] = self._lines.open("ab" if resume else "wb")
        except OSError as err:
            raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err

    def __enter__(self) -> AnswerFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stream.close()
        if kind is None and self._suffix == ".parquet":
            _write_parquet(self._lines, self._file)
            self._lines.unlink()

    def write(self, row: QueryRow, hits: list[Hit]) -> None:
        """Append the answer to one query."""
        if self._suffix == ".trec":
            lines = "".join(_trec_line(row, hit) for hit in hits)
        else:
            lines = json.dumps(_answer(row, hits), ensure_ascii=False) + "\n"
        self._stream.write(lines.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Pass buffered answers to the operating system, so that a killed process does not lose them."""
        self._stream.flush()

    def _truncate_to_complete(self) -> list[str]:
        """Cut off a half-written answer of a killed run; return the ids of the complete ones, in order."""
        ids: list[tuple[str, int]] = []  # id and offset of its line
        end = 0
        with self._lines.open("rb") as stream:
            for line in stream:
                query_id = self._id_of(line)
                if query_id is None:
                    break
                ids.append((query_id, end))
                end += len(line)
        if self._suffix == ".trec" and ids:
            # Some lines of the last query may be missing: it is answered again.
            last = ids[-1][0]
            while ids and ids[-1][0] == last:
                end = ids.pop()[1]
        os.truncate(self._lines, end)
        if self._suffix == ".trec":
            return [query_id for query_id, _ in groupby(query_id for query_id, _ in ids)]
        return [query_id for query_id, _ in ids]

    def _id_of(self, line: bytes) -> str | None:
        """The query id of a complete line; None for a line that was cut off."""
        if not line.endswith(b"\n"):
            return None
        if self._suffix == ".trec":
            fields = line.split()
            return fields[0].decode("utf-8", "replace") if len(fields) == 6 else None
        try:
            answer = json.loads(line)
            return str(answer["query_id"])
        except (ValueError, KeyError, TypeError):
            return None

    def id_in_file(self, row: QueryRow) -> str:
        """The id of `row` as this file format writes it."""
        return _trec_field(str(row.query_id)) if self._suffix == ".trec" else str(row.query_id)

    @property
    def omits_empty(self) -> bool:
        """Whether a query without hits leaves no line, as in TREC runs."""
        return self._suffix == ".trec"


def unanswered(rows: Iterator[QueryRow], answers: AnswerFile) -> Iterator[QueryRow]:
    """Yield the rows that `answers` lacks. Raises UsageError if it has answers to other queries than these."""
    answered = iter(answers.answered)
    expected = next(answered, None)
    for row in rows:
        if expected is None:
            yield row
        elif answers.id_in_file(row) == expected:
            expected = next(answered, None)
        elif not answers.omits_empty:
            break
    if expected is not None:
        raise UsageError(
            f"--resume: the output has an answer to '{expected}', which the queries do not have at that place; it is "
            "from another run. Omit --resume to start again, or choose another -o"
        )


def _answer(row: QueryRow, hits: list[Hit]) -> dict[str, object]:
    return {
        "query_id": row.query_id,
        "query": row.text,
        "hits": [{key: fields[key] for key in HIT_KEYS} for fields in (hit.as_dict() for hit in hits)],
    }


def _trec_line(row: QueryRow, hit: Hit) -> str:
    page = f"{_trec_field(hit.ref.path)}#{hit.ref.page}"
    return f"{_trec_field(str(row.query_id))} Q0 {page} {hit.rank} {hit.score:.6f} {RUN_TAG}\n"


def _trec_field(text: str) -> str:
    """Text as one field of a TREC line: white space and "%" are percent-encoded."""
    return re.sub(r"[\s%]", lambda match: quote(match[0]), text)


def _write_parquet(lines: Path, file: Path) -> None:
    from ..engine.store.durable import atomic_file

    pa, parquet = _pyarrow()
    types = (pa.string(), pa.int32(), pa.float32(), pa.string())
    hits = pa.list_(pa.struct(list(zip(HIT_KEYS, types, strict=True))))
    schema = pa.schema([("query_id", pa.string()), ("query", pa.string()), ("hits", hits)])
    with (
        lines.open(encoding="utf-8") as stream,
        atomic_file(file) as temporary,
        parquet.ParquetWriter(temporary, schema) as writer,
    ):
        rows: list[dict[str, object]] = []
        for line in stream:
            answer = json.loads(line)
            rows.append({**answer, "query_id": str(answer["query_id"])})
            if len(rows) == PARQUET_ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()
        writer.write_table(pa.Table.from_pylist(rows, schema))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError as err:
        raise UsageError(needs("Parquet files need pyarrow", "parquet")) from err
    return pa, parquet
