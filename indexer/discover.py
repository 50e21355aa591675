"""Finds the documents below the given files and folders, and the path that each has in the index."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.errors import DocumentError, NothingFound, UsageError
from . import kinds as file_kinds
from .kinds import ARCHIVE_SUFFIXES, OPEN_ARCHIVES, PDF_MAGIC_WITHIN, is_supported, suffix_of
from .left_out import IGNORE_FILE, IgnoreRules, is_excluded, is_index, is_tool_folder, marker
from .metadata_files import SIDECAR_SUFFIX
from .other_kinds import BROKEN_LINK, EMPTY_FOLDER, HIDDEN, OtherKind, OtherKinds, by_mode, by_name, summary
from .source_folders import escaped

log = logging.getLogger(__name__)

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

    def on_disk(self, folder: Path) -> Document:  # noqa: ARG002 - as in documents that lie elsewhere
        """The document as a file of this machine: itself, or a copy in `folder` of one that lies elsewhere.

        Raises DocumentError if it cannot be read.
        """
        return self

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
    that were skipped, the most frequent kind first. `excluded` is how many files and folders match a glob of `exclude`,
    `ignored` how many a `.docsearchignore` file leaves out; `folders` were left out because of what they are. Files
    with one of the `suffixes` were looked for, and so they are in documents that other documents lie in. `urls` of
    object storage were searched in the place of folders. For `unselected` documents the condition of `selection` does
    not hold: they are not among the others.
    """

    roots: tuple[Path, ...]
    documents: tuple[Document, ...]
    unreadable: tuple[Unreadable, ...] = ()
    searched: tuple[Path, ...] = ()
    other_kinds: tuple[OtherKind, ...] = ()
    exclude: tuple[str, ...] = ()
    excluded: int = 0
    ignored: int = 0
    folders: tuple[OtherKind, ...] = ()
    suffixes: frozenset[str] = frozenset()
    urls: tuple[str, ...] = ()
    unselected: int = 0

    def leaves_out(self, path: str) -> bool:
        """Whether a document of this path, or a folder of it, matches a glob of `exclude`."""
        parts = path.split("/")
        return any(is_excluded("/".join(parts[:end]), self.exclude) for end in range(1, len(parts) + 1))


def find(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    kinds: Sequence[str] | None = None,
    renderer: str = "mupdf",
    within: Collection[Path] | None = None,
) -> Discovery:
    """Find the documents at `paths`, each a file or a folder; folders are searched with all their subfolders.

    Files of the `kinds` named are taken (`kinds.KINDS`; None: those that are read by default), others in a folder are
    counted, and so are files that the `renderer` or the installed libraries cannot read; a given file of another kind
    is listed as unreadable. Hidden files and folders are skipped, and folders of tools such as node_modules. Links to
    folders are followed, but no folder is visited twice. A document's path is relative to the folder given, and the
    file name alone for a file given; where two would be equal, folder names are put in front of both. What matches a
    glob of `exclude`, by its path or its name, or a pattern of a `.docsearchignore` file is left out: a file or a whole
    folder. Raises UsageError for a path that does not exist, a kind that is not known, and an ignore file that cannot
    be read, and NothingFound if no document is found at all. Of folders, only what is at or below the absolute paths
    `within` is looked at, if these are given.
    """
    if not paths:
        raise UsageError("no PATH was given; name at least one file or folder to index")
    globs = tuple(pattern.rstrip("/") for pattern in exclude)
    if not all(globs):
        raise UsageError("--exclude: an empty pattern leaves nothing out; name a path, or a glob such as 'drafts/*'")
    search = _Search(globs, kinds, renderer)
    if within is not None:
        search.within = frozenset(map(os.fspath, within))
        search.above = frozenset(os.fspath(parent) for path in within for parent in path.parents)
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
        skipped = summary(search.other_kinds.found(renderer))
        counts = ((search.excluded, "--exclude"), (search.ignored, IGNORE_FILE))
        left_out = "".join(f"; {what} left out {count:,}" for count, what in counts if count)
        skipped = f" ({'; '.join(line.strip() for line in skipped.splitlines())})" if skipped else ""
        empty = sum(each.files for each in search.folders.found() if each.kind == EMPTY_FOLDER)
        if empty == len(paths):
            raise NothingFound(f"no documents found in {named}: {'an empty folder' if empty == 1 else 'empty folders'}")
        raise NothingFound(f"no documents found in {named}{skipped}{left_out}; {file_kinds.read_kinds()}")
    found = list(_with_unique_paths(list(search.found.values())))
    documents = sorted((each for each in found if isinstance(each, Document)), key=lambda document: document.path)
    unreadable = tuple(each for each in found if isinstance(each, Unreadable))
    return Discovery(
        tuple(roots),
        tuple(documents),
        unreadable,
        tuple(searched),
        search.other_kinds.found(renderer),
        search.exclude,
        search.excluded,
        search.ignored,
        search.folders.found(),
        search.wanted,
    )


