"""The index on disk: `open_writer` changes it, `open_snapshot` reads it. Knows nothing of models or documents' files.

Segment, snapshot, commit, merge (here: compaction) and Searcher are Lucene's words and mean what they mean there:
segments are written once and never change, a snapshot is a point-in-time view, deleted pages are tombstones (rows gone
from the catalog) until a compaction rewrites their segment.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .begun import BegunDocument
    from .blocks import Block
    from .built import BuiltPage, BuiltSegment, SegmentBuilder
    from .catalog import DocumentRow, Failure, Fingerprint, check_encoder
    from .combined import CombinedSnapshot, open_combined
    from .compaction import CompactReport
    from .snapshot import Snapshot, open_snapshot
    from .unread import UnreadContent
    from .writer import IndexWriter, open_writer

__all__ = [
    "BegunDocument",
    "Block",
    "BuiltPage",
    "BuiltSegment",
    "CombinedSnapshot",
    "CompactReport",
    "DocumentRow",
    "Failure",
    "Fingerprint",
    "IndexWriter",
    "SegmentBuilder",
    "Snapshot",
    "UnreadContent",
    "check_encoder",
    "open_combined",
    "open_snapshot",
    "open_writer",
]
_HOMES = {
    ".begun": ("BegunDocument",),
    ".blocks": ("Block",),
    ".built": ("BuiltPage", "BuiltSegment", "SegmentBuilder"),
    ".catalog": ("DocumentRow", "Failure", "Fingerprint", "check_encoder"),
    ".combined": ("CombinedSnapshot", "open_combined"),
    ".compaction": ("CompactReport",),
    ".snapshot": ("Snapshot", "open_snapshot"),
    ".unread": ("UnreadContent",),
    ".writer": ("IndexWriter", "open_writer"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Each name is imported when it is first used: a question needs nothing of what changes an index."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name], __name__), name)
