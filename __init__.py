"""docsearch finds the pages of PDFs, scans and slides that answer a question, by looking at the pages.

>>> from docsearch import index_documents, open_index
>>> report = index_documents(["reports/"], "reports.index")
>>> with open_index("reports.index") as index:
...     for hit in index.search("revenue chart 2023", k=2, path="annual-report-*"):
...         print(hit.rank, hit.ref.path, hit.ref.page)
1 annual-report-2023.pdf 6
2 annual-report-2023.pdf 9

The names in `__all__` are the public API. Each is loaded when it is first used, so `import docsearch` is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .engine.errors import (
        DocsearchError,
        DocumentError,
        EncoderMismatch,
        IndexDamaged,
        IndexFormatError,
        IndexLocked,
        IndexNotFound,
        ShardsUnavailable,
        StorageFailed,
        StorageFull,
        UsageError,
    )
    from .engine.hits import Hits
    from .engine.models.encoder import QueryEncoder
    from .engine.models.registry import load_encoder
    from .engine.records import (
        Candidates,
        Hit,
        PageImage,
        PageRef,
        PageVectors,
        Query,
        QueryVectors,
        Ragged,
        Ranking,
        Region,
    )
    from .engine.searcher import Searcher
    from .engine.where.pages import Pages
    from .indexer.async_searcher import AsyncSearcher
    from .indexer.index import Index
    from .indexer.pipeline import index_documents
    from .indexer.removal import Removed
    from .indexer.report import IndexReport, Progress
    from .indexer.update import update_index

__version__ = "0.2.0"

_HOMES = {
    ".engine.errors": (
        "DocsearchError",
        "DocumentError",
        "EncoderMismatch",
        "IndexDamaged",
        "IndexFormatError",
        "IndexLocked",
        "IndexNotFound",
        "ShardsUnavailable",
        "StorageFailed",
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
        "Query",
        "QueryVectors",
        "Ragged",
        "Ranking",
        "Region",
    ),
    ".engine.searcher": ("Searcher",),
    ".engine.where.pages": ("Pages",),
    ".indexer.async_searcher": ("AsyncSearcher",),
    ".indexer.index": ("Index",),
    ".indexer.pipeline": ("index_documents",),
    ".indexer.removal": ("Removed",),
    ".indexer.report": ("IndexReport", "Progress"),
    ".indexer.update": ("update_index",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AsyncSearcher",
    "Candidates",
    "DocsearchError",
    "DocumentError",
    "EncoderMismatch",
    "Hit",
    "Hits",
    "Index",
    "IndexDamaged",
    "IndexFormatError",
    "IndexLocked",
    "IndexNotFound",
    "IndexReport",
    "PageImage",
    "PageRef",
    "PageVectors",
    "Pages",
    "Progress",
    "Query",
    "QueryVectors",
    "Ragged",
    "Ranking",
    "Region",
    "Removed",
    "Searcher",
    "ShardsUnavailable",
    "StorageFailed",
    "StorageFull",
    "UsageError",
    "__version__",
    "index_documents",
    "load_encoder",
    "open_index",
    "update_index",
]


def open_index(
    directory: Path | str | Sequence[Path | str],
    *,
    encoder: QueryEncoder | None = None,
    device: str = "cpu",
    ray: str | None = None,
    replicas: int = 1,
    partial: bool = False,
) -> Searcher:
    """Open the index in `directory` for searching, with the model that made it, or with `encoder`.

    Several indexes of one model are searched as one: words are weighed by how common they are in all of them, and
    `hit.ref.index` is the folder of a hit's index as it was given. `device` is where pages are scored: "cpu", "cuda",
    or "auto" for a GPU if there is one. In a notebook the hits show their pages, as long as the documents are where
    they were indexed. Raises IndexNotFound, IndexFormatError, IndexDamaged, EncoderMismatch when a model is of another
    revision or the indexes differ in theirs, and UsageError when there is no such GPU.

    With `ray`, the address of a cluster ("local", "auto", HOST:PORT), `replicas` workers there search each shard of the
    index, and answers are the same to the last bit. A `directory` such as "ray://HOST:PORT/data/reports.index" has the
    client address of a cluster in it. Where no worker of a shard answers, ShardsUnavailable is raised; with `partial`,
    the hits come without its pages and name it in `missing_shards`.

    Examples:
        >>> with open_index("reports.index") as index:
        ...     index.search("invoice total", k=1)[0].ref.path
        'invoice-20418.pdf'
        >>> with open_index(["reports.index", "archive.index"]) as both:
        ...     [hit.ref.index for hit in both.search("invoice total", k=2, all_copies=True)]
        ['reports.index', 'archive.index']
    """
    from pathlib import Path

    from .engine.searcher import open_searcher
    from .indexer.cluster_address import split_address
    from .indexer.page_images import PageImages

    directory, ray = split_address(directory, ray)
    if ray is not None:
        assert isinstance(directory, str | Path)
        pictures = PageImages.readable(Path(directory))
        # By name: packages below `cluster` import this module, for its version.
        cluster = importlib.import_module(".cluster.search.searcher", __name__)
        opened_there: Searcher = cluster.open_on_ray(
            directory, ray, encoder=encoder, pictures=pictures, replicas=replicas, partial=partial
        )
        return opened_there
    opened = Path(directory) if isinstance(directory, str | Path) else {str(path): Path(path) for path in directory}
    return open_searcher(opened, encoder=encoder, pictures=PageImages.readable(opened), device=device)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'docsearch' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