class _Search:
    """Collects what is found below the given paths, each document and failure with its root."""

    def __init__(self, exclude: tuple[str, ...], kinds: Sequence[str] | None, renderer: str) -> None:
        self.exclude = exclude
        self.excluded = self.ignored = 0
        self.wanted = file_kinds.readable(kinds, renderer)
        self.renderer = renderer
        self.refuses_others = kinds is not None  # also among the files that are given
        self.folders = OtherKinds()  # left out because of what they are
        self.within: frozenset[str] | None = None  # absolute paths that are looked at, with what is below; None: all
        self.above: frozenset[str] = frozenset()  # the folders above those
        self.found: dict[str, tuple[Path, Found]] = {}  # by absolute file, each once
        self.refused: dict[str, str] = {}  # files that were given, but are of another kind: path and kind
        self.other_kinds = OtherKinds()

    def named_file(self, file: Path, root: Path) -> None:
        """Add a file that was given, whatever its name, if its content is supported."""
        path = escaped(file.name)
        if is_excluded(path, self.exclude):
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
        elif reason := self._why_not(file):
            self._refuse(root, file, by_name(file.name), reason)
        else:
            self._add(root, path, file, status)

    def _why_not(self, file: Path) -> str:
        """Why a file that was given is not read; "" if it is."""
        suffix = suffix_of(file.name)
        if suffix in self.wanted:
            return ""
        if suffix in ARCHIVE_SUFFIXES:
            return f"archives are not opened ({OPEN_ARCHIVES})"
        if self.refuses_others:
            return "of a kind that --kinds leaves out"
        if what := file_kinds.missing(suffix, self.renderer):
            return what
        if _is_supported(file):
            return ""
        what = file_kinds.advice(suffix, self.renderer)
        return f"not a kind of file that docsearch reads{f' ({what})' if what else ''}"

    def folder(self, root: Path) -> None:
        """Add every file below `root` that is not left out; linked folders come last, so real paths win over links."""
        visited: set[tuple[int, int]] = set()
        real, linked = deque([(root, "", IgnoreRules())]), deque[tuple[Path, str, IgnoreRules]]()
        while real or linked:
            folder, prefix, rules = real.popleft() if real else linked.popleft()
            try:
                status = folder.stat()
                if (identity := (status.st_dev, status.st_ino)) in visited:
                    continue
                visited.add(identity)
                with os.scandir(folder) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except OSError as err:
                self._fail(root, escaped(prefix.rstrip("/") or "."), folder, _reason(err))
                log.warning("%s: the folder cannot be read: %s", folder, _reason(err))
                continue
            if not entries and not prefix:
                self.folders.add(EMPTY_FOLDER, root.name or os.fspath(root))
            if prefix and (what := marker(entries)) is not None:
                self.folders.add(what, escaped(prefix.rstrip("/")))
                continue
            if any(entry.name == IGNORE_FILE for entry in entries):
                rules = rules.below(folder, prefix)
            for entry in entries:
                path = prefix + entry.name
                if entry.name == IGNORE_FILE or not self._is_wanted(entry.path):
                    continue
                if self._is_left_out(path, entry, rules):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    real.append((folder / entry.name, path + "/", rules))
                elif _leads_to_folder(entry):
                    linked.append((folder / entry.name, path + "/", rules))
                else:
                    self._entry(root, folder, escaped(path), entry)

    def _is_wanted(self, file: str) -> bool:
        """Whether an absolute path is one of `within`, below or above one; any is without `within`."""
        if self.within is None or file in self.within or file in self.above:
            return True
        return any(os.fspath(parent) in self.within for parent in Path(file).parents)

    def _is_left_out(self, path: str, entry: os.DirEntry[str], rules: IgnoreRules) -> bool:
        """Whether a file or folder is not to be looked at; counts it, by the reason."""
        if self.exclude and is_excluded(escaped(path), self.exclude):
            self.excluded += 1
            return True
        if rules.files:
            verdict = rules.verdict(path, is_folder=entry.is_dir(follow_symlinks=False) or _leads_to_folder(entry))
            if verdict is not None:
                self.ignored += verdict
                return verdict
        if entry.name.startswith("."):
            if entry.is_dir(follow_symlinks=False):
                if not is_index(entry):
                    self.folders.add(HIDDEN, escaped(path))
            elif suffix_of(entry.name) in self.wanted and entry.is_file(follow_symlinks=False):
                self.other_kinds.add(HIDDEN, escaped(path))
            return True
        if is_tool_folder(entry.name) and entry.is_dir(follow_symlinks=False):
            self.folders.add(entry.name, escaped(path))
            return True
        return False

    def _entry(self, root: Path, folder: Path, path: str, entry: os.DirEntry[str]) -> None:
        try:
            if suffix_of(entry.name) not in self.wanted:
                if self._is_sidecar(entry):
                    return
                self.other_kinds.add(_kind(entry), path)
                return
            status = entry.stat()
        except OSError as err:
            self._fail(root, path, Path(entry.path), _reason(err))
            return
        if (special := by_mode(status.st_mode)) is not None:
            self.other_kinds.add(special, path)
        else:
            self._add(root, path, folder / entry.name, status)

    def _is_sidecar(self, entry: os.DirEntry[str]) -> bool:
        """Whether a file says more of the document beside it, as a.pdf.json does: it is read with that one."""
        name = entry.name.removesuffix(SIDECAR_SUFFIX)
        return name != entry.name and suffix_of(name) in self.wanted and Path(entry.path).with_name(name).is_file()

    def _add(self, root: Path, path: str, file: Path, status: os.stat_result) -> None:
        document = Document(path, file, status.st_size, status.st_mtime_ns)
        self.found.setdefault(os.path.normcase(file), (root, document))

    def _refuse(self, root: Path, file: Path, kind: str, reason: str) -> None:
        self.refused[os.fspath(file)] = kind
        self._fail(root, escaped(file.name), file, reason)

    def _fail(self, root: Path, path: str, file: Path, reason: str) -> None:
        self.found.setdefault(os.path.normcase(file), (root, Unreadable(path, file, reason)))


def _is_folder(absolute: Path, as_given: Path) -> bool:
    try:
        return stat.S_ISDIR(absolute.stat().st_mode)
    except FileNotFoundError:
        raise UsageError(f"{as_given}: no such file or folder") from None
    except OSError as err:
        raise UsageError(f"{as_given}: cannot be read: {_reason(err)}") from err


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
    return escaped("/".join((*(part.strip("/\\:") for part in parts), each.file.relative_to(root).as_posix())))


def _reason(err: OSError) -> str:
    return err.strerror or str(err)
