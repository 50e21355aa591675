"""The errors a caller may catch, as one tree.

DocsearchError
├── UsageError            the request cannot be carried out: a missing path, a wrong option
│   ├── EncoderMismatch   the index was made with another model, revision or resolution
│   └── NothingFound      there is no document at the paths that were given
├── DocumentError         a document or page cannot be read; the run continues without it
├── IndexNotFound         there is no index where one was expected
├── IndexLocked           another process is writing to the index
├── IndexFormatError      the index has a format that this version does not read
├── IndexDamaged          the bytes on disk are not the bytes that were committed
├── StorageFull           the disk is full; the last committed state is intact
├── StorageFailed         the disk or the system did not carry out a read, a write or a lock
└── ShardsUnavailable     no worker of some shards on a cluster answered in time
"""

from __future__ import annotations

from collections.abc import Sequence


class DocsearchError(Exception):
    """Base of every error that docsearch raises on purpose; its message says what was found, and what to do."""


class UsageError(DocsearchError):
    """The request cannot be carried out."""


class EncoderMismatch(UsageError):
    """The index was made with another model, revision or resolution."""


class NothingFound(UsageError):
    """There is no document at the paths that were given."""


class DocumentError(DocsearchError):
    """A document or page cannot be read."""


class IndexNotFound(DocsearchError):
    """There is no index where one was expected."""


class IndexLocked(DocsearchError):
    """Another process is writing to the index."""


class IndexFormatError(DocsearchError):
    """The index has a format that this version does not read."""


class IndexDamaged(DocsearchError):
    """The bytes on disk are not the bytes that were committed."""


class StorageFull(DocsearchError):
    """The disk is full; the last committed state is intact."""


class StorageFailed(DocsearchError):
    """The disk or the system did not carry out a read, a write or a lock."""


class ShardsUnavailable(DocsearchError):
    """No worker of some `shards` of an index on a cluster answered in time."""

    def __init__(self, shards: Sequence[str]) -> None:
        names = ", ".join(each or "of the whole index" for each in shards)
        super().__init__(
            f"shard {names} does not answer, so there is no answer of the whole index; wait until its worker runs "
            "again, have more with --replicas, or accept answers without it with --partial"
        )
        self.shards = tuple(shards)
