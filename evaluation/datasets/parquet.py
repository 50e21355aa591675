"""Reads tables of benchmarks from Parquet: columns by any of their usual names, ids as text, pictures as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ...engine.install import needs
from ..readers.rows import GRADE_MAX

ALIASES: Mapping[str, tuple[str, ...]] = {
    "query id": ("query-id", "query_id", "_id", "id", "qid"),
    "page id": ("corpus-id", "corpus_id", "_id", "id", "docid"),
    "grade": ("score", "relevance", "rel", "label"),
    "query": ("query", "text", "question"),
    "language": ("language", "lang"),
    "picture": ("image", "image_binary", "picture"),
    "page text": ("markdown", "text", "ocr_text"),
    "boxes": ("bounding_boxes",),
    "name of the picture": ("image_id", "file_name"),
    "file name": ("image_filename", "image_path"),
    "document": ("doc_name",),
    "passage": ("passage_id",),
    "domain": ("domain",),
    "query types": ("query_types",),
    "content type": ("content_type",),
}
"""What a column holds -> the names that datasets give it, first the ones that are never anything else."""
PICTURE_ROWS = 8
"""Rows that are in memory at a time where they hold pictures, of a few megabytes each."""
ROWS = 4096


@dataclass(frozen=True, slots=True)
class Table:
    """The Parquet `files` of one split of one configuration, in order; at least one."""

    files: tuple[Path, ...]

    @property
    def where(self) -> str:
        """The first file, for messages."""
        return str(self.files[0])

    def columns(self) -> tuple[str, ...]:
        """The names of the columns of the first file. Raises UsageError where it is not Parquet."""
        with _opened(self.files[0]) as table:
            return _names(table, self.files[0])

    def column(self, what: str) -> str | None:
        """The name of the column that holds `what`, a key of ALIASES; None where there is none."""
        names = self.columns()
        return next((name for name in ALIASES[what] if name in names), None)

    def required(self, what: str) -> str:
        """As `column`; raises UsageError where there is none."""
        found = self.column(what)
        if found is None:
            raise UsageError(
                f"{self.where}: no column for the {what} ({' or '.join(ALIASES[what])}); "
                f"the columns are {', '.join(self.columns())}"
            )
        return found

    def rows(self, columns: Sequence[str], *, batch_rows: int = ROWS) -> Iterator[tuple[int, dict[str, Any]]]:
        """Rows with the values of some columns, numbered from 1 through all files.

        In memory are at most one row group, of a hundred rows in what `datasets` writes, and `batch_rows` rows of it.
        """
        number = 0
        names = list(dict.fromkeys(columns))
        for file in self.files:
            with _opened(file) as table:
                missing = [name for name in columns if name not in _names(table, file)]
                if missing:
                    raise UsageError(f"{file}: no column {missing[0]}, which {self.files[0].name} has")
                try:
                    for batch in _batches(table, names, batch_rows):
                        for row in batch.to_pylist():
                            number += 1
                            yield number, row
                except (_arrow().ArrowException, OSError, ValueError, OverflowError) as err:  # no UTF-8, no date
                    raise UsageError(f"{file}: cannot be read: {_first_line(err)}") from err


def as_id(value: Any, where: str, what: str) -> str:
    """An id as text: datasets hold integers, text, and floats that are whole. Raises UsageError for any other value."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise UsageError(f"{where}: the {what} is {value!r}; ids are integers or text")
    text = str(value)
    if not text.isprintable() and any("\ud800" <= each <= "\udfff" for each in text):
        raise UsageError(f"{where}: the {what} is {value!r}, which is not valid Unicode")
    return text


def as_grade(value: Any, where: str) -> int:
    """A grade as an integer. Raises UsageError for what is no whole number, or above GRADE_MAX."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise UsageError(f"{where}: the grade is {value!r}; grades are whole numbers")
    if value > GRADE_MAX:
        raise UsageError(f"{where}: the grade is {value!r}; grades are at most {GRADE_MAX:,}")
    return int(value)


def as_text(value: Any, where: str, what: str) -> str:
    """Text, "" for null. Raises UsageError for any other value."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{where}: the {what} is {type(value).__name__}, not text")
    return value


def as_picture(value: Any, where: str) -> bytes:
    """The bytes of a picture: of a struct {bytes, path}, as `datasets` stores them, or plain. Raises UsageError."""
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes) or not content:
        held = f"only the name {value['path']}" if isinstance(value, dict) and value.get("path") else "nothing"
        raise UsageError(f"{where}: the picture is missing; the row has {held if content is None else 'an empty one'}")
    return content


def as_texts(value: Any) -> tuple[str, ...]:
    """The texts of a list, or of one value; () for null."""
    values = value if isinstance(value, list) else [value]
    return tuple(str(each) for each in values if each is not None and each != "")


def _batches(table: Any, columns: Sequence[str], batch_rows: int) -> Iterator[Any]:
    for group in range(table.num_row_groups):  # asked for all of them, pyarrow reads several ahead
        yield from table.iter_batches(batch_rows, row_groups=[group], columns=list(columns), use_threads=False)


def _opened(file: Path) -> Any:
    pa = _arrow()
    import pyarrow.parquet as parquet

    try:
        return parquet.ParquetFile(file, memory_map=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as err:
        raise UsageError(f"{file}: not a Parquet file: {_first_line(err)}") from err


def _names(table: Any, file: Path) -> tuple[str, ...]:
    """The names of the columns of an open file."""
    try:
        return tuple(table.schema_arrow.names)
    except (_arrow().ArrowException, UnicodeDecodeError) as err:
        raise UsageError(f"{file}: cannot be read: {_first_line(err)}") from err


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as err:
        raise UsageError(needs("benchmarks in Parquet need pyarrow", "datasets")) from err
    return pa


def _first_line(err: BaseException) -> str:
    return str(err).partition("\n")[0] or type(err).__name__
