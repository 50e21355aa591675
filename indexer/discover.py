"""Finds the documents below the given files and folders, and the path that each has in the index."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from ..engine.errors import DocumentError, UsageError
from ..engine.ranking.filters import path_matches
from .other_kinds import BROKEN_LINK, HIDDEN, OtherKind, OtherKinds, by_mode, by_name, summary

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
CLOCK_TICK_NS = 20_000_000
"""A file written twice within a tick of the system's clock (10 ms at most on Linux) may keep its modification time."""


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
        since_written = time.time_ns() - self.mtime_ns
        if 0 <= since_written < CLOCK_TICK_NS:
            time.sleep((CLOCK_TICK_NS - since_written) / 1e9)
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
    """A folder or file that cannot be indexed, and why; `path` and `file` as in a Document."""

    path: str
    file: Path
    reason: str


Found = Document | Unreadable


@dataclass(frozen=True, slots=True)
class Discovery:
    """The result of `find`.

    `roots` are the folders that document paths are relative to, and `searched` those of them that were searched with
    their subfolders, rather than for one file; `documents` are sorted by path; `other_kinds` are files in the folders
    that were skipped, the most frequent kind first. `excluded` is how many files and folders match a glob of `exclude`.
    """

    roots: tuple[Path, ...]
    documents: tuple[Document, ...]
    unreadable: tuple[Unreadable, ...] = ()
    searched: tuple[Path, ...] = ()
    other_kinds: tuple[OtherKind, ...] = ()
    exclude: tuple[str, ...] = ()
    excluded: int = 0

    def leaves_out(self, path: str) -> bool:
        """Whether a document of this path, or a folder of it, matches a glob of `exclude`."""
        parts = path.split("/")
        return any(_is_excluded("/".join(parts[:end]), self.exclude) for end in range(1, len(parts) + 1))


def is_supported(name: str, head: bytes) -> bool:
    """Whether a file is a PDF or an image by its `name`, or by `head`, the first PDF_MAGIC_WITHIN bytes of its content.

    >>> is_supported("a.PDF", b""), is_supported("a", b"%PDF-1.7"), is_supported("a", b"word")
    (True, True, False)
    """
    return Path(name).suffix.lower() in SUFFIXES or PDF_MAGIC in head or IMAGE_MAGIC.match(head) is not None


def find(paths: Sequence[Path], *, exclude: Sequence[str] = ()) -> Discovery:
    """Find the documents at `paths`, each a file or a folder; folders are searched with all their subfolders.

    Hidden files and folders are skipped. Links to folders are followed, but no folder is visited twice. A document's
    path is relative to the folder given, and the file name alone for a file given; where two would be equal, folder
    names are put in front of both. A given file of an unsupported type is listed as unreadable; files of other kinds
    in a folder are counted. What matches a glob of `exclude`, by its path or its name, is left out: a file or a whole
    folder. Raises UsageError for a path that does not exist, and if no document is found at all.
    """
    if not paths:
        raise UsageError("no PATH was given; name at least one file or folder to index")
    search = _Search(tuple(pattern.rstrip("/") for pattern in exclude))
    roots: list[Path] = []
    searched: list[Path] = []
    for path in paths:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, which changes names
        if _is_folder(absolute, path):
            root = absolute
            searched.append(root)
            search.folder(root)
        else:
            root = absolute.parent
            search.named_file(absolute, root)
        if root not in roots:
            roots.append(root)
    if len(search.found) == len(search.refused):
        for file, kind in search.refused.items():
            search.other_kinds.add(kind, file)
        named = ", ".join(str(path) for path in paths)
        skipped = summary(search.other_kinds.found())
        left_out = f"; --exclude left out {search.excluded:,}" if search.excluded else ""
        skipped = f" ({skipped})" if skipped else ""
        raise UsageError(f"no documents found in {named}{skipped}{left_out}; docsearch reads {' '.join(SUFFIXES)}")
    found = list(_with_unique_paths(list(search.found.values())))
    documents = sorted((each for each in found if isinstance(each, Document)), key=lambda document: document.path)
    unreadable = tuple(each for each in found if isinstance(each, Unreadable))
    return Discovery(
        tuple(roots),
        tuple(documents),
        unreadable,
        tuple(searched),
        search.other_kinds.found(),
        search.exclude,
        search.excluded,
    )


