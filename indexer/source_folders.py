"""Records the folders an index was built from, and finds the file of a document by its path in the index.

The record serves only to find documents again: searching does not need it. Documents uploaded to the server are stored
inside the index, under `.uploads`, and are found there even after the index is moved.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..engine.errors import UsageError
from ..engine.store import layout, open_snapshot
from ..engine.store.durable import atomic_file


def record(directory: Path, new: Sequence[Path]) -> tuple[Path, ...]:
    """Add the folders `new` to the record of the index; return all folders, newest first, without duplicates."""
    known = _read(directory)
    folders = tuple(dict.fromkeys((*new, *known)))
    if folders != known:
        with atomic_file(directory / layout.ROOTS, follow_links=False) as temporary:
            temporary.write_text(json.dumps([os.fspath(folder) for folder in folders]), "ascii")
    return (*folders, *_uploads(directory))


def recorded(directory: Path) -> tuple[Path, ...]:
    """The folders the index in `directory` was built from, newest first, and that of uploaded documents, if any."""
    return (*_read(directory), *_uploads(directory))


def _read(directory: Path) -> tuple[Path, ...]:
    try:
        folders = json.loads((directory / layout.ROOTS).read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return ()
    return tuple(Path(folder) for folder in folders)


def _uploads(directory: Path) -> tuple[Path, ...]:
    """The folder of uploaded documents, if there is one; their paths in the index begin with its name."""
    folder = directory.resolve() / layout.UPLOADS
    return (folder,) if folder.is_dir() else ()


def locate(path: str, roots: Sequence[Path]) -> Path:
    """Find the file of the document `path` of an index built from the folders `roots`. Raises UsageError if missing."""
    for file in _possible_files(path, roots):
        if os.path.lexists(file):
            return file
    searched = ", ".join(str(root) for root in roots) or "no folder is recorded in the index"
    raise UsageError(
        f"{path}: the document is not where it was indexed ({searched}); put it back, or index it where it is now"
    )


def holder(path: str, roots: Sequence[Path]) -> tuple[Path, str] | None:
    """The file on disk that the document `path` lies in, as an attachment does in an e-mail, and its path in that.

    None if it lies in none that is there.
    """
    parts = path.split("/")
    for length in range(1, len(parts)):
        for file in _possible_files("/".join(parts[:length]), roots):
            if file.is_file():
                return file, "/".join(parts[length:])
    return None


def locate_content(directory: Path, path: str, passwords: tuple[str, ...] = ()) -> Path:
    """The file of the document `path` of the index in `directory`, or, if it is gone, one with the same content.

    One that lies in another document is taken out of it, with `passwords` for encrypted ones, into a temporary file
    that this process keeps for a while. Raises UsageError if all are gone, and what `open_snapshot` raises.
    """
    roots = recorded(directory)
    try:
        return _locate_or_take_out(path, roots, passwords)
    except UsageError:
        with open_snapshot(directory) as snapshot:
            row = snapshot.document(path=path)
            copies = snapshot.documents_of_content(row.sha256) if row is not None and row.sha256 else []
        for copy in copies:
            if is_seen(copy.path, roots) or holder(copy.path, roots) is not None:
                return _locate_or_take_out(copy.path, roots, passwords)
        raise


def _locate_or_take_out(path: str, roots: Sequence[Path], passwords: tuple[str, ...]) -> Path:
    try:
        return locate(path, roots)
    except UsageError:
        if (held := holder(path, roots)) is None:
            raise
    from .taken_out import of_this_process

    return of_this_process().file(*held, passwords)


def exists(path: str, roots: Sequence[Path]) -> bool:
    """Whether the file of the document `path` still exists below one of `roots`, or may: its folder cannot be read."""
    return any(_may_exist(file) for file in _possible_files(path, roots))


def may_exist(file: bytes) -> bool:
    """Whether a file, named as `os.fsencode` does, exists, or may: its folder cannot be read."""
    return _may_exist(os.fsdecode(file))


def is_seen(path: str, roots: Sequence[Path]) -> bool:
    """Whether the file of the document `path` certainly exists below one of `roots`."""
    return any(os.path.lexists(file) for file in _possible_files(path, roots))


def _may_exist(file: Path | str) -> bool:
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as err:  # no permission, a disk that fails: nothing that is to be pruned
        return err.errno != errno.ENAMETOOLONG
    return True


def _possible_files(path: str, roots: Sequence[Path]) -> Iterator[Path]:
    """Files that `path` may refer to: below a root, without the root's own folder names where `path` begins with them.

    A name that is not valid UTF-8 is backslash-escaped in the index; it is found by escaping the names on disk. A path
    with ".." refers to none: no document is indexed under one, but a page of a benchmark may be called like that.
    """
    parts = path.split("/")
    if ".." in parts:
        return
    for root in roots:
        yield root.joinpath(*parts)
        for depth in range(1, min(len(parts), len(root.parts))):
            if tuple(parts[:depth]) == root.parts[-depth:]:
                yield root.joinpath(*parts[depth:])
    if "\\x" in path:
        for root in roots:
            yield from _files_escaped_as(root, parts)


def escaped(name: str) -> str:
    """The name of a file as the index has it: bytes that are not UTF-8 are backslash-escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _files_escaped_as(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield the files below `folder` whose backslash-escaped names are `parts`."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return
    for name in names:
        if escaped(name) == parts[0]:
            if len(parts) == 1:
                yield folder / name
            else:
                yield from _files_escaped_as(folder / name, parts[1:])
