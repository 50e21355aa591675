"""Names of indexes that a cluster searches, such as "ray://head:10001/data/reports.index"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import UsageError

CLIENT_SCHEME = "ray://"


def split_address(
    directory: Path | str | Sequence[Path | str], ray: str | None
) -> tuple[Path | str | Sequence[Path | str], str | None]:
    """The folder of an index, and the address of the cluster that searches it; `ray` and None where it names none.

    >>> split_address("ray://head:10001/data/reports.index", None)
    ('/data/reports.index', 'ray://head:10001')

    Raises UsageError for several indexes on a cluster.
    """
    if isinstance(directory, str) and directory.startswith(CLIENT_SCHEME):
        address, _, path = directory.removeprefix(CLIENT_SCHEME).partition("/")
        return "/" + path, CLIENT_SCHEME + address
    if ray is not None and not isinstance(directory, str | Path):
        raise UsageError("on a cluster, one index is searched; open each by itself")
    return directory, ray
