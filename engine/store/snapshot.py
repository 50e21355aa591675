"""A snapshot: a reader's point-in-time view of an index, unaffected by later commits.

Opening one reads a few catalog rows. The page table is read when it is first needed; vectors, boxes and visual words
are memory-mapped, never read as a whole.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compression import pooling
from ..errors import IndexDamaged, UsageError
from ..records import F16, F32, I64, U16, PageRef, Ragged
from . import blocks, catalog, compaction, layout, links, os_errors, statements, verify
from .blocks import Block, Run
from .cache import Cache
from .catalog import RESTORE, DocumentRow, Failure, Fingerprint
from .locks import ReaderLock
from .mmap import FAULT_AROUND_BYTES
from .segment import OpenSegments, are_in

BLOCK_VECTORS = 65536
"""Vectors of a block: 8 MB at 128 dimensions in int8."""
PAGE_DTYPE = np.dtype(
    [(name, np.int64) for name in ("key", "document", "number", "segment", "slot", "vectors")]
    + [(name, np.float32) for name in ("width", "height")]
)
CACHED_TABLE_PAGES = 20_000
"""Pages from which on the page table is cached in a file: reading 500,000 rows from the catalog takes a second."""


def open_snapshot(directory: Path) -> Snapshot:
    """Open the index in `directory` as of its last commit. A snapshot may be shared between threads.

    Raises IndexNotFound, IndexFormatError, IndexDamaged, UsageError.
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
            return Snapshot(directory, connection, lock)
        except BaseException:
            connection.close()
            lock.release()
            raise


