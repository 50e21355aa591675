"""An export into a folder: a file for each part, and a manifest from which a killed export goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import UsageError
from ..engine.install import pyarrow
from ..engine.store import Snapshot
from ..engine.store.durable import atomic_file
from ..engine.store.os_errors import translated
from . import arrow, pages
from .pages import ExportedPages, Vectors

MANIFEST = "_manifest.json"  # readers of Parquet folders skip names with "_"
FORMAT = 1
ROW_GROUP_VECTORS = 1 << 14
"""Vectors of a row group, at least: what readers and writers of Parquet have in memory several times, with 4 bytes of
levels for each number beside it."""
Thumbnails = Callable[[ExportedPages], "list[bytes | None]"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: `pages` and `bytes`, of which `pages_before` were there from an earlier run."""

    pages: int
    bytes: int
    pages_before: int


def export(
    snapshot: Snapshot,
    folder: Path,
    *,
    file_format: str,
    vectors: Vectors = "float16",
    path: str | None = None,
    thumbnails: Thumbnails | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the pages of documents that match the glob `path`, or all, to files in `folder`, which is made if need be.

    `file_format` is "parquet" or "npz". Files that an earlier run with the same settings and the same state of the
    index wrote are kept. `thumbnails` makes a JPEG for each page. `on_progress` is called with the pages written so far
    and those in total. Raises UsageError where the folder has an export of another state or something else, and
    StorageFull.
    """
    description = describe(snapshot, vectors, path) | {"thumbnails": thumbnails is not None, "files": file_format}
    rows = pages.parts(snapshot, path)
    total, done, before, written = sum(map(len, rows)), 0, 0, 0
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _claim(folder, description)
        for number, part in enumerate(rows):
            file = folder / f"part-{number:05}.{file_format}"
            if file.exists():
                before += len(part)
            else:
                read = pages.read(snapshot, part, vectors)
                pictures = None if thumbnails is None else thumbnails(read)
                with atomic_file(file) as temporary:
                    (_write_npz if file_format == "npz" else _write_parquet)(temporary, read, description, pictures)
            snapshot.release_memory()
            done, written = done + len(part), written + file.stat().st_size
            if on_progress is not None:
                on_progress(done, total)
        _write_manifest(folder, description | {"complete": True, "pages": total, "parts": len(rows)})
    return Exported(total, written, before)


def describe(snapshot: Snapshot, vectors: Vectors, path: str | None) -> dict[str, object]:
    """What the files of an export hold, as JSON: two exports with the same description have the same content."""
    facts = snapshot.info()
    return {
        "format": FORMAT,
        "model": dict(snapshot.fingerprint),
        "vectors": vectors,
        "codec": facts["codec"] if vectors == "stored" else vectors,
        "dim": facts["dim"],
        "path": path,
        "generation": snapshot.generation,
    }


def _claim(folder: Path, description: Mapping[str, object]) -> None:
    """Begin an export, or continue one with the same description."""
    manifest = folder / MANIFEST
    if manifest.exists():
        try:
            found = json.loads(manifest.read_text("utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict) or {name: found.get(name) for name in description} != dict(description):
            raise UsageError(
                f"{folder}: has an export of another index, of another state of this one, or with other options; "
                "choose another folder, or delete it"
            )
    elif any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty and has no {MANIFEST} of an export; choose another folder")
    else:
        _write_manifest(folder, {**description, "complete": False})


def _write_manifest(folder: Path, manifest: Mapping[str, object]) -> None:
    with atomic_file(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def _write_parquet(
    file: Path, read: ExportedPages, description: Mapping[str, object], thumbnails: list[bytes | None] | None
) -> None:
    pa, parquet = pyarrow()
    rows = arrow.table(read, description, thumbnails)
    # Arrow's own pool would keep what each part took.
    options = {"compression": "zstd", "use_dictionary": ["doc_id", "path"], "memory_pool": pa.system_memory_pool()}
    with parquet.ParquetWriter(file, rows.schema, **options) as writer:
        for first, last in _row_groups(read):
            writer.write_table(rows.slice(first, last - first))


def _row_groups(read: ExportedPages) -> Iterator[tuple[int, int]]:
    """The first page of each row group, and the one after its last."""
    starts = [0]
    if read.offsets is not None:
        starts = np.flatnonzero(np.diff(read.offsets[:-1] // ROW_GROUP_VECTORS, prepend=-1)).tolist()
    yield from pairwise([*starts, len(read)])


def _write_npz(
    file: Path, read: ExportedPages, description: Mapping[str, object], thumbnails: list[bytes | None] | None
) -> None:
    arrays: dict[str, Any] = {
        "id": np.array(read.ids, np.str_),
        "doc_id": np.array([ref.doc_id for ref in read.refs], np.str_),
        "path": np.array([ref.path for ref in read.refs], np.str_),
        "page": np.array([ref.page for ref in read.refs], np.int32),
        "size": read.sizes,
        "ocr_engine": np.array(read.ocr_engines, np.str_),
        "description": np.array(json.dumps(description)),
        **_bytes("text", [text.encode("utf-8", "replace") for text in read.texts]),
        **_bytes("headings", [headings.encode("utf-8", "replace") for headings in read.headings]),
    }
    optional: dict[str, np.ndarray | None] = {
        "offsets": read.offsets,
        "boxes": read.boxes,
        "words": read.words,
        "single": read.single,
    }
    if read.vectors is not None:
        optional["vectors"] = read.vectors.values
    if read.coded is not None:
        optional |= {"codes": read.coded.values, "scales": read.coded.scales}
    if thumbnails is not None:
        optional |= _bytes("thumbnail", [each or b"" for each in thumbnails])
    arrays |= {name: array for name, array in optional.items() if array is not None}
    with file.open("wb") as stream:
        np.savez(stream, **arrays)


def _bytes(name: str, values: Sequence[bytes]) -> dict[str, np.ndarray]:
    """Strings of any length without padding: their bytes end to end, and where each begins, (n + 1,) int64."""
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in values])]).astype(np.int64)
    return {name: np.frombuffer(b"".join(values), np.uint8), f"{name}_offsets": offsets}
