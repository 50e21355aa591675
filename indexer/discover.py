"""Paths go in; the documents found there come out, sorted, each with the name it will have in the index."""

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
"""Readers accept a PDF whose header starts anywhere in the first this many bytes."""
IMAGE_MAGIC = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|II\x2a\x00|MM\x00\x2a|II\x2b\x00|MM\x00\x2b", re.DOTALL
)
HASH_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A file to index: `path` is its name in the index, relative with forward slashes; `file` opens it.

    A name that is not valid UTF-8 is written with escapes in `path` and stays as it is in `file`. `size` is in bytes.
    """

    path: str
    file: Path
    size: int
    mtime_ns: int

    def sha256(self) -> str:
        """Hash the content, in blocks; 64 hex digits. Raises DocumentError where the file cannot be read."""
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
    """A folder or file that could not be looked at, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What `find` found: `roots` are the folders that paths are relative to."""

    roots: tuple[Path, ...]
    documents: tuple[Document, ...]
    unreadable: tuple[Unreadable, ...]


def is_of_a_kind(name: str, head: bytes) -> bool:
    """Whether a file of this name whose content begins with `head`, PDF_MAGIC_WITHIN bytes, is worth opening: it is
    called a PDF or a picture, or looks like one.

    >>> is_of_a_kind("a.PDF", b""), is_of_a_kind("a", b"%PDF-1.7"), is_of_a_kind("a", b"word")
    (True, True, False)
    """
    return Path(name).suffix.lower() in SUFFIXES or PDF_MAGIC in head or IMAGE_MAGIC.match(head) is not None


def find(paths: Sequence[Path]) -> Discovery:
    """Find the documents at `paths`: files are taken as they are, folders are searched with all their subfolders.

    Hidden files and folders are left out. A link to a folder is followed, but no folder is visited twice. A document
    is named relative to the folder it was found under (a file: by its own name); where two would share a name, each
    gets its folder's name in front. A named file of another kind is listed as unreadable. Raises UsageError for a
    path that does not exist, and when there is no document at all.
    """
    if not paths:
        raise UsageError("no PATH was given; name at least one file or folder to index")
    found: dict[Path, tuple[Path, Document]] = {}  # absolute file -> the root it was found under, and the document
    unreadable: list[Unreadable] = []
    strange: list[Unreadable] = []
    roots: list[Path] = []
    others = 0
    for path in paths:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, and rename what they name
        named_file = not _is_folder(absolute, path)
        root = absolute.parent if named_file else absolute
        if root not in roots:
            roots.append(root)
        for file in [absolute] if named_file else _walk(absolute, unreadable):
            if not named_file and file.suffix.lower() not in SUFFIXES:
                others += 1
                continue
            try:
                document = _document(file, root)
            except OSError as err:
                unreadable.append(Unreadable(_escaped(file.relative_to(root).as_posix()), _words(err)))
                continue
            if document is None or (named_file and not _is_of_a_kind(file)):
                others += 1
                if named_file:
                    strange.append(Unreadable(_escaped(file.name), "neither a PDF nor a picture that docsearch reads"))
            else:
                found.setdefault(file, (root, document))
    if not found and not unreadable:
        looked = ", ".join(str(path) for path in paths)
        besides = f" ({others} of another kind)" if others else ""
        raise UsageError(f"no documents found in {looked}{besides}; docsearch reads {' '.join(SUFFIXES)}")
    documents = sorted(_named_apart(list(found.values())), key=lambda document: document.path)
    return Discovery(tuple(roots), tuple(documents), (*unreadable, *strange))


def _is_folder(absolute: Path, as_given: Path) -> bool:
    try:
        return stat.S_ISDIR(absolute.stat().st_mode)
    except FileNotFoundError:
        raise UsageError(f"{as_given}: no such file or folder") from None
    except OSError as err:
        raise UsageError(f"{as_given}: cannot be read: {_words(err)}") from err


def _walk(root: Path, unreadable: list[Unreadable]) -> Iterator[Path]:
    """Yield every file below `root` that is not hidden; linked folders come last, so real names win over links."""
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
            unreadable.append(Unreadable(_escaped(folder.relative_to(root).as_posix()), _words(err)))
            log.warning("%s: this folder cannot be read: %s", folder, _words(err))
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
    except OSError:  # a link that leads round in a circle: `_document` will say so
        return False


def _document(file: Path, root: Path) -> Document | None:
    """Describe `file`, or None for what is no regular file (a pipe would block whoever opens it)."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        return None
    return Document(_escaped(file.relative_to(root).as_posix()), file, status.st_size, status.st_mtime_ns)


def _is_of_a_kind(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return is_of_a_kind(file.name, stream.read(PDF_MAGIC_WITHIN))
    except OSError:  # indexing will fail on it, with the reason
        return True


def _named_apart(found: list[tuple[Path, Document]]) -> Iterator[Document]:
    """Put as many folder names in front of equal paths as it takes to tell them apart."""
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
        found = [(root, replace(document, path=_longer(root, document, depth))) for root, document in clashing]


def _longer(root: Path, document: Document, depth: int) -> str:
    parts = root.parts[-depth:]
    if depth > len(root.parts) + 1:  # only names that differ in bytes which are no text come this far
        parts = (*parts, hashlib.sha256(os.fsencode(document.file)).hexdigest()[:8])
    return _escaped("/".join((*(part.strip("/\\:") for part in parts), document.file.relative_to(root).as_posix())))


def _escaped(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _words(err: OSError) -> str:
    return err.strerror or str(err)
