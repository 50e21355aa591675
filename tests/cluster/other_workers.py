"""Workers of shards on machines that do not fit; imported by its name, also in the workers' processes."""

from __future__ import annotations

from docsearch.cluster.search import workers
from docsearch.cluster.search.workers import ShardWorker


class OldWorker(ShardWorker):
    """A worker on a machine with an older version."""

    def __init__(self) -> None:
        super().__init__()
        workers.__version__ = "0.0.1"  # type: ignore[attr-defined]


class BrokenWorker(ShardWorker):
    """A worker on a machine that lacks a package."""

    def __init__(self) -> None:
        raise ModuleNotFoundError("No module named 'docsearch'")
