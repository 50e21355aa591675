"""Documents that a writer has begun and not yet ended, and their catalog rows in the open transaction."""

from __future__ import annotations

from dataclasses import dataclass

from . import statements, unread
from .catalog import DocumentRow
from .transaction import Transaction


@dataclass(frozen=True, slots=True)
class BegunDocument:
    """A document that pages can be added to; its `done_pages` are in the index already, or are known to fail."""

    doc_id: str
    done_pages: frozenset[int]


class BegunDocuments:
    """The begun documents of a writer. The catalog changes only when the key of one is asked for."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._rows: dict[str, DocumentRow] = {}
        self._replaced: set[str] = set()  # ids of documents whose pages in the index are of another layout
        self._keys: dict[str, int] = {}  # catalog keys of documents that the transaction has changed

    def begin(
        self, path: str, sha256: str, size: int, mtime_ns: int, page_count: int | None, *, replaces: bool
    ) -> BegunDocument:
        """See `IndexWriter.begin_document`."""
        with self._transaction.reading() as connection:
            known = statements.find_document(connection, path=path)
            done: set[int] = set()
            if known is not None and known[1].sha256 == sha256 and not replaces:
                done = statements.stored_pages(connection, known[0])
                if known[1].state == "indexing":
                    done |= statements.failed_pages(connection, known[0])
            waiting = {row.path: row.id for row in self._rows.values()}
            doc_id = known[1].id if known else waiting.get(path)
            if doc_id is None:
                doc_id = statements.new_id(connection, path, self.ids())
        self._keys.pop(doc_id, None)
        if replaces:
            self._replaced.add(doc_id)
        self._rows[doc_id] = DocumentRow(doc_id, path, sha256, size, mtime_ns, page_count, "indexing", None)
        return BegunDocument(doc_id, frozenset(done))

    def ids(self) -> list[str]:
        """The ids of all begun documents."""
        return list(self._rows)

    def __contains__(self, doc_id: str) -> bool:
        return doc_id in self._rows

    def __getitem__(self, doc_id: str) -> DocumentRow:
        return self._rows[doc_id]

    def find(self, document: str) -> DocumentRow | None:
        """The row of the begun document with this id or this path; None if there is none."""
        return self._rows.get(document) or next((row for row in self._rows.values() if row.path == document), None)

    def forget(self, doc_id: str) -> None:
        """Count a document as begun no longer: it is ended or removed. No effect on one that is not begun."""
        self._rows.pop(doc_id, None)
        self._keys.pop(doc_id, None)

    def key_for_change(self, doc_id: str) -> int:
        """The key of a begun document, whose row and pages in the transaction are now those of its new content.

        Raises ValueError if the document is not begun.
        """
        if doc_id in self._keys:
            return self._keys[doc_id]
        begun = self._rows.get(doc_id)
        if begun is None:
            raise ValueError(f"document {doc_id} is not begun; call begin_document first")
        connection = self._transaction.connection
        known = statements.find_document(connection, doc_id=doc_id)
        if known is None:
            key = statements.insert_document(connection, begun)
        else:
            key = known[0]
            if known[1].sha256 != begun.sha256 or doc_id in self._replaced:
                self._replaced.discard(doc_id)
                unread.delete(connection, key)
                self._transaction.record_page_change(f"replace {doc_id}", statements.delete_pages(connection, key))
            elif known[1].state != "indexing":
                statements.delete_failures(connection, key)
            statements.update_document(connection, key, begun)
        self._keys[doc_id] = key
        return key
