"""Fills an index with pages whose vectors were made elsewhere: Parquet files in the layout that an export has."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import UsageError
from ..engine.install import pyarrow
from ..engine.ocr_text import OcrText
from ..engine.records import WHOLE_PAGE, PageRef, PagesToStore, PageVectors, PageWords, Ragged
from ..engine.store import BegunDocument, Fingerprint, IndexWriter, open_writer
from ..engine.store.column_values import Value
from ..engine.store.columns import OCR_ENGINE
from . import arrow

REQUIRED = ("path", "page", "vectors")
BATCH_PAGES = 32
LETTER_PT = (612.0, 792.0)
"""The size of a page that has none in the file, in points."""
PAGES_READ = 8
"""Pages with a text layer that the columns of a document are told from."""
Columns = Callable[[str, Mapping[str, str], Sequence[str]], Mapping[str, Value]]
"""What tells a document's columns from its path, what its file says of itself, and texts of its pages."""
MISSING = "not in the files that were imported"
"""Why a page between others of its document is not in the index."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: `documents` and `pages` added; `pages_before` were in the index already."""

    documents: int
    pages: int
    pages_before: int


def run(
    source: Path,
    directory: Path,
    *,
    fingerprint: Fingerprint | None = None,
    codec: str | None = None,
    columns: Columns | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Add the pages of a Parquet file, or of those in a folder, to the index in `directory`, which is made if need be.

    Columns are `path`, `page` (from 1) and `vectors`, a list of lists of D numbers; and, where there are any, `text`,
    `headings` (a line each), `ocr_engine` (what read the text by OCR), `width` and `height` in points, `boxes` (x0, y0,
    x1, y1 in page fractions times 65,535 for each vector), `words` and `single`. `fingerprint` says what made the
    vectors; None takes that of the file, which an export has.
    `columns` tells the columns of a document that conditions compare (its kind, language, …) from its path and texts.
    A killed import goes on when it is run again. Raises UsageError for files that are not as described, with the file
    and the row, and EncoderMismatch where the index has vectors of another model.
    """
    files = _files(source)
    documents = _documents(files)
    made_by = fingerprint or _fingerprint(files[0])
    digest = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode())
    for file in files:
        digest.update(_digest(file))
    total, done, added, before = sum(map(len, documents.values())), 0, 0, 0
    batches = _checked(_batches(files), made_by)
    first = next(batches, [])  # a file that does not fit is refused before an index is made
    with open_writer(directory, fingerprint=made_by, codec=codec) as writer:
        begun: dict[str, BegunDocument] = {}
        known: dict[str, dict[str, Value]] = {}
        engines: dict[str, tuple[int, str]] = {}  # of a document's first page that OCR read
        for rows in chain([first], batches):
            for path in dict.fromkeys(row["path"] for row in rows):
                if path not in begun:
                    own = hashlib.sha256(digest.digest() + path.encode("utf-8", "surrogatepass")).hexdigest()
                    known[path] = writer.properties(path)
                    begun[path] = writer.begin_document(path, own, 0, 0, max(documents[path]))
            new = [row for row in rows if row["page"] not in begun[row["path"]].done_pages]
            if new:
                writer.add_pages(_pages(new, begun))
            for row in rows:
                if row["ocr_engine"] and row["text"].strip():
                    read = row["page"], row["ocr_engine"]
                    engines[row["path"]] = min(read, engines.get(row["path"], read))
            done, added, before = done + len(rows), added + len(new), before + len(rows) - len(new)
            if on_progress is not None:
                on_progress(done, total)
        for path, document in begun.items():
            told: dict[str, Value] = {OCR_ENGINE: engines[path][1]} if path in engines else {}
            if columns is not None:
                told |= columns(path, {}, writer.texts(document.doc_id, PAGES_READ))
            kept = {name: value for name, value in known[path].items() if name != OCR_ENGINE}
            if told or kept != known[path]:  # of its title and author the files say nothing: those known stay
                writer.record_properties(document.doc_id, {**kept, **told})
            _finish(writer, document, documents[path])
    return Imported(len(documents), added, before)


def _files(source: Path) -> list[Path]:
    files = sorted(source.glob("*.parquet")) if source.is_dir() else [source]
    if not files or not files[0].is_file():
        raise UsageError(f"{source}: no Parquet file there; exports in other formats are not imported")
    return files


def _documents(files: list[Path]) -> dict[str, set[int]]:
    """The pages of each document. Reads two columns; raises UsageError for a page that is there twice."""
    pa, parquet = pyarrow()
    found: dict[str, set[int]] = defaultdict(set)
    for file in files:
        try:
            schema = parquet.read_schema(file)
            if missing := [name for name in REQUIRED if name not in schema.names]:
                has = ", ".join(schema.names)
                raise UsageError(f"{file}: has no column {' or '.join(missing)}; it has {has}")
            table = parquet.read_table(file, columns=["path", "page"])
        except (pa.ArrowException, OSError) as err:
            raise UsageError(f"{file}: cannot be read as Parquet: {err}") from err
        for row, (path, page) in enumerate(zip(*(table[name].to_pylist() for name in ("path", "page")), strict=True)):
            if not isinstance(path, str) or not path or not isinstance(page, int) or page < 1:
                raise UsageError(f"{file}, row {row + 1}: path {path!r} and page {page!r} are not a page of a document")
            if page in found[path]:
                raise UsageError(f"{file}, row {row + 1}: page {page} of {path} is there twice")
            found[path].add(page)
    return dict(found)


def _fingerprint(file: Path) -> Fingerprint:
    _, parquet = pyarrow()
    metadata = parquet.read_schema(file).metadata or {}
    try:
        model = json.loads(metadata[arrow.METADATA.encode()])["model"]
    except (KeyError, ValueError):
        model = None
    if not isinstance(model, dict):
        raise UsageError(f"{file}: does not say which model made its vectors; name it with --model or --name")
    return model


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _batches(files: list[Path]) -> Iterator[list[dict[str, Any]]]:
    """A few rows at a time, as columns of numpy arrays for what is numbers."""
    pa, parquet = pyarrow()
    for file in files:
        try:
            with parquet.ParquetFile(file) as opened:
                wanted = [*REQUIRED, "text", "headings", "ocr_engine", "width", "height", "boxes", "words", "single"]
                columns = [name for name in wanted if name in opened.schema_arrow.names]
                first = 0
                for batch in opened.iter_batches(BATCH_PAGES, columns=columns):
                    yield [_row(batch, i, f"{file}, row {first + i + 1}") for i in range(len(batch))]
                    first += len(batch)
        except (pa.ArrowException, OSError) as err:
            raise UsageError(f"{file}: cannot be read as Parquet: {err}") from err


def _row(batch: Any, i: int, where: str) -> dict[str, Any]:
    row: dict[str, Any] = {name: batch[name][i].as_py() for name in ("path", "page")}
    row["vectors"] = vectors = _matrix(batch["vectors"][i], np.float16, where, "vectors")
    if not len(vectors):
        raise UsageError(f"{where}: has no vectors")
    if not np.isfinite(vectors).all():
        raise UsageError(f"{where}: a vector has numbers that are not finite, or too large for float16")
    names = batch.schema.names
    row["boxes"] = np.tile(WHOLE_PAGE, (len(vectors), 1))
    if "boxes" in names:
        row["boxes"] = _matrix(batch["boxes"][i], np.uint16, where, "boxes")
        if row["boxes"].shape != (len(vectors), 4):
            raise UsageError(f"{where}: {len(vectors)} vectors came with boxes of shape {row['boxes'].shape}")
    row["words"] = None
    if "words" in names and batch["words"][i].is_valid:
        row["words"] = np.array(batch["words"][i].as_py(), np.uint16)
        if len(row["words"]) != len(vectors):
            raise UsageError(f"{where}: {len(vectors)} vectors came with {len(row['words'])} words")
    row["single"] = np.array(batch["single"][i].as_py() if "single" in names else [], np.float16)
    for name in ("text", "headings", "ocr_engine"):
        row[name] = (batch[name][i].as_py() or "") if name in names else ""
    row["size"] = [
        float((batch[name][i].as_py() or usual) if name in names else usual)
        for name, usual in zip(("width", "height"), LETTER_PT, strict=True)
    ]
    return row


def _matrix(value: Any, dtype: Any, where: str, name: str) -> np.ndarray:
    """A list of lists of D numbers as (T, D)."""
    try:
        inner = value.values
        flat = np.asarray(inner.flatten().to_numpy(zero_copy_only=False))
        return flat.reshape(len(inner), -1).astype(dtype) if len(inner) else np.zeros((0, 0), dtype)
    except (AttributeError, ValueError, TypeError) as err:
        raise UsageError(f"{where}: {name} must be a list of lists of equally many numbers") from err


def _checked(batches: Iterator[list[dict[str, Any]]], made_by: Fingerprint) -> Iterator[list[dict[str, Any]]]:
    """The same rows. Raises UsageError for vectors that are not as long as those of the model that is said to have made
    them.
    """
    dim = made_by.get("dim")
    for rows in batches:
        for row in rows:
            if dim is not None and (found := row["vectors"].shape[1]) != dim:
                raise UsageError(
                    f"{row['path']}, page {row['page']}: vectors of {found} dimensions, but {made_by.get('name')} "
                    f"makes vectors of {dim}"
                )
        yield rows


def _pages(rows: list[dict[str, Any]], begun: Mapping[str, BegunDocument]) -> PagesToStore:
    dims = {(row["vectors"].shape[1], len(row["single"]), row["words"] is None) for row in rows}
    if len(dims) > 1:
        raise UsageError(f"pages came with vectors of different dimensions, or only some with words: {sorted(dims)}")
    refs = tuple(PageRef(begun[row["path"]].doc_id, row["path"], row["page"]) for row in rows)
    vectors = PageVectors(
        refs,
        Ragged.of([row["vectors"] for row in rows]),
        np.concatenate([row["boxes"] for row in rows]),
        np.stack([row["single"] for row in rows]),
    )
    words = None if rows[0]["words"] is None else np.concatenate([row["words"] for row in rows])
    sizes = np.array([row["size"] for row in rows])
    headings = [row["headings"] for row in rows]
    nothing = PageWords((), np.zeros((0, 4), np.float32))  # the places of words are not exported
    ocr = [OcrText(row["ocr_engine"], nothing) if row["ocr_engine"] else None for row in rows]
    return PagesToStore(vectors, [row["text"] for row in rows], sizes, words, headings=headings, ocr=ocr)


def _finish(writer: IndexWriter, document: BegunDocument, pages: set[int]) -> None:
    for page in sorted(set(range(1, max(pages) + 1)) - pages - document.done_pages):
        writer.fail_page(document.doc_id, page, MISSING)
    writer.finish_document(document.doc_id, max(pages))