class _Search:
    """Collects what is found below the given paths, each document and failure with its root."""

    def __init__(self, exclude: tuple[str, ...]) -> None:
        self.exclude = exclude
        self.excluded = 0
        self.found: dict[str, tuple[Path, Found]] = {}  # by absolute file, each once
        self.refused: dict[str, str] = {}  # files that were given, but are of another kind: path and kind
        self.other_kinds = OtherKinds()

    def named_file(self, file: Path, root: Path) -> None:
        """Add a file that was given, whatever its name, if its content is supported."""
        path = _escaped(file.name)
        if _is_excluded(path, self.exclude):
            self.excluded += 1
            return
        try:
            status = file.stat()
        except OSError as err:
            self._fail(root, path, file, _reason(err))
            return
        special = by_mode(status.st_mode)
        if special is not None:  # opening a pipe would block
            self._refuse(root, file, special, f"a {special}, not a regular file")
        elif not _is_supported(file):
            self._refuse(root, file, by_name(file.name), "neither a PDF nor an image of a supported type")
        else:
            self._add(root, path, os.fspath(file), status)

    def folder(self, root: Path) -> None:
        """Add every file below `root` that is not hidden; linked folders come last, so real paths win over links."""
        visited: set[tuple[int, int]] = set()
        real, linked = deque([(root, "")]), deque[tuple[Path, str]]()
        while real or linked:
            folder, prefix = real.popleft() if real else linked.popleft()
            try:
                status = folder.stat()
                if (identity := (status.st_dev, status.st_ino)) in visited:
                    continue
                visited.add(identity)
                with os.scandir(folder) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except OSError as err:
                self._fail(root, _escaped(prefix.rstrip("/") or "."), folder, _reason(err))
                log.warning("%s: the folder cannot be read: %s", folder, _reason(err))
                continue
            for entry in entries:
                path = prefix + entry.name
                if entry.name.startswith("."):
                    if _has_suffix(entry.name) and entry.is_file(follow_symlinks=False):
                        self.other_kinds.add(HIDDEN, _escaped(path))
                elif self.exclude and _is_excluded(_escaped(path), self.exclude):
                    self.excluded += 1
                elif entry.is_dir(follow_symlinks=False):
                    real.append((folder / entry.name, path + "/"))
                elif _leads_to_folder(entry):
                    linked.append((folder / entry.name, path + "/"))
                else:
                    self._entry(root, _escaped(path), entry)

    def _entry(self, root: Path, path: str, entry: os.DirEntry[str]) -> None:
        try:
            if not _has_suffix(entry.name):
                self.other_kinds.add(_kind(entry), path)
                return
            status = entry.stat()
        except OSError as err:
            self._fail(root, path, Path(entry.path), _reason(err))
            return
        if (special := by_mode(status.st_mode)) is not None:
            self.other_kinds.add(special, path)
        else:
            self._add(root, path, entry.path, status)

    def _add(self, root: Path, path: str, file: str, status: os.stat_result) -> None:
        document = Document(path, Path(file), status.st_size, status.st_mtime_ns)
        self.found.setdefault(os.path.normcase(file), (root, document))

    def _refuse(self, root: Path, file: Path, kind: str, reason: str) -> None:
        self.refused[os.fspath(file)] = kind
        self._fail(root, _escaped(file.name), file, reason)

    def _fail(self, root: Path, path: str, file: Path, reason: str) -> None:
        self.found.setdefault(os.path.normcase(file), (root, Unreadable(path, file, reason)))


def _is_folder(absolute: Path, as_given: Path) -> bool:
    try:
        return stat.S_ISDIR(absolute.stat().st_mode)
    except FileNotFoundError:
        raise UsageError(f"{as_given}: no such file or folder") from None
    except OSError as err:
        raise UsageError(f"{as_given}: cannot be read: {_reason(err)}") from err


def _is_excluded(path: str, patterns: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(path_matches(path, pattern) or fnmatchcase(name, pattern) for pattern in patterns)


def _has_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - pathlib takes most of a scan's time


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link: `_Search` reports it
        return False


def _kind(entry: os.DirEntry[str]) -> str:
    """The kind of an entry whose extension is not read."""
    try:
        if entry.is_file():
            return by_name(entry.name)
        return by_mode(entry.stat().st_mode) or by_name(entry.name)
    except OSError:
        return BROKEN_LINK


def _is_supported(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return is_supported(file.name, stream.read(PDF_MAGIC_WITHIN))
    except OSError:  # indexing will report the reason
        return True


def _with_unique_paths(found: list[tuple[Path, Found]]) -> Iterator[Found]:
    """Put as many folder names in front of equal paths as it takes to make them differ."""
    depth = 0
    while found:
        uses = Counter(each.path for _, each in found)
        clashing: list[tuple[Path, Found]] = []
        for root, each in found:
            if uses[each.path] == 1:
                yield each
            else:
                clashing.append((root, each))
        depth += 1
        found = [(root, replace(each, path=_longer_path(root, each, depth))) for root, each in clashing]


def _longer_path(root: Path, each: Found, depth: int) -> str:
    parts = root.parts[-depth:]
    if depth > len(root.parts) + 1:  # only names that are not valid UTF-8 and equal when escaped get here
        parts = (*parts, hashlib.sha256(os.fsencode(each.file)).hexdigest()[:8])
    return _escaped("/".join((*(part.strip("/\\:") for part in parts), each.file.relative_to(root).as_posix())))


def _escaped(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _reason(err: OSError) -> str:
    return err.strerror or str(err)
