"""What a run of `index` says about itself: how far it is, and in the end what it did."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.store import Failure


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: bytes of documents looked at out of all, pages embedded, out of those that the documents opened
    so far lacked, failures, seconds since the start.
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


class Interrupted(Exception):
    """What `on_progress` raises to end a run early: what is embedded is committed, and the next run goes on there."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did: `documents` and `pages` added or renewed, documents `skipped` as unchanged, `moved`, `removed`
    (pruned) or `vanished` (gone from disk and still in the index), and what `failed`, each with its reason.
    """

    documents: int
    pages: int
    skipped: int
    moved: int
    removed: int
    vanished: int
    failed: tuple[Failure, ...]
    seconds: float
