"""The files of hits: where they are, and the page of one opened in a viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..engine.errors import UsageError
from .output import message, plural
from .query_arguments import QueryArguments


def file_of(asked: QueryArguments, hit: Mapping[str, Any]) -> Path | None:
    """The file of a hit's document, or of a copy, or of what it is attached to; None where all are gone."""
    from ..indexer import source_folders

    roots = source_folders.recorded(_index(asked, hit))
    for path in (hit["path"], *hit["also"]):
        try:
            return source_folders.locate(path, roots)
        except UsageError:
            continue
    held = source_folders.holder(hit["path"], roots)
    return None if held is None else held[0]


def _index(asked: QueryArguments, hit: Mapping[str, Any]) -> Path:
    return next((each for each in asked.indexes if str(each) == hit.get("index")), asked.index)


def open_hit(asked: QueryArguments, hits: Sequence[Mapping[str, Any]]) -> None:
    """Open the page of the hit that was asked for in a viewer. Raises UsageError where there is no such hit or file."""
    from ..indexer import source_folders
    from .hit_output import hit_place
    from .open_page import open_page

    rank = asked.open_rank or 1
    if rank > len(hits):
        raise UsageError(f"--open {rank}: there are only {plural(len(hits), 'hit')}")
    hit = hits[rank - 1]
    file, page = file_of(asked, hit), hit["page"]
    if file is None:
        raise UsageError(f"--open: {hit['path']} is not where it was indexed; put it back, or index it where it is now")
    held = source_folders.holder(hit["path"], source_folders.recorded(_index(asked, hit)))
    if held is not None and held[0] == file:
        file, page = _taken_out(*held, page)
    line = hit["lines"][0] if "lines" in hit else None
    message(f"{hit_place(hit)}: opened with {open_page(file, page, line)}")


def _taken_out(holder: Path, inner: str, page: int) -> tuple[Path, int]:
    """A copy of the document at `inner` in a file, and the page; the file itself where it cannot be taken out of it.

    Prints a line that says so.
    """
    from ..indexer import taken_out

    try:
        file = taken_out.saved(holder, inner)
    except UsageError as err:
        message(f"{err}; {holder} is opened instead")
        return holder, 1
    message(f"{inner} was taken out of {holder} into {file}")
    return file, page
