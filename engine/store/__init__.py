"""The index on disk: `open_writer` to change it, `open_snapshot` to read it. Knows nothing of models or files."""

from __future__ import annotations

from .blocks import Block
from .catalog import DocumentRow, Failure, Fingerprint, check_encoder
from .compaction import CompactReport
from .snapshot import Snapshot, open_snapshot
from .writer import BegunDocument, IndexWriter, open_writer

__all__ = [
    "BegunDocument",
    "Block",
    "CompactReport",
    "DocumentRow",
    "Failure",
    "Fingerprint",
    "IndexWriter",
    "Snapshot",
    "check_encoder",
    "open_snapshot",
    "open_writer",
]
