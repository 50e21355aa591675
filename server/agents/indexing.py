"""Indexes folders that an agent names, inside folders that the user allowed; links that lead elsewhere are left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...engine.errors import UsageError
from ...engine.models.registry import DEFAULT_MODEL
from ...engine.printable import printable
from ...engine.store import Failure
from ...indexer import discover
from ...indexer.index import own_model
from ...indexer.metadata_files import SIDECAR_SUFFIX
from ...indexer.pipeline import index_found
from ...indexer.report import Interrupted, Progress
from ...indexer.settings import IndexSettings
from .results import Indexed

CALL_MAX_S = 40.0
"""Seconds after which a call ends and asks to be repeated: clients give up on a tool after a minute or so."""
FAILURES_MAX = 10


class AllowedFolders:
    """The folders that may be indexed. Raises UsageError for one that is none."""

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(f"--allow-index {folder}: there is no such folder")
        self.folders = tuple(Path(os.path.realpath(folder)) for folder in folders)

    def find(self, asked: str) -> tuple[Path, Path]:
        """The allowed folder, and the folder or file in it that is asked for, by an absolute path or one relative to an
        allowed folder; without links.

        Raises UsageError where it is not inside an allowed folder, or not there.
        """
        if "\0" in asked:
            raise UsageError("the path has a NUL character, which no path may have")
        candidates = [Path(os.path.realpath(folder / asked)) for folder in self.folders]
        found = [(root, path) for path in candidates for root in self.folders if path.is_relative_to(root)]
        allowed = ", ".join(map(str, self.folders))
        if not found:
            raise UsageError(f"{printable(asked)} is not inside a folder that may be indexed: {allowed}")
        there = [(root, path) for root, path in found if path.exists()]
        if not there:
            raise UsageError(f"{printable(asked)}: there is no such folder or file in {allowed}")
        return there[0]

    def holds(self, file: Path) -> bool:
        """Whether a path without links is an allowed folder, or inside one."""
        return any(file.is_relative_to(folder) for folder in self.folders)

    def holds_content(self, file: Path) -> bool:
        """Whether a file, and what a file beside it says of it, are inside allowed folders wherever links lead."""
        return all(self.holds(Path(os.path.realpath(each))) for each in (file, f"{file}{SIDECAR_SUFFIX}"))


def index_folder(
    allowed: AllowedFolders,
    asked: str,
    directory: Path,
    *,
    passwords: Sequence[str] = (),
    max_s: float = CALL_MAX_S,
    clock: Callable[[], float] = time.monotonic,
) -> Indexed:
    """Bring the index in `directory` up to date with a folder or file inside the `allowed` ones.

    A call ends with the first pages that are stored after `max_s` seconds. Documents are named by their paths in the
    allowed folder. It is not remembered for 'docsearch update', which would follow its links. Raises what
    `index_documents` raises, and UsageError for a path outside.
    """
    root, path = allowed.find(asked)
    started, latest, outside = clock(), Progress(0, 0, 0, 0, 0, 0, 0, 0, 0.0, ""), 0

    def find(_files: Mapping[str, bytes]) -> discover.Discovery:
        nonlocal outside
        found = discover.find([root], within=[path])
        inside = tuple(each for each in found.documents if allowed.holds_content(each.file))
        outside = len(found.documents) - len(inside)
        return replace(found, documents=inside, searched=())

    def on_progress(progress: Progress) -> None:
        nonlocal latest
        latest = progress
        if progress.pages and clock() - started > max_s:  # each call gets further, however slow rendering is
            raise Interrupted

    try:
        report = index_found(
            find,
            directory,
            (),
            IndexSettings(model=own_model(directory) or DEFAULT_MODEL, passwords=tuple(passwords)),
            on_progress=on_progress,
        )
    except Interrupted:
        waiting = max(1, latest.documents_total - latest.documents)
        return _indexed(False, latest.documents, latest.pages, 0, waiting, latest.failed, (), outside)
    return _indexed(True, report.documents, report.pages, report.skipped, 0, len(report.failed), report.failed, outside)


def _indexed(
    finished: bool,
    documents: int,
    pages: int,
    unchanged: int,
    waiting: int,
    failed: int,
    failures: Sequence[Failure],
    outside: int,
) -> Indexed:
    return Indexed(
        finished=finished,
        documents=documents,
        pages=pages,
        unchanged=unchanged,
        waiting=waiting,
        failed=failed,
        failures=[_failure(each) for each in failures[:FAILURES_MAX]],
        outside=outside,
    )


def _failure(failure: Failure) -> str:
    place = printable(failure.path) if failure.page is None else f"{printable(failure.path)}, page {failure.page}"
    return f"{place}: {printable(failure.reason)}"
