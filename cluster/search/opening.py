"""Opens the last commit of an index again and again, for search by workers on a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...engine.errors import UsageError
from ...engine.hits import PagePictures
from ...engine.models.encoder import QueryEncoder
from ...engine.searcher import Searcher

if TYPE_CHECKING:
    from .searcher import RaySearch


class OpenOnRay:
    """Opens an index whose shards are searched by workers on a Ray cluster: an `engine.latest.Opening`."""

    def __init__(self, address: str, *, replicas: int, partial: bool) -> None:
        """The arguments are those of `RaySearch`. The first index that is opened connects, or `connect` before it."""
        self._address, self._replicas, self._partial = address, replicas, partial
        self._lock = threading.Lock()
        self._cluster: RaySearch | None = None

    def connect(self) -> RaySearch:
        """Connect to the cluster, once. Raises UsageError where none answers."""
        from .searcher import RaySearch

        with self._lock:
            if self._cluster is None:
                self._cluster = RaySearch(self._address, replicas=self._replicas, partial=self._partial)
            return self._cluster

    def open(
        self,
        directory: Path | Mapping[str, Path],
        *,
        encoder: QueryEncoder | None = None,
        pictures: PagePictures | None = None,
    ) -> Searcher:
        """As `open_searcher`; one index. Raises UsageError for several, and what `connect` raises."""
        if not isinstance(directory, Path):
            raise UsageError("a cluster searches one index; open each by itself")
        return self.connect().open(directory, encoder=encoder, pictures=pictures)

    def is_unchanged(self, searcher: Searcher) -> bool:
        """Whether nothing was committed, and no segment was moved to another shard."""
        return self.connect().is_current(searcher)

    def close(self) -> None:
        """End the workers, and the connection. Closing twice is harmless."""
        with self._lock:
            if self._cluster is not None:
                self._cluster.close()
