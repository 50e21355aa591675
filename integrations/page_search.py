"""Searches an index for a framework's retriever: each hit with its text and, where asked for, a picture of its page."""

from __future__ import annotations

import asyncio
import base64
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..engine import images
from ..engine.errors import DocsearchError
from ..engine.records import Hit, Mode
from ..engine.searcher import Searcher, open_searcher
from ..engine.store.currency import is_current
from ..indexer.page_images import PageImages

PICTURE_DPI, PICTURE_MAX_PIXELS = 120.0, 4_000_000
"""A letter page is 1,020 pixels wide: small enough to send to a model, large enough to be read by it."""
JPEG_QUALITY = 85
"""Pillow's quality setting, 1 to 95."""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A hit with the text layer of its page, "" where it has none, and the page as a JPEG where one was asked for."""

    hit: Hit
    text: str
    jpeg: bytes | None

    @property
    def identifier(self) -> str:
        """The page as a URL fragment, the same in every search: `reports/2023.pdf#page=13`."""
        return f"{self.hit.ref.path}#page={self.hit.ref.page}"

    @property
    def metadata(self) -> dict[str, str | int | float]:
        """`source`, the path of the document; `page`, from 1; `rank`, from 1; and `score`, as JSON values.

        A page of a text file also has `first_line` and `last_line`.
        """
        ref, lines = self.hit.ref, self.hit.lines
        shown = {"first_line": lines[0], "last_line": lines[1]} if lines else {}
        return {"source": ref.path, "page": ref.page, "rank": self.hit.rank, "score": self.hit.score, **shown}

    @property
    def picture_url(self) -> str | None:
        """The picture as a `data:` URL, which multimodal models take; None without a picture."""
        encoded = self.encoded_picture
        return None if encoded is None else f"data:image/jpeg;base64,{encoded}"

    @property
    def encoded_picture(self) -> str | None:
        """The picture's JPEG in base64; None without a picture."""
        return None if self.jpeg is None else base64.b64encode(self.jpeg).decode("ascii")


class PageSearch:
    """Answers from the index in `directory` as it is now: it is opened again after it changed.

    A context manager; frameworks, which close nothing, may drop it instead. `path` restricts answers to documents by a
    glob or a file name, `where` by a condition on their columns (docs/filters.md); `mode` is "visual", "text",
    "hybrid" or "semantic" (None for the index's default), `pictures` asks for a picture of each page. Threads may share
    it; searches run one at a time.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        path: str | None = None,
        where: str | None = None,
        mode: Mode | None = None,
        exact: bool = False,
        pictures: bool = False,
    ) -> None:
        """Open the index. Raises IndexNotFound and what else `open_index` raises."""
        self._directory = Path(directory)
        self._path, self._where, self._mode, self._exact = path, where, mode, exact
        self._images = PageImages(self._directory, dpi=PICTURE_DPI, max_pixels=PICTURE_MAX_PIXELS) if pictures else None
        self._lock = threading.Lock()
        self._searcher = open_searcher(self._directory)
        self._to_close: list[Callable[[], None]] = [self._searcher.close]
        if self._images is not None:
            self._to_close.append(self._images.close)
        weakref.finalize(self, _close, self._to_close)

    def __enter__(self) -> PageSearch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the index, and end the process that renders pages."""
        with self._lock:
            _close(self._to_close)

    def search(self, query: str, k: int) -> list[FoundPage]:
        """The best `k` pages for a question, best first.

        Raises UsageError for a question with nothing to search for. A page whose document is gone, or cannot be
        rendered, has no picture.
        """
        with self._lock:
            searcher = self._current()
            hits = searcher.search(query, k=k, path=self._path, where=self._where, mode=self._mode, exact=self._exact)
            return [FoundPage(hit, searcher.text(hit.ref), self._picture(hit)) for hit in hits]

    async def search_async(self, query: str, k: int) -> list[FoundPage]:
        """`search` in a thread of its own, so that the event loop goes on meanwhile."""
        return await asyncio.to_thread(self.search, query, k)

    def _current(self) -> Searcher:
        if not is_current(self._directory, self._searcher.snapshot.generation, {}):
            newer = open_searcher(self._directory)
            self._searcher.close()
            self._searcher, self._to_close[0] = newer, newer.close
        return self._searcher

    def _picture(self, hit: Hit) -> bytes | None:
        if self._images is None:
            return None
        try:
            pixels = self._images.pixels(hit.ref)
        except DocsearchError:
            return None
        return images.encode_jpeg(pixels, width=pixels.shape[1], quality=JPEG_QUALITY)


def _close(parts: list[Callable[[], None]]) -> None:
    for close in parts:
        close()
