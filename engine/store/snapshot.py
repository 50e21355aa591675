"""A snapshot: a reader's point-in-time view of an index, unaffected by later commits.

Opening one reads a few catalog rows. Segments and the page table are read when they are first needed; vectors, boxes
and visual words are memory-mapped, never read as a whole.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compression import pooling
from ..compression.codecs import Coded
from ..distinct import distinct
from ..errors import UsageError
from ..records import F16, F32, I64, U16, Lines, PageRef, PageWords, Ragged
from . import blocks, catalog, column_values, facts, garbage, labels, links, os_errors, page_table, statements, verify
from .blocks import Block
from .cache import Cache, DerivedFiles
from .catalog import Fingerprint
from .copies import Copies
from .copies import find as find_copies
from .document_reader import DocumentReader
from .mmap import FAULT_AROUND_BYTES
from .page_headings import read as read_headings
from .page_lines import read as read_lines
from .page_ocr import read_engines, read_words
from .readers import ReaderLock
from .segment import OpenSegments, SegmentRow

BLOCK_VECTORS = 65536
"""Vectors of a block: 8 MB at 128 dimensions in int8."""


def open_snapshot(
    directory: Path, make: Callable[[Path, sqlite3.Connection, ReaderLock], Snapshot] | None = None
) -> Snapshot:
    """Open the index in `directory` as of its last commit. A snapshot may be shared between threads.

    `make` makes it of the folder, the catalog and the reader's lock, where it is not a plain `Snapshot`. Raises
    IndexNotFound, IndexFormatError, IndexDamaged, UsageError.
    """
    with os_errors.translated(directory):
        links.refuse(directory)
        if not catalog.exists(directory):
            catalog.open_to_read(directory)  # raises IndexNotFound, before a lock file is created
        lock = ReaderLock(directory)
        try:
            connection = catalog.open_to_read(directory)
        except BaseException:
            lock.release()
            raise
        try:
            snapshot = (make or Snapshot)(directory, connection, lock)
            lock.register(snapshot.generation)
            return snapshot
        except BaseException:
            connection.close()
            lock.release()
            raise


class Snapshot(DocumentReader):
    """N live pages as rows 0 to N - 1; see `open_snapshot`.

    The arrays it returned stay valid after it is closed; reading more of it then raises UsageError.
    """

    def __init__(self, directory: Path, connection: sqlite3.Connection, lock: ReaderLock) -> None:
        self._directory = directory
        self._open_connection = connection
        self._is_closed = False
        self._reader_lock = lock
        self._connection_lock = threading.RLock()
        self.cache = Cache(directory)
        self.fingerprint: Fingerprint = catalog.read_fingerprint(connection)
        self.codec = catalog.read_meta(connection, "codec")
        self.cross_language = catalog.find_meta(connection, catalog.CROSS_LANGUAGE)
        self.pool = pooling.factor_of(self.fingerprint)
        self.generation = catalog.read_meta(connection, "generation")
        """Changes with every commit that adds, removes or reorders pages; in the names of derived files."""
        statements.check_codecs(connection)
        connection.create_function("folded", 1, column_values.folded, deterministic=True)
        self._process = os.getpid()

    def __len__(self) -> int:
        return self._pages

    @cached_property
    def _pages(self) -> int:
        return self._stored_pages

    @cached_property
    def _stored_pages(self) -> int:
        return int(self._query("SELECT count(*) FROM pages")[0][0])

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalog and release the lock; the last of an earlier generation deletes what only that needed."""
        if self._is_closed:
            return
        self._is_closed = True
        with self._connection_lock:
            is_outdated = self._process == os.getpid() and self._is_outdated()
            self._open_connection.close()
        self._reader_lock.release()
        if is_outdated:
            garbage.delete_after_reading(self._directory)

    def _is_outdated(self) -> bool:
        """Whether there is a later generation; ends the view of this one."""
        try:
            self._open_connection.execute("ROLLBACK")
            return catalog.read_meta(self._open_connection, "generation") != self.generation
        except sqlite3.Error:
            return False

    def check_open(self) -> None:
        """Raise UsageError after `close`: without the reader's lock a writer may delete what is read."""
        if self._is_closed:
            raise UsageError(f"{self._directory}: the index was closed; open it again")

    @property
    def _connection(self) -> sqlite3.Connection:
        self.check_open()
        return self._open_connection

    @cached_property
    def _segment_rows(self) -> dict[int, SegmentRow]:
        with self._connection_lock, os_errors.translated(self._directory):
            return statements.read_segments(self._connection)

    @cached_property
    def _open_segments(self) -> OpenSegments:
        return OpenSegments(self._directory, self._segment_rows)

    @property
    def _segments(self) -> OpenSegments:
        self.check_open()
        return self._open_segments

    @property
    def _page_table(self) -> NDArray[np.void]:
        """A record a page in row order, (N,) page_table.PAGE_DTYPE."""
        self.check_open()
        return self._table

    def refs(self, rows: I64 | Sequence[int]) -> list[PageRef]:
        """The pages of `rows` (n,)."""
        pages = self._page_table[np.asarray(rows, np.int64)]
        documents = self._documents
        return [
            PageRef(*documents[key], number)
            for key, number in zip(pages["document"].tolist(), pages["number"].tolist(), strict=True)
        ]

    def row(self, ref: PageRef) -> int:
        """The row of a page. Raises UsageError if there is no such page."""
        found = self._query(
            "SELECT segment, slot FROM pages JOIN documents ON document = documents.key "
            "WHERE documents.id = ? AND path = ? AND number = ?",
            ref.doc_id, ref.path, ref.page,
        )  # fmt: skip
        if not found:
            raise UsageError(f"{ref.path}, page {ref.page}: not in this index")
        ((segment, slot),) = found
        first, last = np.searchsorted(self._page_table["segment"], [segment, segment + 1]).tolist()
        return int(first + np.searchsorted(self._page_table["slot"][first:last], slot))

    def paths(self) -> NDArray[np.object_]:
        """The path of each row's document, (N,) str."""
        return np.array([self._documents[key][1] for key in self._column("document").tolist()], dtype=object)

    def sizes(self, rows: I64 | Sequence[int]) -> F32:
        """Width and height of `rows` (n,) in points, (n, 2) float32."""
        pages = self._page_table[np.asarray(rows, np.int64)]
        return np.stack([pages["width"], pages["height"]], axis=1)

    @property
    def lengths(self) -> I64:
        """The number of patch vectors of each row, (N,) int64."""
        return self._column("vectors")

    def first_pages(self) -> I64:
        """For each row, the row of its document's first indexed page, (N,) int64."""
        return self._first_pages

    @cached_property
    def _first_pages(self) -> I64:
        return page_table.first_pages(self._page_table)

    def page_order(self) -> I64:
        """The place of each row in the order of document paths and page numbers, (N,) int64: equal scores follow it.

        Rows themselves follow the history of the index, which must not decide.
        """
        return self._page_order

    @cached_property
    def _page_order(self) -> I64:
        return page_table.page_order(self._page_table, {key: path for key, (_, path) in self._documents.items()})

    @cached_property
    def copies(self) -> Copies | None:
        """Which pages have the same content as another one; None where none has."""
        with self._connection_lock, os_errors.translated(self._directory):
            return find_copies(self._connection, self._page_table, self._page_order, self.cache, self.generation)

    def dense_vectors(self, rows: I64 | Sequence[int] | None = None) -> F16:
        """The dense vectors, one per page, of all rows (N, S) float16, or of `rows` (n,) in that order."""
        in_segment, slots = self._column("segment", rows), self._column("slot", rows)
        order = np.argsort(in_segment, kind="stable")
        segments, starts = np.unique(in_segment[order], return_index=True)
        found = np.empty((len(order), self.dense_dim), np.float16)
        for segment, (first, last) in zip(segments.tolist(), pairwise([*starts.tolist(), len(order)]), strict=True):
            source = self.segment_dense(segment, last - first)
            np.take(source, slots[order[first:last]], axis=0, out=found[first:last], mode="clip")
        return found if (np.diff(order) == 1).all() else found[np.argsort(order)]

    @property
    def dense_dim(self) -> int:
        """Dimensions of the dense vectors; 0 if there are none."""
        return next((row.dense_dim for row in self._segment_rows.values()), 0)

    def segment_dense(self, segment: int, pages: int) -> F16:
        """The dense vectors of a segment, deleted pages included, (P, S) float16, mapped; for reading some `pages`."""
        found = self._segments[segment].dense
        page_bytes = max(FAULT_AROUND_BYTES, found.shape[1] * found.itemsize)
        self._segments.count_bytes_read(min(pages * page_bytes, found.nbytes))
        return found

    def blocks(self, max_vectors: int = BLOCK_VECTORS, rows: I64 | None = None) -> Iterator[Block]:
        """The vectors of all rows, or of `rows` (each once), in row order, at most `max_vectors` a block unless one
        page has more. Pages that are adjacent on disk are views of the memory map; scattered ones are copied together.
        """
        return blocks.blocks(self._segments, *self._sorted_locations(rows), max_vectors)

    def views(self, rows: I64 | None = None, max_vectors: int = BLOCK_VECTORS) -> Iterator[list[Block]]:
        """As `blocks`, all without a copy: lists of blocks that share a codec and have `max_vectors` in total."""
        return blocks.views(self._segments, *self._sorted_locations(rows), max_vectors)

    def in_segments(self, rows: I64) -> Iterator[tuple[Coded, I64, I64]]:
        """The vectors of some hundred `rows` (each once), in row order, as `blocks.in_segments` gives them."""
        _, segments, slots = self._sorted_locations(rows)
        return blocks.in_segments(self._segments, segments, slots)

    def release_memory(self) -> None:
        """Drop the mapped files of the index from this process's resident memory; arrays stay valid."""
        self._segments.release()

    def boxes(self, row: int) -> U16:
        """The boxes of a row's T vectors, (T, 4) uint16 in page fractions times BOX_SCALE, mapped."""
        segment, slot = int(self._page_table["segment"][row]), int(self._page_table["slot"][row])
        first, last = self._segments[segment].offsets[slot : slot + 2].tolist()
        return self._segments[segment].boxes[first:last]

    @property
    def has_words(self) -> bool:
        """Whether every vector has a visual word."""
        return bool(self._segment_rows) and all(row.has_words for row in self._segment_rows.values())

    def words(self, rows: I64 | Sequence[int] | None = None) -> Ragged:
        """The visual words of all rows, or of `rows` (n,) in that order: n pages, values (T,) uint16.

        Raises ValueError unless `has_words`.
        """
        if not self.has_words:
            raise ValueError(f"{self._directory}: this index has no visual words")
        values = blocks.words(self._segments, self._column("segment", rows), self._column("slot", rows))
        return Ragged(values, np.concatenate([[0], np.cumsum(self._column("vectors", rows))]).astype(np.int64))

    def text(self, row: int) -> str:
        """The text layer of a row's page, or ""."""
        found = self._query("SELECT text FROM page_text WHERE rowid = ?", int(self._page_table["key"][row]))
        return str(found[0][0]) if found else ""

    def of_index(self, name: str) -> Snapshot:  # noqa: ARG002 - there is one
        """The snapshot of the index with this name, as a `PageRef` has it."""
        return self

    def label(self, row: int) -> str:
        """The number of a row's page as its document has it ("iv"), or "" where that is its own."""
        return labels.read(self._query, int(self._page_table["key"][row]))

    def lines(self, rows: Sequence[int]) -> list[Lines | None]:
        """The lines of a text file that the page of each of `rows` shows, None for pages of other documents."""
        return read_lines(self._query, [int(key) for key in self._column("key", np.asarray(rows, np.int64))])

    def headings(self, rows: Sequence[int]) -> list[str]:
        """The headings of the page of each of `rows`, a line each, or ""."""
        return read_headings(self._query, [int(key) for key in self._column("key", np.asarray(rows, np.int64))])

    def ocr_engines(self, rows: Sequence[int]) -> list[str]:
        """The program that read the text of the page of each of `rows` by OCR, "" where none did."""
        return read_engines(self._query, [int(key) for key in self._column("key", np.asarray(rows, np.int64))])

    def ocr_words(self, row: int) -> PageWords | None:
        """The words of a row's page that OCR read; None where its text is not OCR's."""
        return read_words(self._query, int(self._page_table["key"][row]))

    def page_documents(self) -> tuple[I64, dict[int, str]]:
        """The key of each row's document, (N,), and the path of each document by its key."""
        return self._column("document"), {key: path for key, (_, path) in self._documents.items()}

    def info(self) -> dict[str, str | int | float | dict[str, int]]:
        """The facts for `docsearch info`; sizes in bytes."""
        with self._connection_lock, os_errors.translated(self._directory):
            return facts.read(self._directory, self._connection)

    def verify(self) -> list[str]:
        """Everything that is wrong with the index, a sentence each. Reads every byte of it."""
        with self._connection_lock:
            return verify.problems(self._directory, self._connection)

    def delete_damaged_cache(self) -> list[str]:
        """Verify the derived files and delete what is damaged; a sentence for each. Reads every byte of them."""
        return self.cache.delete_damaged(self.segment_digests)

    @cached_property
    def segment_digests(self) -> dict[int, str]:
        """By segment, a digest of its files: derived files are valid for these segments only."""
        with self._connection_lock, os_errors.translated(self._directory):
            return statements.read_digests(self._connection)

    @property
    def derived_files(self) -> list[DerivedFiles]:
        """Where derived files of the segments are kept."""
        return [DerivedFiles(self.cache, self.segment_digests)]

    @property
    def segment_rows(self) -> dict[int, SegmentRow]:
        """The segments, by their numbers."""
        self.check_open()
        return dict(self._segment_rows)

    @property
    def placement(self) -> str:
        """Changes where segments are moved among machines; "" where that makes no difference."""
        return ""

    def copy_catalog(self, target: sqlite3.Connection) -> None:
        """Copy the catalog, as of this snapshot, into an empty database."""
        with self._connection_lock, os_errors.translated(self._directory):
            self._connection.backup(target)

    def segment_pages(self, segments: Sequence[int]) -> list[int]:
        """How many pages each of these segments has, deleted ones included."""
        return [self._segment_rows[segment].pages for segment in segments]

    def locations(self) -> tuple[I64, I64]:
        """The segment of each row (N,), and its slot in the segment (N,)."""
        return self._column("segment"), self._column("slot")

    @cached_property
    def _table(self) -> NDArray[np.void]:
        with self._connection_lock, os_errors.translated(self._directory):
            return page_table.open_table(
                self._directory,
                self._connection,
                self._segment_rows,
                self.cache,
                generation=self.generation,
                pages=self._stored_pages,
            )

    @cached_property
    def _documents(self) -> dict[int, tuple[str, str]]:
        """Id and path of each document by its key."""
        return {key: (doc_id, path) for key, doc_id, path in self._query("SELECT key, id, path FROM documents")}

    def _column(self, name: str, rows: I64 | Sequence[int] | None = None) -> I64:
        column = self._page_table[name]
        return np.ascontiguousarray(column if rows is None else column[np.asarray(rows, np.int64)])

    def _sorted_locations(self, rows: I64 | None) -> tuple[I64, I64, I64]:
        """All rows, or `rows` sorted and each once, with their segments and slots, (n,) each."""
        chosen = np.arange(len(self)) if rows is None else distinct(np.asarray(rows, np.int64))
        return chosen, self._column("segment", chosen), self._column("slot", chosen)

    def _query(self, statement: str, *values: int | float | str) -> list[Any]:
        with self._connection_lock, os_errors.translated(self._directory):
            return self._connection.execute(statement, values).fetchall()
