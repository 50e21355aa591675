"""docsearch finds the page that answers a question, by looking at pages.

>>> from docsearch import open_index
>>> with open_index("reports.index") as index:               # doctest: +SKIP
...     hits = index.search("revenue chart 2023", k=3)

The names below are the public face; each is loaded when it is first used, so `import docsearch` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine.errors import (
        DocsearchError,
        DocumentError,
        EncoderMismatch,
        IndexDamaged,
        IndexFormatError,
        IndexLocked,
        IndexNotFound,
        StorageFull,
        UsageError,
    )
    from .engine.hits import Hits
    from .engine.models.registry import load_encoder
    from .engine.records import Candidates, Hit, PageImage, PageRef, PageVectors, QueryVectors, Ragged, Ranking
    from .engine.searcher import Searcher
    from .notebook import open_index

__version__ = "0.1.0"

_HOMES = {
    ".engine.errors": (
        "DocsearchError",
        "DocumentError",
        "EncoderMismatch",
        "IndexDamaged",
        "IndexFormatError",
        "IndexLocked",
        "IndexNotFound",
        "StorageFull",
        "UsageError",
    ),
    ".engine.hits": ("Hits",),
    ".engine.models.registry": ("load_encoder",),
    ".engine.records": (
        "Candidates",
        "Hit",
        "PageImage",
        "PageRef",
        "PageVectors",
        "QueryVectors",
        "Ragged",
        "Ranking",
    ),
    ".engine.search": ("Searcher",),
    ".notebook": ("open_index",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Candidates",
    "DocsearchError",
    "DocumentError",
    "EncoderMismatch",
    "Hit",
    "Hits",
    "IndexDamaged",
    "IndexFormatError",
    "IndexLocked",
    "IndexNotFound",
    "PageImage",
    "PageRef",
    "PageVectors",
    "QueryVectors",
    "Ragged",
    "Ranking",
    "Searcher",
    "StorageFull",
    "UsageError",
    "__version__",
    "load_encoder",
    "open_index",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'docsearch' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
