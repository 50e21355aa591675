"""Which pages a query may return: path filters, and a page that is itself the query."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np

from ..records import I64
from ..store import Snapshot


def path_matches(path: str, pattern: str) -> bool:
    """Whether a document's path matches the glob `pattern`, or has it as its file name.

    >>> path_matches("contracts/a.pdf", "contracts/*"), path_matches("contracts/a.pdf", "a.pdf")
    (True, True)
    >>> path_matches("contracts/a.pdf", "b.pdf")
    False
    """
    return path == pattern or path.endswith("/" + pattern) or fnmatchcase(path, pattern)


def allowed_rows(snapshot: Snapshot, path: str | None, excluded: int | None) -> I64 | None:
    """Rows (n,) of the documents that match `path`, without the row `excluded`; None where every page is allowed."""
    if path is None and excluded is None:
        return None
    rows = np.arange(len(snapshot))
    if path is not None:
        paths = snapshot.paths()
        matching = {each for each in set(paths.tolist()) if path_matches(each, path)}
        rows = rows[np.isin(paths, list(matching))]
    return rows if excluded is None else rows[rows != excluded]
