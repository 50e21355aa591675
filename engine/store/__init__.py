"""The index on disk: `open_writer` changes it, `open_snapshot` reads it. Knows nothing of models or documents' files.

Segment, snapshot, commit, merge (here: compaction) and Searcher are Lucene's words and mean what they mean there:
segments are written once and never change, a snapshot is a point-in-time view, deleted pages are tombstones (rows gone
from the catalog) until a compaction rewrites their segment.
"""

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
