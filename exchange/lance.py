"""An export into a Lance dataset: the rows of `arrow.table`, a part at a time.

Appending a part is one commit of Lance. So the rows of a dataset are always those of whole parts, the first ones, and a
killed export goes on after them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..engine.errors import UsageError
from ..engine.install import needs
from ..engine.store import Snapshot
from ..engine.store.os_errors import translated
from . import arrow, pages
from .folder import Exported, Thumbnails, describe
from .pages import Vectors


def export(
    snapshot: Snapshot,
    folder: Path,
    *,
    vectors: Vectors = "float16",
    path: str | None = None,
    thumbnails: Thumbnails | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the pages of documents that match the glob `path`, or all, to the dataset `folder`, made if need be.

    Parameters are those of `folder.export`. Raises UsageError where the package is not installed, and where `folder`
    has a dataset of something else, of another state of the index, or with other options.
    """
    try:
        import lance
    except ImportError as err:
        raise UsageError(needs("an export to Lance needs pylance", "lance")) from err
    description = describe(snapshot, vectors, path) | {"thumbnails": thumbnails is not None}
    rows = pages.parts(snapshot, path)
    ends = list(accumulate(map(len, rows)))
    total = ends[-1] if ends else 0
    with translated(folder):
        known = _known_pages(folder, description, ends)
        done = known
        for part, end in zip(rows, ends, strict=True):
            if end > known:
                read = pages.read(snapshot, part, vectors)
                table = arrow.table(read, description, None if thumbnails is None else thumbnails(read))
                lance.write_dataset(table, str(folder), mode="append" if done else "create")
                snapshot.release_memory()
                done = end
            if on_progress is not None:
                on_progress(end, total)
        written = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if done else 0
    return Exported(total, written, known)


def _known_pages(folder: Path, description: dict[str, object], ends: list[int]) -> int:
    """How many pages the dataset has, 0 where there is none yet."""
    if not folder.exists() or not any(folder.iterdir()):
        return 0
    dataset = _opened(folder)
    metadata = (dataset.schema.metadata or {}).get(arrow.METADATA.encode())
    known: int = dataset.count_rows()
    if metadata is None or json.loads(metadata) != description or known not in ends:
        raise UsageError(
            f"{folder}: has a dataset of another index, of another state of this one, or with other options; choose "
            "another folder, or delete it"
        )
    return known


def _opened(folder: Path) -> Any:
    import lance

    try:
        return lance.dataset(str(folder))
    except (ValueError, OSError) as err:
        raise UsageError(f"{folder}: is not empty and no Lance dataset; choose another folder") from err
