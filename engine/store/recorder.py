"""What an index records beside its pages: settings, columns that users give documents, the files documents were in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from . import attached, catalog, columns, document_files, page_ocr, statements
from .catalog import DocumentRow
from .column_values import ColumnType, Value
from .transaction import Transaction
from .unread import UnreadContent


class Recorder:
    """The part of an `IndexWriter` that records what is not a page; see there for when a change becomes visible."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def metadata(self) -> tuple[dict[str, ColumnType], dict[int, dict[str, Value]]]:
        """The types of the columns that users gave, and their values by the documents' keys."""
        with self._transaction.reading() as connection:
            table = columns.ColumnsTable(lambda statement, *values: connection.execute(statement, values).fetchall())
            return table.user_types(), table.stored(table.types(), origin="user")

    def properties(self, path: str) -> dict[str, Value]:
        """What the file of a document says of it, as `IndexWriter.record_properties` takes it; empty for none."""
        with self._transaction.reading() as connection:
            if (found := statements.find_document(connection, path=path)) is None:
                return {}
            table = columns.ColumnsTable(lambda statement, *values: connection.execute(statement, values).fetchall())
            return table.stored(columns.OWN_COLUMNS, document=found[0], origin="file").get(found[0], {})

    def record_metadata(self, found: Mapping[int, Mapping[str, Value]], types: Mapping[str, ColumnType]) -> int:
        """Record the columns that users give documents, by the documents' keys, in the place of all recorded ones.

        `types` are those of all the columns that are not docsearch's own. Returns how many documents changed.
        """
        with self._transaction.changing() as connection:
            changed = columns.changed_by(connection, found, types)
            columns.write_user_columns(connection, types)
            for key in changed:
                columns.write(connection, key, found.get(key, {}), {**columns.OWN_COLUMNS, **types}, "user")
        return len(changed)

    def undescribed(self) -> list[str]:
        """The paths of complete documents whose properties an earlier version did not record, in order."""
        with self._transaction.reading() as connection:
            return [path for _, path in columns.undescribed(connection)]

    def producers(self) -> dict[str, str]:
        """The program that laid out each document that has no pages of its own, by the document's path."""
        with self._transaction.reading() as connection:
            return columns.recorded_producers(connection)

    def documents_for_ocr(self, reader: str, *, failed: bool = False) -> set[str]:
        """The paths of complete documents that OCR would read a page of; see `page_ocr.documents_to_read`."""
        with self._transaction.reading() as connection:
            return page_ocr.documents_to_read(connection, reader, failed=failed)

    def ocr_engine(self, doc_id: str) -> str:
        """The program that read pages of a document by OCR, uncommitted pages included; "" for none."""
        with self._transaction.reading() as connection:
            return page_ocr.engine_of(connection, doc_id)

    def document_keys(self) -> dict[int, str]:
        """The path of each document by its key."""
        with self._transaction.reading() as connection:
            return dict(connection.execute("SELECT key, path FROM documents"))

    def setting(self, name: str) -> str | None:
        """A setting of the index, or None."""
        with self._transaction.reading() as connection:
            return catalog.find_meta(connection, name)

    def write_setting(self, name: str, value: str | None) -> None:
        """Record a setting of the index, or delete it."""
        with self._transaction.changing() as connection:
            catalog.change_meta(connection, name, value)

    def files(self) -> dict[str, bytes]:
        """The file that each document was last seen in, as `record_files` takes them; some documents have none."""
        with self._transaction.reading() as connection:
            return document_files.read(connection)

    def record_files(self, files: Mapping[str, bytes]) -> None:
        """Record the absolute paths of documents' files, encoded by `os.fsencode`, by the documents' paths."""
        if files:
            with self._transaction.changing() as connection:
                document_files.write(connection, files)

    def documents_below(self, path: str) -> list[str]:
        """The paths of the documents that lie in the one at `path`, at any depth; see `attached`."""
        with self._transaction.reading() as connection:
            return attached.below(connection, path)

    def opened(self) -> dict[str, frozenset[str]]:
        """For which extensions each document was opened for what lies in it, by its path."""
        with self._transaction.reading() as connection:
            return attached.opened(connection)

    def with_unread_attachments(self) -> set[str]:
        """The paths of documents in which files lie that were not read."""
        with self._transaction.reading() as connection:
            return attached.with_unread(connection)

    def record_opened(self, path: str, suffixes: Sequence[str], left: UnreadContent | None) -> None:
        """Record that a document was opened for files of these extensions in it; `left` is what was not read."""
        with self._transaction.changing() as connection:
            if (found := statements.find_document(connection, path=path)) is not None:
                attached.record_opened(connection, found[0], suffixes, left)

    def open_again(self, paths: Iterable[str]) -> None:
        """Have the next run open the documents that those at `paths` lie in."""
        with self._transaction.changing() as connection:
            for path in paths:
                attached.open_again(connection, path)

    def find_paths(self, prefix: str) -> list[str]:
        """The paths of documents that begin with `prefix`, and all that are not plain ASCII, in order."""
        with self._transaction.reading() as connection:
            return statements.find_paths(connection, prefix)

    def texts(self, doc_id: str, limit: int) -> list[str]:
        """The text layers of the first `limit` pages of a document that have one, uncommitted pages included."""
        with self._transaction.reading() as connection:
            return statements.read_texts(connection, doc_id, limit)

    def set_cross_language(self, name: str | None) -> None:
        """Record the name of the sentence encoder for cross-language search; None turns it off. Servers notice it."""
        with self._transaction.changing() as connection:
            if catalog.change_meta(connection, catalog.CROSS_LANGUAGE, name):
                self._transaction.record_page_change(f"cross-language {name}", 1)

    def documents(self) -> dict[str, DocumentRow]:
        """Every document by its path, this writer's uncommitted changes included."""
        with self._transaction.reading() as connection:
            return catalog.read_documents(connection)
