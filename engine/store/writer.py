"""The one writer of an index: documents and pages go in, and become visible, all or nothing, at each commit.

Everything between two commits is one SQLite transaction, which readers do not see. A commit writes the buffered pages
as a segment, durably, and only then commits the transaction that refers to it; a process killed anywhere before that
leaves a folder that nothing refers to, which the next writer deletes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..compression.codecs import CODECS
from ..compression.residual import Codebook
from ..errors import UsageError
from ..records import PageVectors
from . import catalog, compaction, garbage, statements, transaction
from . import codebook as codebooks
from .buffer import PageBuffer
from .catalog import DocumentRow, Fingerprint
from .compaction import CompactReport
from .segment import SegmentRow, StoredFile
from .transaction import Transaction


@dataclass(frozen=True, slots=True)
class BegunDocument:
    """A document that may now receive pages; `done_pages` of it are in the index, or are known to fail."""

    doc_id: str
    done_pages: frozenset[int]


def open_writer(
    directory: Path,
    *,
    fingerprint: Fingerprint | None,
    codec: str | None = None,
    codebook: Codebook | None = None,
    create: bool = True,
) -> IndexWriter:
    """Open the index in `directory` for writing, and make it unless `create` is False.

    `fingerprint` is the encoder's; None takes the index as it is (to remove or compact). `codec` None is the
    index's own, int8 for a new one. A new one in residual needs the `codebook` of the encoder's visual words.

    Raises IndexLocked, IndexNotFound, IndexFormatError, EncoderMismatch, IndexDamaged, StorageFull, UsageError.
    """
    opened = transaction.open_transaction(directory, fingerprint, codec, codebook, create=create)
    try:
        return IndexWriter(opened)
    except BaseException:
        opened.close()
        raise


class IndexWriter:
    """See `open_writer`. As a context manager it commits at the end, unless an error is on its way out.

    After any error inside a method that changes something, everything since the last commit is given up and the writer
    takes no more calls.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._directory = transaction.directory
        with transaction.reading() as connection:
            self._codec = catalog.read_meta(connection, "codec")
            self._segment = int(catalog.read_meta(connection, "last_segment")) + 1
            self._codebook = codebooks.find(self._directory, connection)
            self._buffer = PageBuffer(self._codec, statements.read_dims(connection), self._codebook)
        self._begun: dict[str, DocumentRow] = {}
        self._receiving: dict[str, int] = {}  # doc_id -> key, once a change of the document is in the transaction

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._transaction.is_usable:
                self.commit()
        finally:
            self.close()

    def documents(self) -> dict[str, DocumentRow]:
        """Every document by its path, this writer's uncommitted changes included."""
        with self._transaction.reading() as connection:
            return catalog.read_documents(connection)

    def begin_document(
        self, path: str, sha256: str, size: int, mtime_ns: int, page_count: int | None = None
    ) -> BegunDocument:
        """Announce a document whose pages follow. Nothing changes yet: if its content is new, the pages of its old
        content go in the same transaction that brings its first new page, its failure or its end.

        A document that was left unfinished with the same content goes on after its `done_pages`; a finished or failed
        one is tried again where it failed.
        """
        with self._transaction.reading() as connection:
            known = statements.find_document(connection, path=path)
            done: set[int] = set()
            if known is not None and known[1].sha256 == sha256:
                done = statements.stored_pages(connection, known[0])
                if known[1].state == "indexing":
                    done |= statements.failed_pages(connection, known[0])
            waiting = {row.path: row.id for row in self._begun.values()}
            doc_id = known[1].id if known else waiting.get(path)
            if doc_id is None:
                doc_id = statements.new_id(connection, path, list(self._begun))
        self._receiving.pop(doc_id, None)
        self._begun[doc_id] = DocumentRow(doc_id, path, sha256, size, mtime_ns, page_count, "indexing", None)
        return BegunDocument(doc_id, frozenset(done))

    def add_pages(
        self,
        vectors: PageVectors,
        texts: Sequence[str],
        sizes: NDArray[np.floating],
        words: NDArray[np.uint16] | None = None,
    ) -> None:
        """Add N pages of begun documents, with the `texts` of their text layers, `sizes` (N, 2) width and height in
        points, and `words` (T,) uint16, one visual word a vector, if the encoder has them. Commits when the
        buffer is full.

        Raises ValueError if shapes do not fit, a page is there already, or its document is not begun.
        """
        pages = len(vectors.refs)
        if len(texts) != pages or sizes.shape != (pages, 2):
            raise ValueError(f"{pages} pages came with {len(texts)} texts and sizes {sizes.shape}")
        self._buffer.check(vectors, words)
        if not pages:
            return
        with self._transaction.changing() as connection:
            keys = [self._receive(ref.doc_id) for ref in vectors.refs]
            lengths = vectors.vectors.lengths.tolist()
            for index, ref in enumerate(vectors.refs):
                taken = "SELECT 1 FROM pages WHERE document = ? AND number = ?"
                if connection.execute(taken, (keys[index], ref.page)).fetchone():
                    raise ValueError(f"page {ref.page} of {ref.path} is already in the index")
                statements.insert_page(
                    connection,
                    keys[index],
                    ref.page,
                    place=(self._segment, self._buffer.pages + index),
                    size=(float(sizes[index, 0]), float(sizes[index, 1])),
                    vectors=lengths[index],
                    text=texts[index],
                )
            self._buffer.add(vectors, words)
        if self._buffer.is_full:
            self.commit()

    def fail_page(self, doc_id: str, page: int, reason: str) -> None:
        """Note that a page of a begun document cannot be indexed; the document goes on without it."""
        with self._transaction.changing() as connection:
            values = (self._receive(doc_id), page, statements.clean(reason))
            connection.execute(
                "INSERT OR REPLACE INTO page_failures (document, number, reason) VALUES (?, ?, ?)", values
            )

    def finish_document(self, doc_id: str, page_count: int) -> None:
        """Declare a begun document complete. Raises ValueError if one of its pages 1..page_count was neither added nor
        failed, or if there are others.
        """
        with self._transaction.changing() as connection:
            key = self._receive(doc_id)
            accounted = statements.stored_pages(connection, key) | statements.failed_pages(connection, key)
            odd = accounted ^ set(range(1, page_count + 1))
            if odd:
                path = self._begun[doc_id].path
                raise ValueError(f"{path} has {page_count} pages; not accounted for, or too many: {sorted(odd)[:10]}")
            done = replace(self._begun[doc_id], page_count=page_count, state="done")
            statements.update_document(connection, key, done)
        del self._begun[doc_id], self._receiving[doc_id]

    def fail_document(self, document: str, reason: str, *, sha256: str = "", size: int = 0, mtime_ns: int = 0) -> None:
        """Note that a document cannot be read (any further). `document` is the id of a begun one, or the path of any.

        Pages of its present content stay in the index. `sha256`, `size` and `mtime_ns` describe a path not seen before.
        """
        begun = self._begun.get(document) or next((row for row in self._begun.values() if row.path == document), None)
        with self._transaction.changing() as connection:
            if begun is not None:
                failed = replace(begun, state="failed", error=statements.clean(reason))
                statements.update_document(connection, self._receive(begun.id), failed)
                del self._begun[begun.id], self._receiving[begun.id]
                return
            known = statements.find_document(connection, path=document)
            if known is not None:
                statements.update_document(
                    connection, known[0], replace(known[1], state="failed", error=statements.clean(reason))
                )
                return
            new_id = statements.new_id(connection, document, list(self._begun))
            row = DocumentRow(new_id, document, sha256, size, mtime_ns, None, "failed", statements.clean(reason))
            statements.insert_document(connection, row)

    def move_document(self, old_path: str, new_path: str, size: int, mtime_ns: int) -> None:
        """Give a document another path; its id and its pages stay. Raises ValueError if `new_path` is in the index."""
        with self._transaction.changing() as connection:
            if old_path != new_path and statements.find_document(connection, path=new_path) is not None:
                raise ValueError(f"cannot move {old_path} to {new_path}: that document is in the index too")
            key, row = self._find(old_path)
            statements.update_document(connection, key, replace(row, path=new_path, size=size, mtime_ns=mtime_ns))

    def touch_document(self, path: str, size: int, mtime_ns: int) -> None:
        """Note that a document has the same content but another size or modification time on record."""
        self.move_document(path, path, size, mtime_ns)

    def remove(self, paths: Iterable[str]) -> int:
        """Remove documents by their paths and return how many pages went. Raises UsageError for an unknown path."""
        pages = 0
        with self._transaction.changing() as connection:
            for path in paths:
                key, row = self._find(path)
                removed = statements.delete_document(connection, key)
                self._transaction.note_pages(f"remove {row.id}", removed)
                self._begun.pop(row.id, None)
                self._receiving.pop(row.id, None)
                pages += removed
        return pages

    def commit(self) -> None:
        """Make everything since the last commit durable and visible to new snapshots. Raises StorageFull."""
        if not self._transaction.is_open:
            return
        if self._buffer.pages:
            with self._transaction.changing() as connection:
                self._insert_segment(*self._buffer.write(self._directory, self._segment))
                self._buffer = PageBuffer(self._codec, statements.read_dims(connection), self._codebook)
        self._transaction.commit()

    def compact(self, codec: str | None = None, codebook: Codebook | None = None) -> CompactReport:
        """Rewrite segments that lost pages, are small, or have another codec; ids stay, and so does every page. To
        residual an index needs the `codebook` of its encoder's visual words, unless it has it.

        Commits after each new segment, so a killed run is gone on with by the next. Deletes the cache. Raises
        IndexDamaged rather than copy bytes that are not those once committed.
        """
        if codec is not None and codec not in CODECS:
            raise UsageError(f"codec {codec!r} is not one of {', '.join(CODECS)}")
        if codec == "residual" and self._codebook is None and codebook is None:
            raise UsageError(transaction.NO_CODEBOOK)
        self.commit()
        self._codec = codec or self._codec
        with self._transaction.changing() as connection:
            before = compaction.count(self._directory, connection)
            plan = compaction.plan(self._directory, connection, self._codec)
            if codec == "residual" and codebook is not None:
                codebooks.keep(self._directory, connection, codebook)
                self._codebook = self._codebook or codebook
            if catalog.read_meta(connection, "codec") != self._codec:
                catalog.write_meta(connection, "codec", self._codec)
            self._buffer = PageBuffer(self._codec, statements.read_dims(connection), self._codebook)
        while True:
            with self._transaction.changing() as connection:
                written = compaction.rewrite_next(
                    self._directory, connection, plan, self._segment, self._codec, self._codebook
                )
                if written is not None:
                    self._insert_segment(*written)
            self.commit()
            if written is None:
                break
        with self._transaction.changing() as connection:
            codebooks.drop(connection)
            self._codebook = codebooks.find(self._directory, connection)
        self.commit()
        with self._transaction.reading() as connection:
            if plan:
                connection.execute("VACUUM")
            garbage.derived_files(self._directory, connection, generation=None)
            garbage.orphans(self._directory, connection)
            return compaction.report(before, compaction.count(self._directory, connection))

    def close(self) -> None:
        """Give up what is not committed, and let the next writer in; closing twice is harmless."""
        self._transaction.close()

    def _find(self, path: str) -> tuple[int, DocumentRow]:
        found = statements.find_document(self._transaction.connection, path=path)
        if found is None:
            raise UsageError(f"{path}: no such document in the index {self._directory}")
        return found

    def _receive(self, doc_id: str) -> int:
        """The key of a begun document whose row, from here on in the transaction, is that of its new content."""
        if doc_id in self._receiving:
            return self._receiving[doc_id]
        begun = self._begun.get(doc_id)
        if begun is None:
            raise ValueError(f"document {doc_id} is not begun; call begin_document first")
        known = statements.find_document(self._transaction.connection, doc_id=doc_id)
        if known is None:
            key = statements.insert_document(self._transaction.connection, begun)
        else:
            key = known[0]
            if known[1].sha256 != begun.sha256:
                self._transaction.note_pages(
                    f"replace {doc_id}", statements.delete_pages(self._transaction.connection, key)
                )
            elif known[1].state != "indexing":
                statements.delete_failures(self._transaction.connection, key)
            statements.update_document(self._transaction.connection, key, begun)
        self._receiving[doc_id] = key
        return key

    def _insert_segment(self, row: SegmentRow, files: Sequence[StoredFile]) -> None:
        statements.insert_segment(self._transaction.connection, row, files)
        catalog.write_meta(self._transaction.connection, "last_segment", str(row.id))
        self._segment = row.id + 1
        self._transaction.note_pages(" ".join(file.sha256 for file in files), row.pages)