class Snapshot:
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
        self.pool = pooling.factor_of(self.fingerprint)
        self.generation = catalog.read_meta(connection, "generation")
        """Changes with every commit that adds, removes or reorders pages; in the names of derived files."""
        self._segment_rows = statements.read_segments(connection)
        self._open_segments = OpenSegments(directory, self._segment_rows)
        self._pages: int = connection.execute("SELECT count(*) FROM pages").fetchone()[0]

    def __len__(self) -> int:
        return self._pages

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalog and release the reader's lock; closing twice is harmless."""
        self._is_closed = True
        with self._connection_lock:
            self._open_connection.close()
        self._reader_lock.release()

    def check_open(self) -> None:
        """Raise UsageError after `close`: without the reader's lock a writer may delete what is read."""
        if self._is_closed:
            raise UsageError(f"{self._directory}: the index was closed; open it again")

    @property
    def _connection(self) -> sqlite3.Connection:
        self.check_open()
        return self._open_connection

    @property
    def _segments(self) -> OpenSegments:
        self.check_open()
        return self._open_segments

    @property
    def _page_table(self) -> NDArray[np.void]:
        """A record a page in row order, (N,) PAGE_DTYPE."""
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
        documents = self._column("document")
        order = np.lexsort((self._column("number"), documents))
        _, starts, inverse = np.unique(documents[order], return_index=True, return_inverse=True)
        first = np.empty(len(self), np.int64)
        first[order] = order[starts][inverse]
        return first

    def page_order(self) -> I64:
        """The place of each row in the order of document paths and page numbers, (N,) int64: equal scores follow it.

        Rows themselves follow the history of the index, which must not decide.
        """
        return self._page_order

    @cached_property
    def _page_order(self) -> I64:
        by_path = sorted(self._documents.items(), key=lambda item: item[1][1])
        place = np.zeros(max(self._documents, default=0) + 1, np.int64)
        place[[key for key, _ in by_path]] = np.arange(len(by_path))
        order = np.empty(len(self), np.int64)
        order[np.lexsort((self._column("number"), place[self._column("document")]))] = np.arange(len(self))
        return order

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

    def boxes(self, row: int) -> U16:
        """The boxes of a row's T vectors, (T, 4) uint16 in page fractions times BOX_SCALE, mapped."""
        segment, vectors = self._vectors_of(row)
        return self._segments[segment].boxes[vectors]

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
        parts: list[U16] = []
        for run in self._runs(rows):
            source = self._segments[run.segment]
            first, last = source.offsets[[run.slot, run.slot + run.stop - run.start]].tolist()
            parts.append(source.words[first:last])
        lengths = self.lengths if rows is None else self.lengths[np.asarray(rows, np.int64)]
        values = np.concatenate(parts) if parts else np.zeros(0, np.uint16)
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def text(self, row: int) -> str:
        """The text layer of a row's page, or ""."""
        key = int(self._page_table["key"][row])
        found = self._query("SELECT text FROM page_text WHERE rowid = ?", key)
        return str(found[0][0]) if found else ""

    def documents(self, first: int = 0, count: int = -1) -> dict[str, DocumentRow]:
        """Every document by its path, in path order; or `count` of them after the `first` ones."""
        with self._connection_lock, os_errors.translated(self._directory):
            return catalog.read_documents(self._connection, first, count)

    def document_count(self) -> int:
        """The number of documents, without reading them."""
        return int(self._query("SELECT count(*) FROM documents")[0][0])

    def document(self, *, path: str = "", doc_id: str = "") -> DocumentRow | None:
        """One document by its path or by its id; None if there is none. Does not read the others."""
        with self._connection_lock, os_errors.translated(self._directory):
            found = statements.find_document(self._connection, path=path, doc_id=doc_id)
        return None if found is None else found[1]

    def page_documents(self) -> tuple[I64, dict[int, str]]:
        """The key of each row's document, (N,), and the path of each document by its key."""
        return self._column("document"), {key: path for key, (_, path) in self._documents.items()}

    def failures(self) -> list[Failure]:
        """The documents and pages that could not be indexed, by path and page; a document comes before its pages."""
        found = self._query(
            "SELECT path, NULL AS number, error FROM documents WHERE state = 'failed' UNION ALL "
            "SELECT path, number, reason FROM page_failures JOIN documents ON document = key ORDER BY path, number"
        )
        return [Failure(*row) for row in found]

    def info(self) -> dict[str, str | int | float | dict[str, int]]:
        """The facts for `docsearch info`; sizes in bytes."""
        states = dict(self._query("SELECT state, count(*) FROM documents GROUP BY state"))
        codecs = dict(self._query("SELECT codec, count(*) FROM segments GROUP BY codec ORDER BY codec"))
        with self._connection_lock, os_errors.translated(self._directory):
            counted = compaction.count(self._directory, self._connection)
            size = counted.bytes + layout.catalog_file(self._directory).stat().st_size
        stored = sum(row.pages for row in self._segment_rows.values())
        return {
            "index": str(self._directory),
            "format": catalog.FORMAT,
            "model": str(self.fingerprint.get("name", "")),
            "revision": str(self.fingerprint.get("revision", "")),
            "codec": self.codec,
            "pool": self.pool,
            "documents": sum(states.values()),
            "documents_unfinished": states.get("indexing", 0),
            "documents_failed": states.get("failed", 0),
            "pages": len(self),
            "pages_failed": self._query("SELECT count(*) FROM page_failures")[0][0],
            "failed": len(self.failures()),
            "vectors": self._query("SELECT coalesce(sum(vectors), 0) FROM pages")[0][0],
            "dim": next((row.dim for row in self._segment_rows.values()), 0),
            "segments": counted.segments,
            "segments_by_codec": codecs,
            "dead_pages": stored - len(self),
            "bytes": size,
            "bytes_per_page": round(size / max(1, len(self)), 1),
            "generation": self.generation,
        }

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

    def segment_vectors(self) -> dict[int, int]:
        """The number of live pages' patch vectors by segment, of the segments that have any."""
        ids, starts = np.unique(self._page_table["segment"], return_index=True)
        if not len(ids):
            return {}
        totals = np.add.reduceat(self._page_table["vectors"], starts)  # rows are in the order of segments
        return {i: total for i, total in zip(ids.tolist(), totals.tolist(), strict=True) if total}

    def segment_pages(self, segments: Sequence[int]) -> list[int]:
        """How many pages each of these segments has, deleted ones included."""
        return [self._segment_rows[segment].pages for segment in segments]

    def locations(self) -> tuple[I64, I64]:
        """The segment of each row (N,), and its slot in the segment (N,)."""
        return self._column("segment"), self._column("slot")

    @cached_property
    def _table(self) -> NDArray[np.void]:
        """`_page_table`, from its cached file or from the catalog."""
        if len(self) < CACHED_TABLE_PAGES:
            return self._read_page_table()
        name = f"pages-{self.generation}.npy"
        with suppress(OSError, ValueError, EOFError):
            cached = self.cache.read_array(name)
            if cached.dtype == PAGE_DTYPE and cached.shape == (len(self),):
                return cached
        table = self._read_page_table()
        self.cache.write_file(name, lambda path: np.save(path, table))
        return table

    def _read_page_table(self) -> NDArray[np.void]:
        columns = ", ".join(PAGE_DTYPE.names or ())
        with self._connection_lock, os_errors.translated(self._directory):
            cursor = self._connection.execute(f"SELECT {columns} FROM pages ORDER BY segment, slot")
            try:
                table = np.fromiter(cursor, PAGE_DTYPE, count=len(self))
            except (ValueError, TypeError, OverflowError) as err:
                raise IndexDamaged(f"{self._directory}: the catalog's pages are damaged ({err}); {RESTORE}") from err
        if not are_in(self._segment_rows, table["segment"], table["slot"]):
            raise IndexDamaged(f"{self._directory}: the catalog has pages that are in no segment; {RESTORE}")
        return table

    @cached_property
    def _documents(self) -> dict[int, tuple[str, str]]:
        """Id and path of each document by its key."""
        return {key: (doc_id, path) for key, doc_id, path in self._query("SELECT key, id, path FROM documents")}

    def _column(self, name: str, rows: I64 | Sequence[int] | None = None) -> I64:
        column = self._page_table[name]
        return np.ascontiguousarray(column if rows is None else column[np.asarray(rows, np.int64)])

    def _sorted_locations(self, rows: I64 | None) -> tuple[I64, I64, I64]:
        """All rows, or `rows` sorted and each once, with their segments and slots, (n,) each."""
        chosen = np.arange(len(self)) if rows is None else np.unique(np.asarray(rows, np.int64))
        return chosen, self._column("segment", chosen), self._column("slot", chosen)

    def _runs(self, rows: I64 | Sequence[int] | None) -> Iterator[Run]:
        return blocks.runs(self._column("segment", rows), self._column("slot", rows))

    def _vectors_of(self, row: int) -> tuple[int, slice]:
        """A row's segment, and the slice of its vectors there."""
        segment, slot = int(self._page_table["segment"][row]), int(self._page_table["slot"][row])
        first, last = self._segments[segment].offsets[slot : slot + 2].tolist()
        return segment, slice(first, last)

    def _query(self, statement: str, *values: int | str) -> list[Any]:
        with self._connection_lock, os_errors.translated(self._directory):
            return self._connection.execute(statement, values).fetchall()
