"""How a server opens its index to search it: in its own process, or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..cluster.search.opening import OpenOnRay
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


def opening_of(settings: ServerSettings) -> Opening:
    """How a server with these settings opens its index. Raises UsageError where no cluster answers."""
    if settings.ray is None:
        return OpenHere(settings.device)
    found = OpenOnRay(settings.ray, replicas=settings.replicas, partial=settings.partial)
    found.connect()
    return found
