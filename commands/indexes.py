"""The indexes of a command that searches one, or several as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import UsageError

Opened = Path | dict[str, Path]
"""What `open_searcher` opens: one index, or several by the names that hits have them by."""


def by_name(indexes: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    """Indexes by the `names` given for the first of them, the others by the name of their folder without ".index".

    Raises UsageError if an index or a name is given twice, or there are more names than indexes.
    """
    if len(names) > len(indexes):
        raise UsageError(f"{len(names)} names for {len(indexes)} indexes: give --index and --name in the same order")
    opened(indexes)  # raises UsageError for one that is given twice
    own = [index.resolve().name.removesuffix(".index").lstrip(".") for index in indexes[len(names) :]]
    chosen = [*names, *own]
    if len(set(chosen)) < len(chosen):
        raise UsageError(f"two collections have one name ({', '.join(chosen)}); give each its own with --name")
    return dict(zip(chosen, indexes, strict=True))


def opened(indexes: Sequence[Path]) -> Opened:
    """What to open for the folders that were given, in their order. Raises UsageError if one is given twice."""
    if len(indexes) == 1:
        return indexes[0]
    found = {str(index): index for index in indexes}
    if len({index.resolve() for index in indexes}) < len(indexes):
        raise UsageError(f"--index names one index twice: {', '.join(map(str, indexes))}")
    return found
