"""The indexes of a command that searches one, or several as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import UsageError

Opened = Path | dict[str, Path]
"""What `open_searcher` opens: one index, or several by the names that hits have them by."""


def opened(indexes: Sequence[Path]) -> Opened:
    """What to open for the folders that were given, in their order. Raises UsageError if one is given twice."""
    if len(indexes) == 1:
        return indexes[0]
    found = {str(index): index for index in indexes}
    if len({index.resolve() for index in indexes}) < len(indexes):
        raise UsageError(f"--index names one index twice: {', '.join(map(str, indexes))}")
    return found
