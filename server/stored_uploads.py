"""Uploaded files on disk: complete and durable before they are acknowledged, and found again after a crash.

    .uploads/.tmp-<id>/<name>    being received; deleted at the next start
    .uploads/<id>/<name>         accepted
    .uploads/<id>/.waiting       exists until the upload has been indexed, or failed

Renaming its folder, once all of it is on disk, accepts an upload.
"""

from __future__ import annotations

import logging
import re
import secrets
import shutil
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..engine.store import durable, layout, os_errors
from ..engine.store.locks import FileLock
from ..indexer.discover import Document

log = logging.getLogger(__name__)

WAITING = ".waiting"
"""Marker file of an upload that has yet to be indexed."""
ID_BYTES = 8
NAME_MAX_BYTES = 180
SUFFIX_MAX_BYTES = 10
UNNAMED = "document"
"""Name of an upload whose own name has no usable character."""
UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\[\]\ufffd\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
"""Control characters, marks of text direction, and what has a meaning in globs or is invalid on some file systems."""
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names of devices on Windows, whatever follows a dot."""


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An accepted upload: its id, its sanitised `name`, and the `file`."""

    upload: str
    name: str
    file: Path

    @property
    def path(self) -> str:
        """Its path in the index."""
        return f"{layout.UPLOADS}/{self.upload}/{self.name}"

    def document(self) -> Document:
        """The upload as the indexer's record of a document."""
        status = self.file.stat()
        return Document(self.path, self.file, status.st_size, status.st_mtime_ns)


class UploadsLock(FileLock):
    """The exclusive right to change an index for clients: of several servers of one index, one holds it."""

    @classmethod
    def acquire(cls, index: Path) -> UploadsLock | None:
        """Take the lock; None if another server holds it, or the index cannot be written to."""
        try:
            return cls(index / layout.UPLOADS_LOCK)
        except BlockingIOError:
            log.warning("%s: uploads are disabled: another server of this index accepts them", index)
        except OSError as err:
            log.warning("%s: uploads are disabled: %s", index, err.strerror or err)
        return None


class IncomingUpload:
    """An upload that is being received; ended by `accept` or `discard`.

    Raises StorageFull, and UsageError if the index's folder cannot be written to.
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
        """Append to the file."""
        with os_errors.translated(self._index):
            self._stream.write(content)

    def accept(self) -> StoredUpload:
        """Make the upload durable: from here on it survives a crash."""
        final = self._folder.with_name(self._id)
        with os_errors.translated(self._index):
            self._stream.close()
            (self._folder / WAITING).touch()
            durable.publish_folder(self._folder, final)
            durable.sync_folder(self._index)
        return StoredUpload(self._id, self._name, final / self._name)

    def discard(self) -> None:
        """Delete the upload."""
        self._stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def pending(index: Path) -> list[StoredUpload]:
    """The accepted uploads that have yet to be indexed, oldest first."""
    found = []
    for folder in _folders(index):
        marker = folder / WAITING
        names = [entry.name for entry in folder.iterdir() if entry.name != WAITING]
        if marker.exists() and len(names) == 1:
            found.append((marker.stat().st_mtime_ns, StoredUpload(folder.name, names[0], folder / names[0])))
    return [stored for _, stored in sorted(found, key=lambda each: (each[0], each[1].upload))]


def mark_processed(stored: StoredUpload) -> None:
    """Record that an upload has been indexed, or failed."""
    (stored.file.parent / WAITING).unlink(missing_ok=True)


def delete(index: Path, path: str) -> None:
    """Delete the file of an uploaded document, given its path in the index; does nothing for other paths."""
    parts = path.split("/")
    is_upload = (
        len(parts) == 3 and parts[0] == layout.UPLOADS and re.fullmatch(rf"[0-9a-f]{{{2 * ID_BYTES}}}", parts[1])
    )
    if is_upload and not (index / layout.UPLOADS).is_symlink():
        durable.delete_folder(index / layout.UPLOADS / parts[1])


def delete_leftovers(index: Path, known: Collection[str]) -> None:
    """Delete uploads that were never accepted, and those neither pending nor among the paths `known` to the index."""
    for folder in _folders(index):
        names = {entry.name for entry in folder.iterdir()}
        is_known = any(f"{layout.UPLOADS}/{folder.name}/{name}" in known for name in names)
        if folder.name.startswith(layout.TEMPORARY) or not (WAITING in names or is_known):
            durable.delete_folder(folder)


def safe_name(name: str) -> str:
    """A plain file name from whatever name a client sends: no folders, not hidden, of bounded length.

    >>> safe_name("../../etc/passwd"), safe_name("scans/Straße 1.pdf"), safe_name(".."), safe_name(".hidden.pdf")
    ('passwd', 'Straße 1.pdf', 'document', 'hidden.pdf')
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode()))[-1]
    last = " ".join(UNSAFE.sub(" ", last).split()).strip(". ")
    stem, dot, suffix = last.rpartition(".")
    if not stem or len(suffix.encode()) > SUFFIX_MAX_BYTES:
        stem, dot, suffix = last, "", ""
    stem = stem.encode()[:NAME_MAX_BYTES].decode("utf-8", "ignore").strip()
    return f"{'_' if RESERVED.fullmatch(stem) else ''}{stem}{dot}{suffix}" if stem else UNNAMED


def _folders(index: Path) -> list[Path]:
    """The folders of uploads; none where a symbolic link stands for the index's own folder."""
    if (index / layout.UPLOADS).is_symlink():
        return []
    try:
        return sorted(entry for entry in (index / layout.UPLOADS).iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
