"""Checks, before a command works, that it may write its output where it was told to.

Outputs are written under a temporary name and renamed (`engine/store/durable.py`), so an old one stays until the new
one is whole. A device or a pipe is written to directly, and not checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..engine.errors import IndexNotFound, UsageError


def check_file(file: Path, suffixes: Sequence[str], index: Path, *, what: str, inputs: Iterable[Path] = ()) -> None:
    """Raise UsageError unless `file` may be written: its suffix is one of `suffixes` ("" is none), its folder exists,
    and it is neither one of `inputs`, nor inside an index, nor a document of `index`. `what` names its content.
    """
    for source in inputs:
        if is_same(file, source):
            raise UsageError(f"{file}: the {what} would overwrite {source}; choose another name")
    if file.suffix.lower() not in suffixes:
        raise UsageError(f"{file}: {what} are written as {' '.join(filter(None, suffixes))}, not '{file.suffix}'")
    if file.is_dir():
        raise UsageError(f"{file}: this is a folder; give the name of a file")
    if file.exists() and not file.is_file():
        return
    folder = Path(os.path.realpath(file)).parent
    if not folder.is_dir():
        raise UsageError(f"{file}: there is no folder {file.parent}; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        whole = ", where the new file is completed before it replaces the old one" if file.exists() else ""
        raise UsageError(f"{file}: cannot be written: no permission to write in {folder}{whole}")
    if os.path.ismount(os.path.realpath(file)):
        raise UsageError(
            f"{file}: cannot be written: it is a mount point (a bind mount), and cannot be replaced by the new file; "
            "mount its folder, or choose another name"
        )
    _check_outside(file, index)
    check_not_indexed([file], index, what=what)


def check_folder(folder: Path, index: Path | None = None) -> None:
    """Raise UsageError unless `folder` is a folder outside every index that can be written to, or can be made."""
    found = Path(os.path.realpath(folder))
    while not found.exists() and found != found.parent:
        found = found.parent
    if not found.is_dir():
        raise UsageError(f"{folder}: the folder cannot be created: {found} is a file")
    if not os.access(found, os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: cannot be written: no permission to write in {found}")
    _check_outside(folder, index)


def check_not_indexed(files: Sequence[Path], index: Path, *, what: str) -> None:
    """Raise UsageError if one of `files` is a document of `index`, by whatever name. No index has no documents."""
    present = [file for file in files if file.exists()]
    if not present:
        return
    from ..engine.store import open_snapshot
    from ..indexer import source_folders

    roots = source_folders.recorded(index)
    try:
        with open_snapshot(index) as snapshot:
            documents = snapshot.documents()
    except IndexNotFound:
        return
    sizes = {file.stat().st_size for file in present}
    names = {file.resolve().name for file in present}
    for path, row in documents.items():
        # Most documents are ruled out by what the catalog knows of them, without a look at the disk.
        if row.size not in sizes and path.rpartition("/")[2] not in names:
            continue
        if not source_folders.exists(path, roots):
            continue
        document = source_folders.locate(path, roots)
        for file in present:
            if is_same(file, document):
                raise UsageError(f"{file}: the {what} would overwrite the indexed document {path}; choose another name")


def is_same(one: Path, other: Path) -> bool:
    """Whether two names stand for one file: equal paths, symbolic and hard links."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False


def _check_outside(target: Path, index: Path | None) -> None:
    from ..engine.store import layout

    real = Path(os.path.realpath(target))
    for folder in (real, *real.parents):
        if layout.catalog_file(folder).exists() or (index is not None and is_same(folder, index)):
            raise UsageError(f"{target}: this is inside the index {folder}; choose a place outside of it")
