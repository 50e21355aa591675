"""Remembers what an index was made from, so that 'docsearch update' needs no arguments.

A source is a file or folder that was given to 'docsearch index', with the options that decide what is found in it. A
source that cannot be reached, as on a disk that is not mounted, says nothing about its documents: they are kept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..engine.store import layout
from ..engine.store.durable import atomic_file
from .discover import Discovery

REMOTE = re.compile(rb"[a-z][a-z0-9+.-]+:[/\\]")
"""The scheme of a URL; the letter of a drive is one character."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, or a file if not `is_folder`, by its absolute `path`, and the keyword `options` of `discover.find` that
    it is searched with.

    `mounts` are the folders above and below it that were mount points when its documents were last seen.
    """

    path: Path
    is_folder: bool
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mounts: tuple[Path, ...] = ()

    def is_reachable(self) -> bool:
        """Whether the folder, or the folder of the file, can be read now."""
        folder = self.path if self.is_folder else self.path.parent
        return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)

    def holds(self, file: Path) -> bool:
        """Whether `file` is the source, or below it."""
        return is_in(os.fspath(file), [self.path])


@dataclass(frozen=True, slots=True)
class Record:
    """The `sources` of an index, oldest first, and the settings of the last run: its `model` and PDF `renderer`."""

    sources: tuple[Source, ...]
    model: str = "pixel"
    renderer: str = "mupdf"

    def without(self, paths: Sequence[Path]) -> Record:
        """Without the sources of these absolute paths."""
        return replace(self, sources=tuple(source for source in self.sources if source.path not in paths))


def of(path: Path | str, **options: Sequence[str] | None) -> Source:
    """The source of a path that was given, and the `options` of `discover.find` that it was searched with."""
    path = absolute(path)
    return Source(path, path.is_dir(), {name: tuple(values) for name, values in options.items() if values})


def record(
    directory: Path,
    given: Sequence[Source],
    discovery: Discovery,
    files: Mapping[str, bytes],
    *,
    model: str,
    renderer: str,
) -> None:
    """Record the sources `given` of a run, and its settings, beside what is recorded.

    A source that is gone, and none of the index's `files` was in it, is dropped: its documents were moved, or removed.
    """
    known = read(directory) or Record(())
    folders = {os.path.dirname(document.file) for document in discovery.documents}  # noqa: PTH120 - thrice as fast
    latest = {source.path: source for source in known.sources} | {
        source.path: replace(source, mounts=next((old.mounts for old in known.sources if old.path == source.path), ()))
        for source in given
    }
    kept = tuple(
        with_mounts(source, [Path(folder) for folder in folders if is_in(folder, [source.path])])
        for source in latest.values()
        if source.is_reachable()
        or source in given
        or any(is_in(os.fsdecode(file), [source.path]) for file in files.values())
    )
    write(directory, Record(kept, model, renderer))


def absolute(path: Path | str) -> Path:
    """A path as it is recorded: absolute, with links kept."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, which changes names


def read(directory: Path) -> Record | None:
    """The record of the index in `directory`; None where there is none, as in indexes of earlier versions."""
    try:
        found = json.loads((directory / layout.SOURCES).read_text("ascii"))
        sources = tuple(
            Source(
                Path(each["path"]),
                bool(each["is_folder"]),
                {name: tuple(values) for name, values in each["options"].items()},
                tuple(Path(mount) for mount in each["mounts"]),
            )
            for each in found["sources"]
        )
        return Record(sources, str(found["model"]), str(found["renderer"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(directory: Path, record: Record) -> None:
    """Replace the record of an index, if it differs."""
    if record == read(directory):
        return
    content = {
        "sources": [
            {
                "path": os.fspath(source.path),
                "is_folder": source.is_folder,
                "options": {name: list(values) for name, values in source.options.items()},
                "mounts": [os.fspath(mount) for mount in source.mounts],
            }
            for source in record.sources
        ],
        "model": record.model,
        "renderer": record.renderer,
    }
    with atomic_file(directory / layout.SOURCES, follow_links=False) as temporary:
        temporary.write_text(json.dumps(content, indent=1), "ascii")


def is_in(file: str, places: Sequence[Path]) -> bool:
    """Whether the absolute path `file` is one of `places`, or below one."""
    names = [os.fspath(place).rstrip(os.sep) for place in places]
    return any(file == name or file.startswith(name + os.sep) for name in names)


def is_remote(file: bytes) -> bool:
    """Whether the recorded file of a document is a URL of object storage, written as a path.

    >>> is_remote(b"s3:/bucket/a.pdf"), is_remote(b"/reports/a.pdf"), is_remote(b"C:/reports/a.pdf")
    (True, False, False)
    """
    return REMOTE.match(file) is not None


def with_mounts(source: Source, with_documents: Iterable[Path]) -> Source:
    """A source with the mount points above it, and above its folders `with_documents`.

    A mount point that was recorded before stays, mounted or not, unless there are documents below it now.
    """
    seen: set[Path] = set()
    for folder in with_documents:
        while folder not in seen and source.holds(folder):
            seen.add(folder)
            folder = folder.parent
    folders = seen.union(source.path.parents, [source.path] if source.is_folder else ())
    mounted = {folder for folder in folders if folder != Path(folder.anchor) and os.path.ismount(folder)}
    away = {mount for mount in source.mounts if mount not in seen and not (seen and mount in folders)}
    return replace(source, mounts=tuple(sorted(mounted | away)))


def unreachable(sources: Sequence[Source], files: Iterable[Path]) -> list[Path]:
    """The places whose documents may only be out of reach: sources that cannot be read, mount points where nothing is
    mounted, and folders that had documents, the indexed `files`, and have none of them now.
    """
    found = [source.path for source in sources if not source.is_reachable()]
    for source in sources:
        for mount in source.mounts:
            if not os.path.ismount(mount):
                found.append(mount if source.holds(mount) else source.path)
    empty = {source.path: False for source in sources if source.is_folder and source.path not in found}
    for file in files:
        for folder in [folder for folder in empty if is_in(os.fspath(file), [folder])]:
            if os.path.lexists(file):
                del empty[folder]
            else:
                empty[folder] = True
        if not empty:
            break
    found += [folder for folder, had_documents in empty.items() if had_documents]
    return list(dict.fromkeys(found))
