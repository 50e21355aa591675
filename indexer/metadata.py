"""What users say of their documents, as columns of the index: types, the documents that rows match, and changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..engine.errors import UsageError
from ..engine.store import IndexWriter
from ..engine.store.column_values import ColumnType, Value
from ..engine.store.columns import OWN_COLUMNS
from ..engine.where.paths import DocumentNames
from . import source_folders
from .discover import Document
from .metadata_files import NUMBER, Entry, Table, is_date, read_sidecar, read_table
from .metadata_report import MetadataReport

FILE_SETTING = "metadata_file"
"""The setting of an index with the absolute path of the table that was read last."""
FLAGS = {"true": True, "false": False}
SHOWN = 3


class Metadata:
    """The table in `file`, if any, and what lies beside documents. Raises UsageError for a table that is wrong."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._table = Table() if file is None else read_table(file)
        self._types, self._values = typed(self._table)

    def record(
        self, writer: IndexWriter, documents: Iterable[Document], roots: Sequence[Path]
    ) -> MetadataReport | None:
        """Give the documents of the index their columns, in the place of those recorded: nothing is embedded again.

        A JSON file beside a document counts before the table. Documents are where this run found them, as `documents`
        says, or below one of `roots`; one that is nowhere now keeps what was recorded, where the table does not say
        other things. None where users say nothing.
        """
        paths = writer.document_keys()
        keys = {path: key for key, path in paths.items()}
        sidecars, missing, unread = _sidecars(paths.values(), {each.path: each.file for each in documents}, roots)
        types, values, conflicts = _typed_beside(sidecars, self._types)
        found = _kept(writer, [keys[path] for path in missing], types)
        problems = self._match(DocumentNames(paths), found) if self._table.entries else []
        for entry, its in zip(sidecars, values, strict=True):
            found.setdefault(keys[entry.pattern], {}).update(its)
        changed = writer.record_metadata(found, types)
        if (writer.setting(FILE_SETTING) or "") != (setting := "" if self.file is None else str(self.file.resolve())):
            writer.write_setting(FILE_SETTING, setting)
        problems = [*problems, *unread, *conflicts]
        says_nothing = not (types or changed or problems or self.file)
        return None if says_nothing else MetadataReport(dict(types), changed, tuple(problems))

    def of_found(self, documents: Sequence[Document]) -> tuple[dict[str, ColumnType], list[dict[str, Value]]]:
        """The types of users' columns and what users say of documents that were found, in their order.

        As `record`, before the documents are in an index.
        """
        sidecars, _, _ = _sidecars([each.path for each in documents], {each.path: each.file for each in documents}, ())
        types, values, _ = _typed_beside(sidecars, self._types)
        keys = {each.path: key for key, each in enumerate(documents)}
        found: dict[int, dict[str, Value]] = {}
        if self._table.entries:
            self._match(DocumentNames({key: path for path, key in keys.items()}), found)
        for entry, its in zip(sidecars, values, strict=True):
            found.setdefault(keys[entry.pattern], {}).update(its)
        return types, [found.get(key, {}) for key in range(len(documents))]

    def _match(self, names: DocumentNames, found: dict[int, dict[str, Value]]) -> list[str]:
        """Add the values of the rows to the documents that they match; later rows count before earlier ones."""
        unmatched = []
        for entry, its in zip(self._table.entries, self._values, strict=True):
            matched = names.matching(entry.pattern)
            if not matched:
                unmatched.append(entry)
            for key in matched:
                found.setdefault(key, {}).update(its)
        if not unmatched:
            return []
        shown = ", ".join(f"{entry.where} ({entry.pattern})" for entry in unmatched[:SHOWN])
        more = f" and {len(unmatched) - SHOWN:,} more" if len(unmatched) > SHOWN else ""
        return [f"no document in the index matches {shown}{more}"]


class RecordsMetadata(Protocol):
    """An open index, to read or to write, as far as it has recorded what users say of its documents."""

    def setting(self, name: str) -> str | None:
        """A setting of the index, or None."""

    def document_keys(self) -> dict[int, str]:
        """The path of each document by its key."""

    def metadata(self) -> tuple[dict[str, ColumnType], dict[int, dict[str, Value]]]:
        """The types of the columns that users gave, and their values by the documents' keys."""


class RecordedMetadata:
    """What an index has recorded of its documents, for conditions while the table that said it is away."""

    def __init__(self, index: RecordsMetadata) -> None:
        self._types, values = index.metadata()
        self._values = {path: values.get(key, {}) for key, path in index.document_keys().items()}

    def of_found(self, documents: Sequence[Document]) -> tuple[dict[str, ColumnType], list[dict[str, Value]]]:
        """As `Metadata.of_found`; a JSON file beside a document counts before what is recorded."""
        sidecars, _, _ = _sidecars([each.path for each in documents], {each.path: each.file for each in documents}, ())
        types, rows, _ = _typed_beside(sidecars, self._types)
        beside = {entry.pattern: row for entry, row in zip(sidecars, rows, strict=True)}
        return types, [{**self._values.get(each.path, {}), **beside.get(each.path, {})} for each in documents]

    def knows(self, path: str) -> bool:
        """Whether the index has the document at `path`: of others, only the missing table could say something."""
        return path in self._values


