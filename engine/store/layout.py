"""The names of every file and folder of an index, and the one way to make a new name durable.

catalog.sqlite       what is in the index (SQLite, with its -wal and -shm while it is open)
writer.lock          held by the one writer; holds its process id
readers.lock         shared by every open snapshot; a writer deletes old segments only when nobody holds it
segments/00000001/   one committed segment: the .npy files below; `.tmp-…` while it is being written
codebook.npy         visual words, float16 (V, D): only with the codec residual
roots.json           the folders it was made from, absolute, newest first (written by the indexer)
.uploads/            documents that the server was sent, each in a folder of its own (written by the server)
uploads.lock         held by the one server that takes uploads
cache/               derived files (FAISS …): may be deleted at any time
"""

from __future__ import annotations

import os
from pathlib import Path

CATALOG = "catalog.sqlite"
CODEBOOK = "codebook.npy"
ROOTS = "roots.json"
UPLOADS = ".uploads"
UPLOADS_LOCK = "uploads.lock"
WRITER_LOCK = "writer.lock"
READERS_LOCK = "readers.lock"
SEGMENTS = "segments"
CACHE = "cache"
TEMPORARY = ".tmp-"

VECTORS = "vectors.npy"
SCALES = "scales.npy"
OFFSETS = "offsets.npy"
BOXES = "boxes.npy"
SINGLE = "single.npy"
WORDS = "words.npy"


def catalog_file(directory: Path) -> Path:
    return directory / CATALOG


def codebook_file(directory: Path) -> Path:
    return directory / CODEBOOK


def segment_folder(directory: Path, segment: int) -> Path:
    """Where the committed files of segment number `segment` lie."""
    return directory / SEGMENTS / f"{segment:08d}"


def temporary_folder(directory: Path, segment: int) -> Path:
    """Where segment number `segment` is written before it is renamed to its own name."""
    return directory / SEGMENTS / f"{TEMPORARY}{segment:08d}"


def cache_file(directory: Path, name: str) -> Path:
    return directory / CACHE / name


def sync_folder(folder: Path) -> None:
    """Make the names in a folder (new, renamed, deleted) survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
