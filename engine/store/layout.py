"""The names of every file and folder of an index.

catalog.sqlite       what is in the index (SQLite, with its -wal and -shm while it is open)
writer.lock          held by the one writer; contains its process id
readers.lock         held shared by a snapshot that opens, and exclusively while segments are deleted (readers.py)
readers/             a file for each generation that is read, named by it: held shared by its open snapshots
segments/00000001/   one committed segment: the .npy files below
shards.json          the names of the shards, in an index whose segments are divided among folders (shards.py)
shards/0000/         a shard, with segments/ of its own
codebook.npy         centroids of the visual words, (V, D) float16: only with the codec residual
roots.json           the folders that were indexed, absolute, newest first (written by the indexer)
sources.json         what 'docsearch update' reads again: files and folders, and settings (written by the indexer)
watch.lock           held by the one process that watches the folders
.uploads/            documents that clients sent to the server, each in its own folder (written by the server)
uploads.lock         held by the one server that accepts uploads
marks.jsonl          hits that people marked right or wrong (written by the server, see evaluation/marks.py)
marks.lock           held while that is written
server.json          the address of a server that runs on this index (written by the server)
staging/             segments that other processes build and that are no part of the index yet (see built.py)
cache/               derived files, such as posting lists: may be deleted at any time
.tmp-…               in any of these folders: a file or folder that is being written (durable.py)
"""

from __future__ import annotations

from pathlib import Path

CATALOG = "catalog.sqlite"
CODEBOOK = "codebook.npy"
ROOTS = "roots.json"
SOURCES = "sources.json"
WATCH_LOCK = "watch.lock"
UPLOADS = ".uploads"
UPLOADS_LOCK = "uploads.lock"
MARKS = "marks.jsonl"
MARKS_LOCK = "marks.lock"
SERVER = "server.json"
WRITER_LOCK = "writer.lock"
READERS_LOCK = "readers.lock"
READERS = "readers"
SEGMENTS = "segments"
SHARDS = "shards"
SHARD_LIST = "shards.json"
STAGING = "staging"
CACHE = "cache"
TEMPORARY = ".tmp-"

VECTORS = "vectors.npy"
SCALES = "scales.npy"
OFFSETS = "offsets.npy"
BOXES = "boxes.npy"
DENSE = "single.npy"
WORDS = "words.npy"


def catalog_file(directory: Path) -> Path:
    return directory / CATALOG


def codebook_file(directory: Path) -> Path:
    return directory / CODEBOOK


def server_file(directory: Path) -> Path:
    return directory / SERVER


def segment_folder(directory: Path, segment: int) -> Path:
    """The folder of segment number `segment` in an index, or in one shard of it: see `shards.find_segment`."""
    return directory / SEGMENTS / f"{segment:08d}"
