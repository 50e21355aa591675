"""Progress and final report of an indexing run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..engine.store import Failure
from .metadata_report import MetadataReport
from .other_kinds import OtherKind


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    `documents` and `bytes` count what has been rendered or skipped, out of `documents_total` and `bytes_total` found;
    a document that is under way counts with its share of pages that are done. `bytes_skipped` belong to documents and
    pages that needed no rendering. `pages` are embedded, out of `pages_total` that the documents opened so far lacked;
    `ocr_pages` of them were read by OCR. `failed` counts documents and pages, `seconds` is the time since the start,
    `path` the document that this report is about, or "".
    """

    documents: int
    documents_total: int
    bytes: int
    bytes_total: int
    bytes_skipped: int
    pages: int
    pages_total: int
    failed: int
    seconds: float
    path: str
    ocr_pages: int = 0


class Interrupted(Exception):
    """Raised by `on_progress` to end a run early: embedded pages are committed, and the next run continues there."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did.

    `documents` and `pages` were added or replaced; documents were `skipped` as unchanged, recognised as `moved`,
    `removed` by pruning, or `vanished` from disk but kept in the index; those in an `unreachable` folder, as on a disk
    that is not mounted, are kept whatever was asked; `failed` lists what failed, with reasons;
    `new_failures` are those of `failed` that an earlier run had not recorded, for the same content and reason.
    `other_kinds` counts the files that are not documents, the most frequent kind first; `excluded` is how many files
    and folders were left out as asked, `ignored` how many by `.docsearchignore` files; `folders` were left out because
    they are hidden or a tool's. `unread` counts, by kind, the pages and documents that were indexed and have
    content that was not read (`store.UnreadContent`). `metadata` is what became of the columns that users give, None
    where there are none. For `unselected` files the condition `where` does not hold. `ocr_pages` of the pages
    had no text layer and were read by OCR.
    """

    documents: int
    pages: int
    skipped: int
    moved: int
    removed: int
    vanished: int
    failed: tuple[Failure, ...]
    seconds: float
    new_failures: tuple[Failure, ...] = ()
    other_kinds: tuple[OtherKind, ...] = ()
    excluded: int = 0
    ignored: int = 0
    folders: tuple[OtherKind, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
    unreachable: tuple[str, ...] = ()
    metadata: MetadataReport | None = None
    unselected: int = 0
    ocr_pages: int = 0