def remembered(index: RecordsMetadata, *, forget: bool) -> Metadata | MetadataReport:
    """The table that an index remembers, none with `forget`.

    Where its file is gone, what is recorded stays, and a report says so. Raises UsageError for a table that is wrong
    now.
    """
    file = "" if forget else index.setting(FILE_SETTING)
    if not file:
        return Metadata(None)
    if Path(file).is_file():
        return Metadata(Path(file))
    gone = f"the table {file} is gone; its columns stay as they were until it is back or --no-metadata forgets them"
    return MetadataReport({}, 0, (gone,))


def typed(table: Table) -> tuple[dict[str, ColumnType], list[dict[str, Value]]]:
    """The types of a table's columns, without docsearch's own, and the values of its rows in these types.

    A column of a CSV file is a number, a date, a flag or a list if all its values are, or its header says so. Raises
    UsageError, with file and line, for a value that is not what the header or the lines above say.
    """
    columns: dict[str, list[tuple[Value, str]]] = {}
    for entry in table.entries:
        for name, value in entry.values.items():
            columns.setdefault(name, []).append((value, entry.where))
    types: dict[str, ColumnType] = {}
    for name, values in columns.items():
        fixed = OWN_COLUMNS.get(name) or table.declared.get(name)
        types[name] = fixed or _type_of(name, values, texts_are_typed=table.texts_are_typed)
    rows = [
        {name: _converted(value, types[name], name, entry.where) for name, value in entry.values.items()}
        for entry in table.entries
    ]
    return {name: kind for name, kind in types.items() if name not in OWN_COLUMNS}, rows


def _type_of(name: str, values: Sequence[tuple[Value, str]], *, texts_are_typed: bool) -> ColumnType:
    first, first_where = _own_type(values[0][0]), values[0][1]
    for value, where in values[1:]:
        if _own_type(value) != first:
            raise UsageError(f"{where}: {name!r} is {_own_type(value)}, but {first} in {first_where}")
    if first != "text":
        return first
    texts = [str(value) for value, _ in values]
    if texts_are_typed and all(map(NUMBER.fullmatch, texts)):
        return "number"
    if texts_are_typed and all(text.lower() in FLAGS for text in texts):
        return "flag"
    return "date" if all(map(is_date, texts)) else "text"


def _own_type(value: Value) -> ColumnType:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, tuple) else "number"


def _converted(value: Value, kind: ColumnType, name: str, where: str) -> Value:
    """A value in the type of its column. Raises UsageError where it is of another one."""
    if kind == "list":
        return value if isinstance(value, tuple) else (str(value),)
    if kind == "text" and not isinstance(value, tuple):
        return str(value)
    is_number = NUMBER.fullmatch(value) if isinstance(value, str) else not isinstance(value, bool | tuple)
    if kind == "number" and is_number and not isinstance(value, tuple):
        return float(value)
    if kind == "flag" and str(value).lower() in FLAGS:
        return FLAGS[str(value).lower()]
    if kind == "date" and isinstance(value, str) and is_date(value):
        return value
    raise UsageError(f"{where}: {name!r} is a {kind}, not {value!r}")


def _sidecars(
    paths: Iterable[str], files: Mapping[str, Path], roots: Sequence[Path]
) -> tuple[list[Entry], list[str], list[str]]:
    """What the JSON files beside documents say, the paths of documents that are nowhere, and why some of these files
    were not read.
    """
    found: list[Entry] = []
    missing: list[str] = []
    unread: list[str] = []
    for path in paths:
        try:
            file = files.get(path) or source_folders.locate(path, roots)
        except UsageError:
            missing.append(path)
            continue
        try:
            entry = read_sidecar(file, path)
        except UsageError as err:
            unread.append(str(err))
        else:
            if entry is not None:
                found.append(entry)
    return found, missing, unread


def _kept(writer: IndexWriter, keys: Sequence[int], types: dict[str, ColumnType]) -> dict[int, dict[str, Value]]:
    """What is recorded of some documents. Adds the types of its columns to `types`; a value whose column has another
    type now is left out.
    """
    recorded_types, recorded = writer.metadata()
    found: dict[int, dict[str, Value]] = {}
    for key in keys:
        for name, value in recorded.get(key, {}).items():
            kind = OWN_COLUMNS.get(name) or recorded_types[name]
            if name in OWN_COLUMNS or types.setdefault(name, kind) == kind:
                found.setdefault(key, {})[name] = value
    return found


def _typed_beside(
    entries: Sequence[Entry], known: Mapping[str, ColumnType]
) -> tuple[dict[str, ColumnType], list[dict[str, Value]], list[str]]:
    """The types of all columns where those of a table are `known`, and the values that the files beside documents
    give; a value of another type is left out, and told.
    """
    types, rows, problems = dict(known), [], []
    dates: dict[str, bool] = {}
    for entry in entries:
        for name, value in entry.values.items():
            dates[name] = dates.get(name, True) and isinstance(value, str) and is_date(value)
    for entry in entries:
        row: dict[str, Value] = {}
        for name, value in entry.values.items():
            own = "date" if dates[name] else _own_type(value)
            kind = OWN_COLUMNS.get(name) or types.setdefault(name, own)
            try:
                row[name] = _converted(value, kind, name, entry.where)
            except UsageError as err:
                problems.append(str(err))
        rows.append(row)
    return types, rows, problems
