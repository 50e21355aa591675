"""Finds the documents below the given files and folders, and the path that each has in the index."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.errors import DocumentError, UsageError

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
SUFFIXES = (".pdf", *IMAGE_SUFFIXES)
PDF_MAGIC = b"%PDF"
PDF_MAGIC_WITHIN = 1024
"""PDF readers accept a header that starts anywhere within this many first bytes."""
IMAGE_MAGIC = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|II\x2a\x00|MM\x00\x2a|II\x2b\x00|MM\x00\x2b", re.DOTALL
)
HASH_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A file to index: `path` identifies it in the index, relative with forward slashes; `file` is its path on disk.

    A name that is not valid UTF-8 is backslash-escaped in `path` and unchanged in `file`. `size` is in bytes.
    """

    path: str
    file: Path
    size: int
    mtime_ns: int

    def sha256(self) -> str:
        """The SHA-256 of the content, 64 hex digits. Raises DocumentError if the file cannot be read."""
        digest = hashlib.sha256()
        try:
            with self.file.open("rb") as stream:
                while block := stream.read(HASH_BLOCK):
                    digest.update(block)
        except OSError as err:
            raise DocumentError(f"the file cannot be read: {err.strerror or err}") from err
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder or file that cannot be indexed, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """The result of `find`: `roots` are the folders that document paths are relative to, `documents` sorted by path."""

    roots: tuple[Path, ...]
    documents: tuple[Document, ...]
    unreadable: tuple[Unreadable, ...]


def is_supported(name: str, head: bytes) -> bool:
    """Whether a file is a PDF or an image by its `name`, or by `head`, the first PDF_MAGIC_WITHIN bytes of its content.

    >>> is_supported("a.PDF", b""), is_supported("a", b"%PDF-1.7"), is_supported("a", b"word")
    (True, True, False)
    """
    return Path(name).suffix.lower() in SUFFIXES or PDF_MAGIC in head or IMAGE_MAGIC.match(head) is not None


def find(paths: Sequence[Path]) -> Discovery:
    """Find the documents at `paths`, each a file or a folder; folders are searched with all their subfolders.

    Hidden files and folders are skipped. Links to folders are followed, but no folder is visited twice. A document's
    path is relative to the folder given, and the file name alone for a file given; where two would be equal, folder
    names are put in front of both. A given file of an unsupported type is listed as unreadable. Raises UsageError for
    a path that does not exist, and if no document is found at all.
    """
    if not paths:
        raise UsageError("no PATH was given; name at least one file or folder to index")
    found: dict[Path, tuple[Path, Document]] = {}  # absolute file -> its root, and the document
    unreadable: list[Unreadable] = []
    unsupported_files: list[Unreadable] = []
    roots: list[Path] = []
    unsupported = 0
    for path in paths:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, which changes names
        named_file = not _is_folder(absolute, path)
        root = absolute.parent if named_file else absolute
        if root not in roots:
            roots.append(root)
        for file in [absolute] if named_file else _walk(absolute, unreadable):
            if not named_file and file.suffix.lower() not in SUFFIXES:
                unsupported += 1
                continue
            try:
                document = _document(file, root)
            except OSError as err:
                unreadable.append(Unreadable(_escaped(file.relative_to(root).as_posix()), _reason(err)))
                continue
            if document is None or (named_file and not _is_supported(file)):
                unsupported += 1
                if named_file:
                    reason = "neither a PDF nor an image of a supported type"
                    unsupported_files.append(Unreadable(_escaped(file.name), reason))
            else:
                found.setdefault(file, (root, document))
    if not found and not unreadable:
        searched = ", ".join(str(path) for path in paths)
        count = f" ({unsupported} of an unsupported type)" if unsupported else ""
        raise UsageError(f"no documents found in {searched}{count}; docsearch reads {' '.join(SUFFIXES)}")
    documents = sorted(_with_unique_paths(list(found.values())), key=lambda document: document.path)
    return Discovery(tuple(roots), tuple(documents), (*unreadable, *unsupported_files))


def _is_folder(absolute: Path, as_given: Path) -> bool:
    try:
        return stat.S_ISDIR(absolute.stat().st_mode)
    except FileNotFoundError:
        raise UsageError(f"{as_given}: no such file or folder") from None
    except OSError as err:
        raise UsageError(f"{as_given}: cannot be read: {_reason(err)}") from err


def _walk(root: Path, unreadable: list[Unreadable]) -> Iterator[Path]:
    """Yield every file below `root` that is not hidden; linked folders come last, so that real paths win over links."""
    visited: set[tuple[int, int]] = set()
    real, linked = deque([root]), deque[Path]()
    while real or linked:
        folder = real.popleft() if real else linked.popleft()
        try:
            status = folder.stat()
            if (identity := (status.st_dev, status.st_ino)) in visited:
                continue
            visited.add(identity)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as err:
            unreadable.append(Unreadable(_escaped(folder.relative_to(root).as_posix()), _reason(err)))
            log.warning("%s: the folder cannot be read: %s", folder, _reason(err))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                real.append(folder / entry.name)
            elif _leads_to_folder(entry):
                linked.append(folder / entry.name)
            else:
                yield folder / entry.name


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link: `_document` reports it
        return False


def _document(file: Path, root: Path) -> Document | None:
    """Describe `file`; None if it is not a regular file, since opening a pipe would block."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        return None
    return Document(_escaped(file.relative_to(root).as_posix()), file, status.st_size, status.st_mtime_ns)


def _is_supported(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return is_supported(file.name, stream.read(PDF_MAGIC_WITHIN))
    except OSError:  # indexing will report the reason
        return True


def _with_unique_paths(found: list[tuple[Path, Document]]) -> Iterator[Document]:
    """Put as many folder names in front of equal paths as it takes to make them differ."""
    depth = 0
    while found:
        uses = Counter(document.path for _, document in found)
        clashing: list[tuple[Path, Document]] = []
        for root, document in found:
            if uses[document.path] == 1:
                yield document
            else:
                clashing.append((root, document))
        depth += 1
        found = [(root, replace(document, path=_longer_path(root, document, depth))) for root, document in clashing]


def _longer_path(root: Path, document: Document, depth: int) -> str:
    parts = root.parts[-depth:]
    if depth > len(root.parts) + 1:  # only names that are not valid UTF-8 and equal when escaped get here
        parts = (*parts, hashlib.sha256(os.fsencode(document.file)).hexdigest()[:8])
    return _escaped("/".join((*(part.strip("/\\:") for part in parts), document.file.relative_to(root).as_posix())))


def _escaped(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _reason(err: OSError) -> str:
    return err.strerror or str(err)
