"""Documents that clients send, on disk: written to the end before they count, and found again after any crash.

    .uploads/.tmp-<id>/<name>    being received; swept at the next start
    .uploads/<id>/<name>         accepted
    .uploads/<id>/.waiting       beside it until the index knows what became of it

An upload becomes accepted by the one rename of its folder, when all of it is on disk.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..engine.store import layout, os_errors
from ..indexer.discover import Document

log = logging.getLogger(__name__)

WAITING = ".waiting"
ID_BYTES = 8
NAME_MAX_BYTES = 180
SUFFIX_MAX_BYTES = 10
UNNAMED = "document"
UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\[\]\ufffd\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
"""Control characters, those that turn the direction of text, and what globs and other systems give a meaning."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An accepted upload: its id, its safe `name`, and the `file`."""

    upload: str
    name: str
    file: Path

    @property
    def path(self) -> str:
        """Its name in the index."""
        return f"{layout.UPLOADS}/{self.upload}/{self.name}"

    def document(self) -> Document:
        """As the indexer takes it."""
        status = self.file.stat()
        return Document(self.path, self.file, status.st_size, status.st_mtime_ns)


class UploadsLock:
    """The right to change an index on behalf of clients, until `release`; one server at a time has it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @staticmethod
    def take(index: Path) -> UploadsLock | None:
        """Take it; None where another server has it, or the index cannot be written to."""
        try:
            descriptor = os.open(index / layout.UPLOADS_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as err:
            log.warning("%s: takes no uploads: %s", index, err.strerror or err)
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            log.warning("%s: takes no uploads: another server of this index does", index)
            return None
        return UploadsLock(descriptor)

    def release(self) -> None:
        """Let the next server have it; releasing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Receiving:
    """An upload that is being written; `accept` or `give_up` ends it. Raises StorageFull, and UsageError where the
    folder cannot be written to.
    """

    def __init__(self, index: Path, name: str) -> None:
        self._index = index
        self._id = secrets.token_hex(ID_BYTES)
        self._name = safe_name(name)
        self._folder = index / layout.UPLOADS / f"{layout.TEMPORARY}{self._id}"
        with os_errors.translated(index):
            self._folder.mkdir(parents=True)
            self._stream: BinaryIO = (self._folder / self._name).open("xb")

    def write(self, content: bytes | bytearray) -> None:
        """Add to the file."""
        with os_errors.translated(self._index):
            self._stream.write(content)

    def accept(self) -> Stored:
        """Make the upload survive whatever happens from here on."""
        uploads = self._folder.parent
        with os_errors.translated(self._index):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            (self._folder / WAITING).touch()
            layout.sync_folder(self._folder)
            final = self._folder.rename(uploads / self._id)
            layout.sync_folder(uploads)
            layout.sync_folder(self._index)
        return Stored(self._id, self._name, final / self._name)

    def give_up(self) -> None:
        """Leave nothing behind of an upload that was not accepted."""
        self._stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def waiting(index: Path) -> list[Stored]:
    """The accepted uploads of which the index does not know yet what became, the oldest first."""
    found = []
    for folder in _folders(index):
        marker = folder / WAITING
        names = [entry.name for entry in folder.iterdir() if entry.name != WAITING]
        if marker.exists() and len(names) == 1:
            found.append((marker.stat().st_mtime_ns, Stored(folder.name, names[0], folder / names[0])))
    return [stored for _, stored in sorted(found, key=lambda each: (each[0], each[1].upload))]


def settle(stored: Stored) -> None:
    """Note that the index knows what became of an upload."""
    (stored.file.parent / WAITING).unlink(missing_ok=True)


def delete(index: Path, path: str) -> None:
    """Delete the file of an uploaded document by its path in the index; other paths are left alone."""
    parts = path.split("/")
    if len(parts) == 3 and parts[0] == layout.UPLOADS and re.fullmatch(rf"[0-9a-f]{{{2 * ID_BYTES}}}", parts[1]):
        shutil.rmtree(index / layout.UPLOADS / parts[1], ignore_errors=True)


def sweep(index: Path, known: Collection[str]) -> None:
    """Delete what was never accepted, and what is neither waiting nor among the paths `known` to the index."""
    for folder in _folders(index):
        names = {entry.name for entry in folder.iterdir()}
        is_known = any(f"{layout.UPLOADS}/{folder.name}/{name}" in known for name in names)
        if folder.name.startswith(layout.TEMPORARY) or not (WAITING in names or is_known):
            shutil.rmtree(folder, ignore_errors=True)


def safe_name(name: str) -> str:
    """A name of a file, from whatever a client calls it: no folders, nothing hidden, of bounded length.

    >>> safe_name("../../etc/passwd"), safe_name("scans/Straße 1.pdf"), safe_name(".."), safe_name(".hidden.pdf")
    ('passwd', 'Straße 1.pdf', 'document', 'hidden.pdf')
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode()))[-1]
    last = " ".join(UNSAFE.sub(" ", last).split()).strip(". ")
    stem, dot, suffix = last.rpartition(".")
    if not stem or len(suffix.encode()) > SUFFIX_MAX_BYTES:
        stem, dot, suffix = last, "", ""
    stem = stem.encode()[:NAME_MAX_BYTES].decode("utf-8", "ignore").strip()
    return f"{stem}{dot}{suffix}" if stem else UNNAMED


def _folders(index: Path) -> list[Path]:
    try:
        return sorted(entry for entry in (index / layout.UPLOADS).iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
