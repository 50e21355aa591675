"""What a run of the indexer is told: which files it takes, and how it reads, embeds and stores documents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChoice:
    """Which of the files that are found are indexed; `pipeline.index_documents` explains each field."""

    exclude: tuple[str, ...] = ()
    kinds: tuple[str, ...] | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """How documents are read, embedded and stored, and what becomes of those that are in the index already;
    `pipeline.index_documents` explains each field.
    """

    model: str = "pixel"
    device: str = "auto"
    codec: str | None = None
    pool: int | None = None
    cross_language: bool | None = None
    ocr: str | None = None
    ocr_languages: str | None = None
    prune: bool = False
    rehash: bool = False
    passwords: tuple[str, ...] = ()
    renderer: str = "mupdf"
    workers: int = 1
    metadata: Path | str | None = None
    forget_metadata: bool = False


ALL_FILES, DEFAULTS = FileChoice(), IndexSettings()
