"""A reader's view of an index: the state of one commit, whatever a writer does meanwhile.

Opening it reads a few catalog rows; the table of pages is read when rows are first asked for, and vectors, boxes and
words are mapped, never read whole.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compression import pooling
from ..records import F16, F32, I64, U16, PageRef, Ragged
from . import blocks, catalog, compaction, layout, os_errors, statements, verify
from .blocks import Block, Run
from .catalog import DocumentRow, Failure, Fingerprint
from .locks import ReaderLock
from .mmap import LEAST_BYTES
from .segment import OpenSegments

logger = logging.getLogger(__name__)

BLOCK_VECTORS = 65536
PLACE = np.dtype(
    [(name, np.int64) for name in ("key", "document", "number", "segment", "slot", "vectors")]
    + [(name, np.float32) for name in ("width", "height")]
)
KEPT_PAGES = 20_000
"""The table of as many pages is kept in the cache: to read it from the catalog takes a second for 500,000 pages."""


def open_snapshot(directory: Path) -> Snapshot:
    """Open the index in `directory` as it was last committed.

    Raises IndexNotFound, IndexFormatError, IndexDamaged. Snapshots may be shared between threads.
    """
    with os_errors.translated(directory):
        if not catalog.exists(directory):
            catalog.open_to_read(directory)  # raises IndexNotFound, before a lock file is made
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
    """N live pages as rows 0..N-1; see `open_snapshot`. Arrays it gave out stay valid after it is closed."""

    def __init__(self, directory: Path, connection: sqlite3.Connection, lock: ReaderLock) -> None:
        self._directory = directory
        self._connection = connection
        self._lock = lock
        self._one_at_a_time = threading.RLock()
        self.fingerprint: Fingerprint = catalog.read_fingerprint(connection)
        self.codec = catalog.read_meta(connection, "codec")
        self.pool = pooling.factor_of(self.fingerprint)
        self.generation = catalog.read_meta(connection, "generation")
        """Changes with every commit that adds, removes or reorders pages: the key of derived files."""
        self._segment_rows = statements.read_segments(connection)
        self._segments = OpenSegments(directory, self._segment_rows)
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
        """Let go of the index; closing twice is harmless."""
        self._connection.close()
        self._lock.release()

    def refs(self, wanted: I64 | Sequence[int]) -> list[PageRef]:
        """The pages of rows `wanted` (n,)."""
        places = self._places[np.asarray(wanted, np.int64)]
        documents = self._documents
        return [
            PageRef(*documents[key], number)
            for key, number in zip(places["document"].tolist(), places["number"].tolist(), strict=True)
        ]

    def row_of(self, ref: PageRef) -> int | None:
        """The row of a page; None where there is no such page."""
        found = self._query(
            "SELECT segment, slot FROM pages JOIN documents ON document = documents.key "
            "WHERE documents.id = ? AND path = ? AND number = ?",
            ref.doc_id, ref.path, ref.page,
        )  # fmt: skip
        if not found:
            return None
        ((segment, slot),) = found
        first, last = np.searchsorted(self._places["segment"], [segment, segment + 1]).tolist()
        return int(first + np.searchsorted(self._places["slot"][first:last], slot))

    def paths(self) -> NDArray[np.object_]:
        """The path of each row's document, (N,) str."""
        keys, inverse = np.unique(self._places["document"], return_inverse=True)
        paths = np.array([self._documents[key][1] for key in keys.tolist()], dtype=object)
        found: NDArray[np.object_] = paths[inverse]
        return found

    def sizes(self, wanted: I64 | Sequence[int]) -> F32:
        """Width and height of rows `wanted` (n,) in points, (n, 2) float32."""
        places = self._places[np.asarray(wanted, np.int64)]
        return np.stack([places["width"], places["height"]], axis=1)

    @property
    def lengths(self) -> I64:
        """Vectors of each row, (N,) int64."""
        return self._column("vectors")

    def first_pages(self) -> I64:
        """The row of the first page of each row's document, the first that is there, (N,) int64."""
        return self._first_pages

    @cached_property
    def _first_pages(self) -> I64:
        documents = self._column("document")
        order = np.lexsort((self._column("number"), documents))
        _, starts, inverse = np.unique(documents[order], return_index=True, return_inverse=True)
        first = np.empty(len(self), np.int64)
        first[order] = order[starts][inverse]
        return first

    def single(self, wanted: I64 | Sequence[int] | None = None) -> F16:
        """One vector a row for stage 1, of all rows (N, S) float16, or of rows `wanted` in that order."""
        where, slots = self._column("segment", wanted), self._column("slot", wanted)
        order = np.argsort(where, kind="stable")
        segments, starts = np.unique(where[order], return_index=True)
        found = np.empty((len(where), self.single_dim), np.float16)
        for segment, (first, last) in zip(segments.tolist(), pairwise([*starts.tolist(), len(where)]), strict=True):
            source = self.segment_single(segment, last - first)
            np.take(source, slots[order[first:last]], axis=0, out=found[first:last], mode="clip")
        return found if (np.diff(order) == 1).all() else found[np.argsort(order)]

    @property
    def single_dim(self) -> int:
        """Dimensions of the single vectors; 0 where there are none."""
        return next((row.single_dim for row in self._segment_rows.values()), 0)

    def segment_single(self, segment: int, pages: int) -> F16:
        """The single vectors of a segment's pages, (P, S) float16, mapped; so many `pages` are about to be read."""
        found = self._segments[segment].single
        around = max(LEAST_BYTES, found.shape[1] * found.itemsize)
        self._segments.note_bytes(min(pages * around, found.nbytes))
        return found

    def blocks(self, max_vectors: int = BLOCK_VECTORS, rows: I64 | None = None) -> Iterator[Block]:
        """The vectors of all rows, or of `rows` (each once), in row order, at most `max_vectors` a block unless one
        page has more. Neighbours on disk are views of the memory map; scattered pages are gathered into common blocks.
        """
        return blocks.blocks(self._segments, *self._where(rows), max_vectors)

    def views(self, rows: I64 | None = None, max_vectors: int = BLOCK_VECTORS) -> Iterator[list[Block]]:
        """The same without a copy: blocks of neighbours, as many together as have one codec and so many vectors."""
        return blocks.views(self._segments, *self._where(rows), max_vectors)

    def _where(self, rows: I64 | None) -> tuple[I64, I64, I64]:
        """Rows in order, each once, or all, and their places."""
        wanted = np.arange(len(self)) if rows is None else np.unique(np.asarray(rows, np.int64))
        places = self._places[wanted]
        return wanted, np.ascontiguousarray(places["segment"]), np.ascontiguousarray(places["slot"])

    def boxes(self, row: int) -> U16:
        """The boxes of a row's vectors, (T_r, 4) uint16 in page fractions times BOX_SCALE, mapped."""
        segment, vectors = self._vectors_of(row)
        return self._segments[segment].boxes[vectors]

    @property
    def has_words(self) -> bool:
        """Whether every vector has a visual word."""
        return bool(self._segment_rows) and all(row.has_words for row in self._segment_rows.values())

    def words(self, wanted: I64 | Sequence[int] | None = None) -> Ragged:
        """The visual words of all rows, or of rows `wanted` in that order: n pages, values (T,) uint16. Raises
        ValueError unless `has_words`.
        """
        if not self.has_words:
            raise ValueError(f"{self._directory}: this index has no visual words")
        parts: list[U16] = []
        for run in self._runs(wanted):
            source = self._segments[run.segment]
            first, last = source.offsets[[run.slot, run.slot + run.stop - run.start]].tolist()
            parts.append(source.words[first:last])
        lengths = self.lengths if wanted is None else self.lengths[np.asarray(wanted, np.int64)]
        values = np.concatenate(parts) if parts else np.zeros(0, np.uint16)
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def text(self, row: int) -> str:
        """The text layer of a row's page, or ""."""
        key = int(self._places["key"][row])
        found = self._query("SELECT text FROM page_text WHERE rowid = ?", key)
        return str(found[0][0]) if found else ""

    def documents(self) -> dict[str, DocumentRow]:
        """Every document by its path, in path order."""
        with self._one_at_a_time, os_errors.translated(self._directory):
            return catalog.read_documents(self._connection)

    def failures(self) -> list[Failure]:
        """What could not be indexed, by path and page; a whole document (page None) comes before its pages."""
        found = self._query(
            "SELECT path, NULL AS number, error FROM documents WHERE state = 'failed' UNION ALL "
            "SELECT path, number, reason FROM page_failures JOIN documents ON document = key ORDER BY path, number"
        )
        return [Failure(*row) for row in found]

    def info(self) -> dict[str, str | int | float | dict[str, int]]:
        """The facts that `docsearch info` shows; sizes in bytes."""
        states = dict(self._query("SELECT state, count(*) FROM documents GROUP BY state"))
        codecs = dict(self._query("SELECT codec, count(*) FROM segments GROUP BY codec ORDER BY codec"))
        with self._one_at_a_time:
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
        """Everything wrong with the index, a sentence each; reads every byte of it."""
        with self._one_at_a_time:
            return verify.problems(self._directory, self._connection)

    def segment_vectors(self) -> dict[int, int]:
        """The vectors of live pages in each segment that has any, by its number."""
        ids, starts = np.unique(self._places["segment"], return_index=True)
        if not len(ids):
            return {}
        totals = np.add.reduceat(self._places["vectors"], starts)  # rows are in the order of segments
        return {i: total for i, total in zip(ids.tolist(), totals.tolist(), strict=True) if total}

    def segment_pages(self, segments: Sequence[int]) -> list[int]:
        """How many pages each of these segments has, dead ones included."""
        return [self._segment_rows[segment].pages for segment in segments]

    def places(self) -> tuple[I64, I64]:
        """The segment of each row, (N,), and the row's slot there, (N,)."""
        return self._column("segment"), self._column("slot")

    def cache_folders(self, prefix: str) -> list[Path]:
        """The derived folders whose names begin so, by name."""
        return sorted(self.cache_path(prefix).parent.glob(f"{prefix}*"))

    @contextmanager
    def new_cache_folder(self, name: str) -> Iterator[Path | None]:
        """A folder to write derived files to, which gets its `name` at the end; None where there can be none."""
        final = self.cache_path(name)
        temporary = final.with_name(f"{layout.TEMPORARY}{os.getpid()}-{name}")
        try:
            temporary.mkdir()
        except OSError as err:
            logger.debug("%s is not kept: %s", final, err)
            yield None
            return
        try:
            yield temporary
            shutil.rmtree(final, ignore_errors=True)  # an old one, or one that somebody else has just made
            with suppress(OSError):
                temporary.rename(final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def keep(self, file: Path, write: Callable[[Path], object]) -> None:
        """Have a derived file written under a temporary name, and rename it; where that fails it is made again next
        time.
        """
        temporary = file.with_name(f"{layout.TEMPORARY}{os.getpid()}-{file.name}")
        try:
            write(temporary)
            temporary.replace(file)
        except (OSError, RuntimeError) as err:
            logger.debug("%s is not kept: %s", file, err)
            temporary.unlink(missing_ok=True)

    def cache_path(self, name: str) -> Path:
        """Where a derived file of this name belongs; it may be missing. A name carries the `generation` it was made
        from: a writer deletes files of others when nobody reads. The folder is made if the index can be written to.
        """
        path = layout.cache_file(self._directory, name)
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as err:
            logger.debug("%s: no cache folder: %s", self._directory, err)
        return path

    @cached_property
    def _places(self) -> NDArray[np.void]:
        """The table of pages in row order, (N,) PLACE."""
        if len(self) < KEPT_PAGES:
            return self._read_places()
        file = self.cache_path(f"pages-{self.generation}.npy")
        with suppress(OSError, ValueError, EOFError):
            kept = np.load(file, mmap_mode="r", allow_pickle=False)
            if kept.dtype == PLACE and kept.shape == (len(self),):
                return np.asarray(kept)
        places = self._read_places()
        self.keep(file, lambda path: np.save(path, places))
        return places

    def _read_places(self) -> NDArray[np.void]:
        names = ", ".join(PLACE.names or ())
        with self._one_at_a_time, os_errors.translated(self._directory):
            cursor = self._connection.execute(f"SELECT {names} FROM pages ORDER BY segment, slot")
            return np.fromiter(cursor, PLACE, count=len(self))

    @cached_property
    def _documents(self) -> dict[int, tuple[str, str]]:
        """Id and path of each document by its key."""
        return {key: (doc_id, path) for key, doc_id, path in self._query("SELECT key, id, path FROM documents")}

    def _column(self, name: str, wanted: I64 | Sequence[int] | None = None) -> I64:
        column = self._places[name]
        return np.ascontiguousarray(column if wanted is None else column[np.asarray(wanted, np.int64)])

    def _runs(self, wanted: I64 | Sequence[int] | None) -> Iterator[Run]:
        return blocks.runs(self._column("segment", wanted), self._column("slot", wanted))

    def _vectors_of(self, row: int) -> tuple[int, slice]:
        segment, slot = int(self._places["segment"][row]), int(self._places["slot"][row])
        first, last = self._segments[segment].offsets[slot : slot + 2].tolist()
        return segment, slice(first, last)

    def _query(self, statement: str, *values: int | str) -> list[Any]:
        with self._one_at_a_time, os_errors.translated(self._directory):
            return self._connection.execute(statement, values).fetchall()
