"""How a server opens its index to search it: in its own process, or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..engine.errors import UsageError
from ..engine.hits import PagePictures
from ..engine.latest import Opening
from ..engine.models.encoder import QueryEncoder
from ..engine.searcher import Searcher, open_searcher
from .settings import ServerSettings


class OpenHere:
    """Opens indexes in this process."""

    def __init__(self, device: str) -> None:
        """`device` is where pages are scored, as in `open_searcher`."""
        self._device = device

    def open(
        self,
        directory: Path | Mapping[str, Path],
        *,
        encoder: QueryEncoder | None = None,
        pictures: PagePictures | None = None,
    ) -> Searcher:
        """As `open_searcher`."""
        return open_searcher(directory, encoder=encoder, pictures=pictures, device=self._device)

    def is_unchanged(self, searcher: Searcher) -> bool:  # noqa: ARG002 - as in Opening
        """False: an index is opened in milliseconds."""
        return False

    def close(self) -> None:
        """Nothing is shared."""


class OpenOnRay:
    """Opens an index whose shards are searched by workers on a Ray cluster."""

    def __init__(self, address: str, *, replicas: int, partial: bool) -> None:
        """The arguments are those of `cluster.search.searcher.RaySearch`, whose errors are raised."""
        from ..cluster.search.searcher import RaySearch

        self._cluster = RaySearch(address, replicas=replicas, partial=partial)

    def open(
        self,
        directory: Path | Mapping[str, Path],
        *,
        encoder: QueryEncoder | None = None,
        pictures: PagePictures | None = None,
    ) -> Searcher:
        """As `open_searcher`; one index. Raises UsageError for several."""
        if not isinstance(directory, Path):
            raise UsageError("--ray serves one index; start a server for each")
        return self._cluster.open(directory, encoder=encoder, pictures=pictures)

    def is_unchanged(self, searcher: Searcher) -> bool:
        """Whether nothing was committed, and no segment was moved to another shard."""
        return self._cluster.is_current(searcher)

    def close(self) -> None:
        """End the workers, and the connection."""
        self._cluster.close()


def opening_of(settings: ServerSettings) -> Opening:
    """How a server with these settings opens its index. Raises UsageError where no cluster answers."""
    if settings.ray is None:
        return OpenHere(settings.device)
    return OpenOnRay(settings.ray, replicas=settings.replicas, partial=settings.partial)
