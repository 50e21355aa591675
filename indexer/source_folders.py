"""The folders that an index was made from, and from a path in the index back to the file.

They are recorded only to find documents again: an index without this file answers as well. Documents that the server
was sent lie in the index itself, under `.uploads`, and are found there wherever the index is moved to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..engine.errors import UsageError
from ..engine.store import layout


def record(directory: Path, new: Sequence[Path]) -> tuple[Path, ...]:
    """Add the folders `new` to those recorded in the index and return all, the newest first, none twice."""
    known = _read(directory)
    folders = tuple(dict.fromkeys((*new, *known)))
    if folders != known:
        temporary = directory / (layout.ROOTS + ".tmp")
        with temporary.open("w", encoding="ascii") as stream:
            json.dump([os.fspath(folder) for folder in folders], stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(directory / layout.ROOTS)
    return (*folders, *_uploads(directory))


def recorded(directory: Path) -> tuple[Path, ...]:
    """The folders that the index in `directory` was made from, the newest first, and that of uploaded documents."""
    return (*_read(directory), *_uploads(directory))


def _read(directory: Path) -> tuple[Path, ...]:
    try:
        folders = json.loads((directory / layout.ROOTS).read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return ()
    return tuple(Path(folder) for folder in folders)


def _uploads(directory: Path) -> tuple[Path, ...]:
    """The folder that uploaded documents lie in, if there is one; paths of such documents begin with its name."""
    folder = directory.resolve() / layout.UPLOADS
    return (folder,) if folder.is_dir() else ()


def locate(path: str, roots: Sequence[Path]) -> Path:
    """Return the file that `path` names in an index made from `roots`; raise UsageError when it is not there."""
    for file in _places(path, roots):
        if os.path.lexists(file):
            return file
    looked = ", ".join(str(root) for root in roots) or "no folder is recorded in the index"
    raise UsageError(
        f"{path}: the document is not where it was indexed ({looked}); put it back, or index it where it is now"
    )


def is_there(path: str, roots: Sequence[Path]) -> bool:
    """Whether the file that `path` names still exists below one of `roots`."""
    return any(os.path.lexists(file) for file in _places(path, roots))


def _places(path: str, roots: Sequence[Path]) -> Iterator[Path]:
    """Files that `path` may stand for: below a root, or below a folder above it where the root's own name is in front.

    A name that is not valid UTF-8 stands in the index with escapes; it is looked for by escaping what is on disk.
    """
    parts = path.split("/")
    for root in roots:
        yield root.joinpath(*parts)
        for depth in range(1, min(len(parts), len(root.parts))):
            if tuple(parts[:depth]) == root.parts[-depth:]:
                yield root.joinpath(*parts[depth:])
    if "\\x" in path:
        for root in roots:
            yield from _unescaped(root, parts)


def _unescaped(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return
    for name in names:
        if name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") == parts[0]:
            if len(parts) == 1:
                yield folder / name
            else:
                yield from _unescaped(folder / name, parts[1:])
