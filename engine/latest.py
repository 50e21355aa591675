"""The searcher of an index's last commit: opened again after a change, while earlier ones serve those who use them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from .errors import UsageError
from .hits import PagePictures
from .models.encoder import QueryEncoder
from .searcher import Searcher, open_searcher
from .store import CombinedSnapshot, Snapshot
from .store.currency import is_current


class Opening(Protocol):
    """Opens searchers of the last commit of an index, again and again."""

    def open(
        self,
        directory: Path | Mapping[str, Path],
        *,
        encoder: QueryEncoder | None = None,
        pictures: PagePictures | None = None,
    ) -> Searcher:
        """As `open_searcher`."""

    def is_unchanged(self, searcher: Searcher) -> bool:
        """Whether opening the index again would give the same searcher; False where only opening it can tell."""

    def close(self) -> None:
        """End what searchers share, when all are closed. Closing twice is harmless."""


class LatestSearcher:
    """Opens a searcher of the index in `directory`, or of several by their names, when it is first asked for one.

    A searcher that a commit made outdated stays open for the hits that were found with it, and is closed once nothing
    refers to it any more. The model stays loaded as long as the index has it. Threads may share a LatestSearcher.
    """

    def __init__(
        self,
        directory: Path | Mapping[str, Path],
        *,
        encoder: QueryEncoder | None = None,
        pictures: PagePictures | None = None,
        device: str = "cpu",
        opening: Opening | None = None,
    ) -> None:
        """The arguments are those of `open_searcher`; `opening` opens the index, if not in this process."""
        self._directory = directory
        self._encoder = encoder
        self._pictures = pictures
        self._device = device
        self._opening = opening
        self._lock = threading.Lock()
        self._current: Searcher | None = None
        self._open: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        self._is_closed = self._is_outdated = False

    def outdated(self) -> None:
        """Say that there was a commit, which may have renamed documents only: `current` would not notice that."""
        self._is_outdated = True

    def current(self) -> Searcher:
        """The searcher of the last commit.

        Raises what `open_searcher` raises, and UsageError after `close`.
        """
        with self._lock:
            if self._is_closed:
                raise UsageError(f"{self._directory}: the index was closed; open it again")
            if self._current is None or self._is_outdated or not self._is_current(self._current):
                self._is_outdated = False
                self._current = self._opened(self._current)
            return self._current

    def close(self) -> None:
        """Close the searcher, the earlier ones that are still used, and the pictures. Closing twice is harmless."""
        with self._lock:
            self._is_closed = True
            if self._current is not None:
                self._current.close()
            elif self._pictures is not None:
                self._pictures.close()
            for snapshot in list(self._open):
                snapshot.close()
            self._current = None

    def _is_current(self, searcher: Searcher) -> bool:
        if self._opening is not None:
            return self._opening.is_unchanged(searcher)
        snapshot = searcher.snapshot
        members = snapshot.members if isinstance(snapshot, CombinedSnapshot) else {"": snapshot}
        directories = self._directory if isinstance(self._directory, Mapping) else {"": self._directory}
        return all(
            is_current(directories[name], member.generation, {}, member.columns.revision)
            for name, member in members.items()
        )

    def _opened(self, earlier: Searcher | None) -> Searcher:
        reused = self._encoder
        if reused is None and earlier is not None:
            reused = earlier.encoder
        try:
            searcher = self._open_with(reused)
        except UsageError:  # the index was made again with another model
            if self._encoder is not None or reused is None:
                raise
            searcher = self._open_with(None)
        self._open.add(searcher.snapshot)
        weakref.finalize(searcher, searcher.snapshot.close).atexit = False
        return searcher

    def _open_with(self, encoder: QueryEncoder | None) -> Searcher:
        if self._opening is not None:
            return self._opening.open(self._directory, encoder=encoder, pictures=self._pictures)
        return open_searcher(self._directory, encoder=encoder, pictures=self._pictures, device=self._device)
