"""Segments that a process without the writer's lock builds: written to a folder of their own, then added to an index.

Any number of processes build segments at the same time, on any machine; the one `IndexWriter` adds them, which moves
their files and writes their pages' rows. `SegmentBuilder` writes, `IndexWriter.add_segment` adds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..compression.residual import Codebook
from ..errors import IndexDamaged
from ..ocr_text import OcrText
from ..records import Lines, PageRef, PagesToStore
from . import durable, layout, statements
from .buffer import PageBuffer
from .segment import SegmentRow, StoredFile

BUILT = 1
"""The number of a segment that is not part of an index yet."""


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """A page of a built segment: the `size_pt`, width and height in points, the number of its patch `vectors`, its text
    layer, its `label`, its `lines`, its `headings` and its `ocr`, as in `PagesToStore`.
    """

    ref: PageRef
    size_pt: tuple[float, float]
    vectors: int
    text: str
    label: str = ""
    lines: Lines | None = None
    headings: str = ""
    ocr: OcrText | None = None


@dataclass(frozen=True, slots=True)
class BuiltSegment:
    """A segment that is no part of an index yet: its `row`, whose number means nothing, its `files` with their
    checksums, and its `pages` in the order of their slots.
    """

    row: SegmentRow
    files: tuple[StoredFile, ...]
    pages: tuple[BuiltPage, ...]

    @property
    def bytes(self) -> int:
        """How many bytes the files have."""
        return sum(file.bytes for file in self.files)


class SegmentBuilder:
    """Collects embedded pages, encoded by `codec`, and writes them as one segment outside of an index.

    `codebook` is the index's, needed with the codec residual.
    """

    def __init__(self, codec: str, codebook: Codebook | None = None) -> None:
        self._codec = codec
        self._codebook = codebook
        self._start()

    def _start(self) -> None:
        self._buffer = PageBuffer(self._codec, None, self._codebook)
        self._pages: list[BuiltPage] = []

    @property
    def is_full(self) -> bool:
        """Whether it is time to write, by the writer's own measure."""
        return self._buffer.is_full

    def __len__(self) -> int:
        return self._buffer.pages

    def add_pages(self, pages: PagesToStore) -> None:
        """Add pages; their refs need no `doc_id` yet. Raises ValueError if shapes do not match."""
        if not len(pages):
            return
        self._buffer.check(pages.vectors, pages.words)
        self._buffer.add(pages.vectors, pages.words)
        for index, (ref, vectors) in enumerate(
            zip(pages.vectors.refs, pages.vectors.vectors.lengths.tolist(), strict=True)
        ):
            width, height = pages.sizes_pt[index].tolist()
            label = pages.labels[index] if pages.labels else ""
            lines = pages.lines[index] if pages.lines else None
            headings = pages.headings[index] if pages.headings else ""
            text, ocr = pages.texts[index], pages.ocr[index] if pages.ocr else None
            self._pages.append(BuiltPage(ref, (width, height), vectors, text, label, lines, headings, ocr))

    def write(self, folder: Path) -> BuiltSegment:
        """Write the pages added since the last call, at least one, as files in `folder`, which must not exist.

        The files are durable. Raises OSError; then nothing is left.
        """
        parent = folder.parent / f"{layout.TEMPORARY}{folder.name}"
        (parent / layout.SEGMENTS).mkdir(parents=True)
        try:
            row, files = self._buffer.write(parent, BUILT)
            layout.segment_folder(parent, BUILT).rename(folder)
        finally:
            durable.delete_folder(parent)
        durable.sync_folder(folder.parent)
        built = BuiltSegment(row, tuple(files), tuple(self._pages))
        self._start()
        return built


def check(built: BuiltSegment, codec: str, dims: tuple[int, int, bool] | None) -> None:
    """Raise ValueError unless a built segment has the codec and the dimensions of an index (`statements.read_dims`)."""
    row, found = built.row, (built.row.dim, built.row.dense_dim, bool(built.row.has_words))
    if row.codec != codec or dims not in (None, found):
        raise ValueError(f"a segment of {row.codec} and {found}, but the index has {codec} and {dims}")


def move_in(directory: Path, number: int, built: BuiltSegment, folder: Path) -> SegmentRow:
    """Move the files of a built segment from `folder` into the index, as segment `number`; return its row.

    `folder` is on the file system of the index. Nothing refers to the segment yet. Raises IndexDamaged if a file is
    missing or has another size than when it was written, and OSError.
    """
    for file in built.files:
        path = folder / file.name
        if not path.is_file() or path.stat().st_size != file.bytes:
            raise IndexDamaged(f"{path}: the file is missing or not {file.bytes:,} bytes long, as it was written")
    durable.publish_folder(folder, layout.segment_folder(directory, number), sync=False)
    durable.sync_folder(directory / layout.SEGMENTS)
    return replace(built.row, id=number)


def insert_pages(
    connection: sqlite3.Connection, segment: int, pages: Sequence[BuiltPage], keys: Mapping[str, int]
) -> None:
    """Add the rows of the pages of a built segment in the open transaction, by the documents' `keys`.

    A page that the index has is left out: its slot counts as a deleted page.
    """
    for slot, page in enumerate(pages):
        key, number = keys[page.ref.doc_id], page.ref.page
        if not is_stored(connection, key, number):
            statements.insert_page(
                connection,
                key,
                number,
                location=(segment, slot),
                size=page.size_pt,
                vectors=page.vectors,
                text=page.text,
                label=page.label,
                lines=page.lines,
                headings=page.headings,
                ocr=page.ocr,
            )


def is_stored(connection: sqlite3.Connection, document: int, number: int) -> bool:
    """Whether the index has a page of a document, given by its key."""
    query = "SELECT 1 FROM pages WHERE document = ? AND number = ?"
    return connection.execute(query, (document, number)).fetchone() is not None
