"""The place where workers leave segments for the coordinator: a folder that all machines share, or object storage.

A segment is there as a whole or not at all as far as the coordinator is concerned: it learns the name of one only when
all its files are written.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ...engine.errors import StorageFailed, UsageError
from ...engine.install import needs
from ...engine.store import BuiltSegment, SegmentBuilder, durable
from ...engine.store.os_errors import translated

T = TypeVar("T")
TRIES = 6
"""Attempts at a request to object storage, ..."""
FIRST_PAUSE_S = 0.1
"""... with a pause after each, which doubles."""
OPENED = "open"
"""File of a shared folder while a run uses it."""


class Staging(Protocol):
    """Where segments wait for the coordinator."""

    def write(self, builder: SegmentBuilder, name: str) -> BuiltSegment:
        """Write a segment under `name`, on the machine of a worker. Raises StorageFull and StorageFailed."""

    def receive(self, name: str, segment: BuiltSegment) -> Path:
        """A folder with the files of a segment, on the file system of the index.

        Raises StorageFull and StorageFailed, also where the bytes are not those that were written.
        """

    def delete(self, name: str) -> None:
        """Delete what is left of a segment, as far as that is possible."""

    def open(self) -> None:
        """Begin a run, on the coordinator's machine, without what earlier ones left.

        Raises StorageFull and StorageFailed.
        """

    def check(self) -> None:
        """Raise UsageError where the machine of a worker does not reach what the coordinator has opened."""

    def clear(self) -> None:
        """Delete everything that this and earlier runs left."""


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """The staging area in a folder `root` that all machines reach under this path; `local` is a folder of the index."""

    root: Path
    local: Path

    def open(self) -> None:
        """See `Staging`; makes a file by which workers know the folder."""
        self.clear()
        with translated(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / OPENED).touch()

    def check(self) -> None:
        """See `Staging`."""
        if not (self.root / OPENED).exists():
            raise UsageError(
                f"the coordinator's folder {self.root} is not there; mount it on every machine under this path, or "
                "give --staging another folder that all machines share, or the URL of object storage"
            )

    def write(self, builder: SegmentBuilder, name: str) -> BuiltSegment:
        """See `Staging`."""
        with translated(self.root):
            return builder.write(self.root / name)

    def receive(self, name: str, segment: BuiltSegment) -> Path:
        """See `Staging`; the folder itself where it is on the index's file system, else a copy."""
        folder = self.root / name
        with translated(self.root):
            self.local.mkdir(parents=True, exist_ok=True)
            if self.root.stat().st_dev == self.local.stat().st_dev:
                return folder
            target = self.local / name
            shutil.copytree(folder, target)
            durable.sync_tree(target)
        _check(target, segment)
        return target

    def delete(self, name: str) -> None:
        """See `Staging`."""
        durable.delete_folder(self.root / name)
        durable.delete_folder(self.local / name)

    def clear(self) -> None:
        """See `Staging`."""
        durable.delete_folder(self.root)
        durable.delete_folder(self.local)


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """The staging area below the URL `root`, such as s3://bucket/folder; `local` is a folder of the index."""

    root: str
    local: Path

    def open(self) -> None:
        """See `Staging`."""
        self.clear()

    def check(self) -> None:
        """See `Staging`: a machine without access is told when it writes."""

    def write(self, builder: SegmentBuilder, name: str) -> BuiltSegment:
        """See `Staging`."""
        files, root = file_system(self.root)
        with tempfile.TemporaryDirectory(prefix="docsearch-") as temporary, translated(Path(temporary)):
            folder = Path(temporary, name)
            built = builder.write(folder)
            for file in built.files:
                source, target = folder / file.name, f"{root}/{name}/{file.name}"
                retried(partial(files.put_file, str(source), target), target)
        return built

    def receive(self, name: str, segment: BuiltSegment) -> Path:
        """See `Staging`; a copy, whose bytes are compared with the checksums of the segment."""
        files, root = file_system(self.root)
        folder = self.local / name
        with translated(self.local):
            folder.mkdir(parents=True)
            for file in segment.files:
                source, target = f"{root}/{name}/{file.name}", folder / file.name
                retried(partial(files.get_file, source, str(target)), source)
            durable.sync_tree(folder)
        _check(folder, segment)
        return folder

    def delete(self, name: str) -> None:
        """See `Staging`."""
        _remove(self.root, name)
        durable.delete_folder(self.local / name)

    def clear(self) -> None:
        """See `Staging`."""
        _remove(self.root, "")
        durable.delete_folder(self.local)


def is_url(place: str) -> bool:
    """Whether a place is the URL of object storage.

    >>> is_url("s3://bucket/reports"), is_url("reports/2023")
    (True, False)
    """
    return "://" in place


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the URL's path in it. Raises UsageError where a package is missing."""
    try:
        import fsspec
    except ImportError as err:
        raise UsageError(needs(f"{url} needs fsspec", "s3")) from err
    try:
        files, path = fsspec.core.url_to_fs(url)
    except ImportError as err:
        raise UsageError(needs(f"{url} cannot be opened ({err})", "s3")) from err
    except ValueError as err:
        raise UsageError(f"{url} cannot be opened: {err}") from err
    return files, str(path).rstrip("/")


def retried(request: Callable[[], T], what: str) -> T:
    """What a request to object storage returns; it is tried again where that may help.

    Raises StorageFailed after TRIES attempts, and FileNotFoundError and PermissionError at once.
    """
    pause = FIRST_PAUSE_S
    for attempt in range(TRIES):
        try:
            return request()
        except (FileNotFoundError, PermissionError):
            raise
        except Exception as err:
            if attempt == TRIES - 1:
                raise StorageFailed(f"{what}: object storage failed {TRIES} times, the last time with: {err}") from err
            time.sleep(pause)
            pause *= 2
    raise AssertionError


def _check(folder: Path, segment: BuiltSegment) -> None:
    for file in segment.files:
        with (folder / file.name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
                durable.delete_folder(folder)
                raise StorageFailed(
                    f"{folder.name}/{file.name}: the bytes that arrived are not those that were written"
                )


def _remove(root: str, name: str) -> None:
    files, path = file_system(root)
    try:
        files.rm(f"{path}/{name}".rstrip("/"), recursive=True)
    except FileNotFoundError:
        pass
    except Exception:  # noqa: BLE001 - what stays is garbage, which the next run deletes
        return
