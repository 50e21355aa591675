"""The writer of an index: adds, replaces and removes documents, which become visible atomically at each commit.

Everything between two commits is one SQLite transaction, which readers do not see. A commit writes the buffered pages
durably as a segment, and only then commits the transaction that refers to it. A process killed before that leaves a
folder that nothing refers to; the next writer deletes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from ..compression.codecs import CODECS
from ..compression.residual import Codebook
from ..errors import UsageError
from ..records import PagesToStore
from . import (
    attached,
    built,
    catalog,
    columns,
    compaction,
    garbage,
    row_checksums,
    sharding,
    statements,
    transaction,
    unread,
)
from . import codebook as codebooks
from .begun import BegunDocument, BegunDocuments
from .buffer import PageBuffer
from .built import BuiltSegment
from .catalog import DocumentRow, Fingerprint
from .column_values import Value
from .compaction import CompactReport
from .recorder import Recorder
from .segment import SegmentRow, StoredFile
from .sharding import OnSegment, ShardReport
from .transaction import Transaction
from .unread import UnreadContent


def open_writer(
    directory: Path,
    *,
    fingerprint: Fingerprint | None,
    codec: str | None = None,
    codebook: Codebook | None = None,
    create: bool = True,
) -> IndexWriter:
    """Open the index in `directory` for writing, and create it unless `create` is False.

    `fingerprint` is the encoder's; None accepts any index, to remove documents or to compact it. `codec` None means the
    index's own, or int8 for a new one. A new index with the codec residual needs the `codebook` of the encoder.

    Raises IndexLocked, IndexNotFound, IndexFormatError, EncoderMismatch, IndexDamaged, StorageFull, UsageError.
    """
    opened = transaction.open_transaction(directory, fingerprint, codec, codebook, create=create)
    try:
        return IndexWriter(opened)
    except BaseException:
        opened.close()
        raise


class IndexWriter(Recorder):
    """See `open_writer`. As a context manager it commits at the end, unless an exception ends the block.

    An error inside a method that changes the index rolls back everything since the last commit and ends the writer.
    """

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._directory = transaction.directory
        with transaction.reading() as connection:
            self.codec = catalog.read_meta(connection, "codec")
            self._segment = catalog.read_last_segment(connection) + 1
            self.codebook = codebooks.find(self._directory, connection)
            self._buffer = PageBuffer(self.codec, statements.read_dims(connection), self.codebook)
        self._begun = BegunDocuments(transaction)

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

    def document(self, *, path: str = "", doc_id: str = "") -> DocumentRow | None:
        """One document by its path or by its id; None if there is none. Does not read the others."""
        with self._transaction.reading() as connection:
            found = statements.find_document(connection, path=path, doc_id=doc_id)
        return None if found is None else found[1]

    def begin_document(
        self,
        path: str,
        sha256: str,
        size: int,
        mtime_ns: int,
        page_count: int | None = None,
        *,
        replaces: bool = False,
    ) -> BegunDocument:
        """Announce a document whose pages follow.

        Nothing changes yet: the pages of older content are deleted in the transaction that adds its first new page
        or ends it. A document left unfinished with the same content continues after its `done_pages`; one that is done
        or failed is tried again where it failed. If the document `replaces` its pages, they count as those of older
        content: it is laid out in another way.
        """
        return self._begun.begin(path, sha256, size, mtime_ns, page_count, replaces=replaces)

    def add_pages(self, pages: PagesToStore) -> None:
        """Add pages of begun documents. Commits when the buffer is full.

        Raises ValueError if shapes do not match, a page is already in the index, or its document is not begun.
        """
        vectors, sizes = pages.vectors, pages.sizes_pt
        if len(pages.texts) != len(pages) or sizes.shape != (len(pages), 2):
            raise ValueError(f"{len(pages)} pages came with {len(pages.texts)} texts and sizes {sizes.shape}")
        self._buffer.check(vectors, pages.words)
        if not len(pages):
            return
        with self._transaction.changing() as connection:
            keys = [self._begun.key_for_change(ref.doc_id) for ref in vectors.refs]
            lengths = vectors.vectors.lengths.tolist()
            for index, ref in enumerate(vectors.refs):
                if built.is_stored(connection, keys[index], ref.page):
                    raise ValueError(f"page {ref.page} of {ref.path} is already in the index")
                statements.insert_page(
                    connection,
                    keys[index],
                    ref.page,
                    location=(self._segment, self._buffer.pages + index),
                    size=(float(sizes[index, 0]), float(sizes[index, 1])),
                    vectors=lengths[index],
                    text=pages.texts[index],
                    label=pages.labels[index] if pages.labels else "",
                    lines=pages.lines[index] if pages.lines else None,
                    headings=pages.headings[index] if pages.headings else "",
                    ocr=pages.ocr[index] if pages.ocr else None,
                )
            self._buffer.add(vectors, pages.words)
        if self._buffer.is_full:
            self.commit()

    def add_segment(self, segment: BuiltSegment, folder: Path) -> int:
        """Add the pages of begun documents in a segment that another process built; return how many there were.

        Its files are moved from `folder`, on the file system of the index. Pages that the index has are left out: a
        segment whose pages all are is not added, and stays where it is. Commits what was added by `add_pages` before.
        Raises IndexDamaged if its files are not as they were written, and ValueError if its codec or its dimensions are
        not the index's, or a document is not begun.
        """
        if self._buffer.pages:
            self.commit()
        with self._transaction.changing() as connection:
            built.check(segment, self.codec, statements.read_dims(connection))
            keys = {
                doc_id: self._begun.key_for_change(doc_id) for doc_id in {page.ref.doc_id for page in segment.pages}
            }
            new = sum(not built.is_stored(connection, keys[each.ref.doc_id], each.ref.page) for each in segment.pages)
            if new:
                row = built.move_in(self._directory, self._segment, segment, folder)
                built.insert_pages(connection, row.id, segment.pages, keys)
                self._insert_segment(row, segment.files)
                self._buffer = PageBuffer(self.codec, statements.read_dims(connection), self.codebook)
        return new

    def fail_page(self, doc_id: str, page: int, reason: str) -> None:
        """Record that a page of a begun document cannot be indexed; the document is indexed without it."""
        with self._transaction.changing() as connection:
            values = (self._begun.key_for_change(doc_id), page, statements.storable_text(reason))
            connection.execute(
                "INSERT OR REPLACE INTO page_failures (document, number, reason) VALUES (?, ?, ?)", values
            )

    def record_unread(self, doc_id: str, content: UnreadContent) -> None:
        """Record content of a begun document that was not read; its page, if it has one, is indexed all the same."""
        with self._transaction.changing() as connection:
            detail = statements.storable_text(content.detail)
            unread.write(connection, self._begun.key_for_change(doc_id), replace(content, detail=detail))

    def record_properties(self, doc_id: str, found: Mapping[str, Value]) -> None:
        """Record what a begun or complete document's file says of it, by names of `columns.OWN_COLUMNS`."""
        with self._transaction.changing() as connection:
            key = self._begun.key_for_change(doc_id) if doc_id in self._begun else self._known_key(doc_id)
            columns.write(connection, key, found, columns.OWN_COLUMNS, "file")

    def finish_document(self, doc_id: str, page_count: int) -> None:
        """Mark a begun document as done.

        Raises ValueError unless exactly the pages 1 to `page_count` were added or failed.
        """
        with self._transaction.changing() as connection:
            key = self._begun.key_for_change(doc_id)
            accounted = statements.stored_pages(connection, key) | statements.failed_pages(connection, key)
            odd = accounted ^ set(range(1, page_count + 1))
            if odd:
                path = self._begun[doc_id].path
                raise ValueError(f"{path} has {page_count} pages; not accounted for, or too many: {sorted(odd)[:10]}")
            done = replace(self._begun[doc_id], page_count=page_count, state="done")
            statements.update_document(connection, key, done)
        self._begun.forget(doc_id)

    def fail_document(self, document: str, reason: str, *, sha256: str = "", size: int = 0, mtime_ns: int = 0) -> None:
        """Record that a document cannot be read, or not to its end. `document` is the id of a begun one, or any path.

        Pages of its current content stay in the index. `sha256`, `size` and `mtime_ns` describe a path that is new.
        """
        reason = statements.storable_text(reason)
        begun = self._begun.find(document)
        with self._transaction.changing() as connection:
            if begun is not None:
                failed = replace(begun, state="failed", error=reason)
                statements.update_document(connection, self._begun.key_for_change(begun.id), failed)
                self._begun.forget(begun.id)
                return
            known = statements.find_document(connection, path=document)
            if known is not None:
                statements.update_document(connection, known[0], replace(known[1], state="failed", error=reason))
                return
            new_id = statements.new_id(connection, document, self._begun.ids())
            row = DocumentRow(new_id, document, sha256, size, mtime_ns, None, "failed", reason)
            statements.insert_document(connection, row)

    def move_document(self, old_path: str, new_path: str, size: int, mtime_ns: int) -> None:
        """Change a document's path; its id and its pages stay, and documents that lie in it go with it.

        Raises ValueError if `new_path` is in the index.
        """
        with self._transaction.changing() as connection:
            if old_path != new_path and statements.find_document(connection, path=new_path) is not None:
                raise ValueError(f"cannot move {old_path} to {new_path}: that document is in the index too")
            key, row = self._find(old_path)
            lying_in = attached.below(connection, old_path) if old_path != new_path else []
            statements.update_document(connection, key, replace(row, path=new_path, size=size, mtime_ns=mtime_ns))
            for path in lying_in:
                key, row = self._find(path)
                moved = replace(row, path=new_path + path[len(old_path) :])
                statements.update_document(connection, key, moved)

    def touch_document(self, path: str, size: int, mtime_ns: int) -> None:
        """Update the recorded size and modification time of a document whose content is the same."""
        self.move_document(path, path, size, mtime_ns)

    def remove(self, paths: Iterable[str]) -> int:
        """Remove documents by their paths, and those that lie in them; return how many pages all of them had.

        Raises UsageError for an unknown path.
        """
        pages = 0
        with self._transaction.changing() as connection:
            given = list(paths)
            lying_in = [each for path in given for each in attached.below(connection, path)]
            for path in dict.fromkeys((*lying_in, *given)):
                key, row = self._find(path)
                removed = statements.delete_document(connection, key)
                self._transaction.record_page_change(f"remove {row.id}", removed)
                self._begun.forget(row.id)
                pages += removed
        return pages

    def commit(self) -> None:
        """Make everything since the last commit durable and visible to new snapshots. Raises StorageFull."""
        if not self._transaction.is_open:
            return
        if self._buffer.pages:
            with self._transaction.changing() as connection:
                self._insert_segment(*self._buffer.write(self._directory, self._segment))
                self._buffer = PageBuffer(self.codec, statements.read_dims(connection), self.codebook)
        self._transaction.commit()

    def divide(self, count: int, on_segment: OnSegment | None = None) -> list[ShardReport]:
        """Commit, then move the segments into `count` shards, 0 for none; see `sharding.place`. Raises UsageError."""
        self.commit()
        with self._transaction.reading() as connection:
            return sharding.place(self._directory, statements.read_segments(connection), count, on_segment)

    def compact(self, codec: str | None = None, codebook: Codebook | None = None, *, shards: int = 0) -> CompactReport:
        """Rewrite segments with deleted pages, small ones, and those of another codec than `codec`; pages and ids stay.

        With `shards`, segments become so small that each of as many shards gets one; `divide` moves them then.

        To change to residual, an index without a `codebook` needs that of its encoder. Commits after each new segment,
        so that the next run continues a killed one. Files that open snapshots still need are deleted when the last of
        those is closed. Raises IndexDamaged rather than copy bytes that are not those that were committed.
        """
        if codec is not None and codec not in CODECS:
            raise UsageError(f"codec {codec!r} is not one of {', '.join(CODECS)}")
        if codec == "residual" and self.codebook is None and codebook is None:
            raise UsageError(catalog.NO_CODEBOOK)
        self.commit()
        self.codec = codec or self.codec
        with self._transaction.changing() as connection:
            before = compaction.count(self._directory, connection)
            limit = compaction.pages_for(connection, shards) if shards else None
            plan = compaction.plan(self._directory, connection, self.codec, limit)
            if codec == "residual" and codebook is not None:
                codebooks.add(self._directory, connection, codebook)
                self.codebook = self.codebook or codebook
            if catalog.read_meta(connection, "codec") != self.codec:
                catalog.write_meta(connection, "codec", self.codec)
            self._buffer = PageBuffer(self.codec, statements.read_dims(connection), self.codebook)
        while True:
            with self._transaction.changing() as connection:
                written = compaction.rewrite_next(
                    self._directory, connection, plan, self._segment, self.codec, self.codebook, limit
                )
                if written is not None:
                    self._insert_segment(*written)
            self.commit()
            if written is None:
                break
        with self._transaction.changing() as connection:
            row_checksums.add_missing(connection)
            codebooks.drop_unused(connection)
            self.codebook = codebooks.find(self._directory, connection)
        self.commit()
        with self._transaction.reading() as connection:
            if plan:
                connection.execute("VACUUM")
            garbage.delete_derived_files(self._directory, connection)
            garbage.delete_orphans(self._directory, connection)
            return compaction.report(before, compaction.count(self._directory, connection))

    def close(self) -> None:
        """Roll back what is not committed, and release the writer's lock; closing twice is harmless."""
        self._transaction.close()

    def _find(self, path: str) -> tuple[int, DocumentRow]:
        found = statements.find_document(self._transaction.connection, path=path)
        if found is None:
            raise UsageError(f"{path}: no such document in the index {self._directory}")
        return found

    def _known_key(self, doc_id: str) -> int:
        found = statements.find_document(self._transaction.connection, doc_id=doc_id)
        if found is None:
            raise ValueError(f"document {doc_id} is not in the index")
        return found[0]

    def _insert_segment(self, row: SegmentRow, files: Sequence[StoredFile]) -> None:
        statements.insert_segment(self._transaction.connection, row, files)
        catalog.write_meta(self._transaction.connection, "last_segment", str(row.id))
        self._segment = row.id + 1
        self._transaction.record_page_change(" ".join(file.sha256 for file in files), row.pages)
