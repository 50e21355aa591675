"""Brings an index up to date with the files and folders that it was made from, without being told them again."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..engine.errors import NothingFound, UsageError
from ..engine.models.encoder import PageEncoder
from ..engine.store import open_snapshot, open_writer
from . import discover, known_paths, sources
from .discover import Discovery
from .pipeline import index_found
from .report import IndexReport, Progress
from .selection import WHERE
from .settings import IndexSettings
from .sources import Record

Find = Callable[[Record, Mapping[str, bytes]], Discovery]
"""Finds documents in recorded sources, given the file of each document in the index; as `find_all`."""


def find_all(record: Record, files: Mapping[str, bytes], within: Collection[Path] | None = None) -> Discovery:
    """Everything in the sources that can be reached, each file under the path that it has in the index.

    With `within`, only what is at or below these absolute paths; then nothing is said of the rest of the sources.
    """
    away = sources.unreachable(record.sources, (Path(os.fsdecode(file)) for file in files.values()))
    groups: dict[tuple[tuple[str, tuple[str, ...]], ...], list[Path]] = defaultdict(list)
    for source in record.sources:
        asked = within is None or any(source.holds(path) or sources.is_in(str(source.path), [path]) for path in within)
        if asked and source.is_reachable() and source.path.exists():
            groups[tuple(sorted(source.options.items()))].append(source.path)
    found = []
    for options, paths in groups.items():
        try:
            found.append(discover.find(paths, **_of_find(options), renderer=record.renderer, within=within))
        except NothingFound:
            roots = tuple(path if path.is_dir() else path.parent for path in paths)
            found.append(Discovery(roots, (), searched=roots))
    kept = {path for path, file in files.items() if sources.is_in(os.fsdecode(file), away)}
    merged = known_paths.merged(found, files, kept)
    return merged if within is None else replace(merged, searched=())


def _of_find(options: Sequence[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """The options of a source that `discover.find` has; the condition is evaluated on what it finds."""
    return {name: values for name, values in options if name != WHERE}


def update_index(
    directory: Path | str,
    *,
    prune: bool = False,
    rehash: bool = False,
    forget: Sequence[Path | str] = (),
    passwords: Sequence[str] = (),
    device: str = "auto",
    workers: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
    find: Find = find_all,
) -> IndexReport:
    """Bring the index in `directory` up to date with everything that was ever given to `index_documents` for it.

    The files and folders are searched as they were then, with the same model, renderer and exclusions; a document keeps
    its id, also where it was moved or renamed. `prune` removes documents that are no longer on disk, but never those of
    a source that cannot be reached, such as a disk that is not mounted; the report lists these. The sources `forget`
    are no longer read; with `prune`, their documents are removed. `find` may search a part of the sources only.

    Raises IndexNotFound, UsageError where no sources are recorded or `forget` has a path that is none, and what
    `index_documents` raises.
    """
    directory = Path(directory)
    record, dropped = recorded(directory), [sources.absolute(path) for path in forget]
    paths = [source.path for source in record.sources]
    if unknown := [str(path) for path in dropped if path not in paths]:
        known = ", ".join(map(str, paths))
        raise UsageError(f"{', '.join(unknown)}: not among what the index was made from ({known})")
    record = record.without(dropped)
    if dropped:
        sources.write(directory, record)
    report = index_found(
        lambda files: find(record, files),
        directory,
        (),
        IndexSettings(
            model=record.model,
            device=device,
            prune=prune,
            rehash=rehash,
            passwords=tuple(passwords),
            renderer=record.renderer,
            workers=workers,
        ),
        on_progress=on_progress,
        encoder=encoder,
    )
    removed = _remove_below(directory, dropped, [source.path for source in record.sources]) if prune else 0
    return replace(report, removed=report.removed + removed)


def recorded(directory: Path) -> Record:
    """The sources of an index. Raises IndexNotFound, and UsageError where none are recorded."""
    record = sources.read(directory)
    if record is None or not record.sources:
        open_snapshot(directory).close()
        raise UsageError(
            f"{directory}: the index does not know what it was made from; run 'docsearch index PATH...' once more with "
            "the folders, and from then on 'docsearch update'"
        )
    return record


def _remove_below(directory: Path, places: Sequence[Path], others: Sequence[Path]) -> int:
    """Remove the documents whose files are in one of `places` and in none of the `others`; return how many."""
    if not places:
        return 0
    with open_writer(directory, fingerprint=None, create=False) as writer:
        files = {path: os.fsdecode(file) for path, file in writer.files().items()}
        paths = [
            path for path, file in files.items() if sources.is_in(file, places) and not sources.is_in(file, others)
        ]
        writer.remove(paths)
    return len(paths)
