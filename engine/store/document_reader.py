"""What an index tells of its documents, besides their pages."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from . import catalog, os_errors, page_ocr, statements
from .catalog import DocumentRow, Failure
from .column_values import ColumnType, Value
from .columns import ColumnsTable, recorded_producers
from .unread import UnreadTable


class DocumentReader(ABC):
    """The part of a `Snapshot` that reads documents."""

    _directory: Path
    _connection_lock: AbstractContextManager[object]

    @property
    @abstractmethod
    def _connection(self) -> sqlite3.Connection:
        """The catalog. Raises UsageError where it was closed."""

    @abstractmethod
    def _query(self, statement: str, *values: int | float | str) -> list[Any]:
        """The rows of a statement on the catalog."""

    def documents(self, first: int = 0, count: int = -1) -> dict[str, DocumentRow]:
        """Every document by its path, in path order; or `count` of them after the `first` ones."""
        with self._connection_lock, os_errors.translated(self._directory):
            return catalog.read_documents(self._connection, first, count)

    def document_count(self) -> int:
        """The number of documents, without reading them."""
        return int(self._query("SELECT count(*) FROM documents")[0][0])

    def documents_of_content(self, sha256: str) -> list[DocumentRow]:
        """The complete documents with this content, in path order. Does not read the others."""
        with self._connection_lock, os_errors.translated(self._directory):
            return statements.find_documents_of_content(self._connection, sha256)

    def document(self, *, path: str = "", doc_id: str = "") -> DocumentRow | None:
        """One document by its path or by its id; None if there is none. Does not read the others."""
        with self._connection_lock, os_errors.translated(self._directory):
            found = statements.find_document(self._connection, path=path, doc_id=doc_id)
        return None if found is None else found[1]

    def failures(self, path: str | None = None) -> list[Failure]:
        """What could not be indexed, or that of one document; by path and page, a document before its pages."""
        with self._connection_lock, os_errors.translated(self._directory):
            return statements.read_failures(self._connection, path)

    def setting(self, name: str) -> str | None:
        """A setting of the index, or None."""
        with self._connection_lock, os_errors.translated(self._directory):
            return catalog.find_meta(self._connection, name)

    def documents_for_ocr(self, reader: str, *, failed: bool = False) -> set[str]:
        """The paths of complete documents that OCR would read a page of; see `page_ocr.documents_to_read`."""
        with self._connection_lock, os_errors.translated(self._directory):
            return page_ocr.documents_to_read(self._connection, reader, failed=failed)

    def producers(self) -> dict[str, str]:
        """The program that laid out each document that has no pages of its own, by the document's path."""
        with self._connection_lock, os_errors.translated(self._directory):
            return recorded_producers(self._connection)

    def producer(self, path: str) -> str:
        """The program that laid out the document with this path, "" where that is not recorded."""
        with self._connection_lock, os_errors.translated(self._directory):
            return recorded_producers(self._connection, path).get(path, "")

    def document_keys(self) -> dict[int, str]:
        """The path of each document by its key."""
        return dict(self._query("SELECT key, path FROM documents"))

    def metadata(self) -> tuple[dict[str, ColumnType], dict[int, dict[str, Value]]]:
        """The types of the columns that users gave, and their values by the documents' keys."""
        table = self.columns
        return table.user_types(), table.stored(table.types(), origin="user")

    @property
    def unread(self) -> UnreadTable:
        """What was not read of the documents."""
        return UnreadTable(self._query)

    @property
    def columns(self) -> ColumnsTable:
        """The columns of the documents: titles, authors and so on, and those that users gave."""
        return ColumnsTable(self._query)

    @property
    def column_tables(self) -> list[tuple[int, ColumnsTable]]:
        """The columns of each index that is read, with what its documents' keys are raised by."""
        return [(0, self.columns)]
