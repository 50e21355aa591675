"""Page images for clients: rendered by child processes, encoded as PNG, and cached."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..engine import images
from ..engine.errors import UsageError
from ..engine.records import U8, PageWords
from ..indexer.kinds import IMAGE_MAGIC
from ..indexer.render.process import RenderProcess, RenderSettings
from .http_errors import Busy
from .metrics import Metrics

WIDTH_MIN, WIDTH_MAX = 32, 2400
"""Width of a page image in pixels."""
SMALL_WIDTH = 300
"""Images up to this width have a render process of their own, so that thumbnails do not wait for large images."""
SMALL_DPI, LARGE_DPI = 100.0, 200.0
MAX_PIXELS = 8_000_000
CACHE_BYTES = 64 << 20
CACHED_WORDS_PAGES = 256
"""Pages whose words are kept with their places, about 50 KB each."""
PNG_COMPRESSION = 4
MODEL_WIDTH, MODEL_QUALITY = 1020, 85
"""Width in pixels and JPEG quality of pages for language models: ordinary print can be read."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PagePicture:
    """An image as `png`, of `width` and `height` in pixels."""

    png: bytes
    width: int
    height: int

    @staticmethod
    def encode(pixels: U8, max_width: int | None = None) -> PagePicture:
        """Encode `pixels` (H, W, 3 or 4) uint8, scaled down if they are wider than `max_width`."""
        pixels = images.shrink(pixels, max_width)
        return PagePicture(images.encode_png(pixels, compress_level=PNG_COMPRESSION), pixels.shape[1], pixels.shape[0])


class PagePictures:
    """Holds two processes that render pages, one that decodes images of clients, and a cache of page images.

    At most `max_pending` requests are queued. Images of clients are decoded at the `dpi` and `max_pixels` of the
    index's model. `passwords` are tried on encrypted documents.
    """

    def __init__(
        self, *, max_pending: int, metrics: Metrics, dpi: float, max_pixels: int, passwords: tuple[str, ...] = ()
    ) -> None:
        self._max_pending = max_pending
        self._metrics = metrics
        self._renderers = {
            dpi: (RenderProcess(RenderSettings(dpi, MAX_PIXELS, passwords=passwords)), ThreadPoolExecutor(1))
            for dpi in (SMALL_DPI, LARGE_DPI)
        }
        self._decoder = (RenderProcess(RenderSettings(dpi, max_pixels)), ThreadPoolExecutor(1))
        self._lock = threading.Lock()  # guards the attributes below
        self._cache: OrderedDict[tuple[str, int, int], PagePicture] = OrderedDict()  # least recently used first
        self._bytes = 0
        self._words: OrderedDict[tuple[str, int], PageWords] = OrderedDict()
        self.pending = 0

    async def picture(self, file: Path, sha256: str, page: int, width: int, *, passages: bool = False) -> PagePicture:
        """Render `page` (from 1) of `file`, whose content hash is `sha256`, at most `width` pixels wide.

        `passages` says whether the pages are passages of a text file.
        Raises DocumentError if it cannot be rendered, and Busy if the queue is full.
        """
        key = (_content(sha256, passages=passages), page, width)
        with self._lock:
            if (cached := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                self._metrics.pictures.labels("cache").inc()
                return cached
        process, executor = self._renderers[SMALL_DPI if width <= SMALL_WIDTH else LARGE_DPI]

        def draw() -> PagePicture:
            pixels = process.render(file, page, passages=passages).pixels
            self._keep_words(key[:2], process)
            return PagePicture.encode(pixels, width)

        picture = await self._run(executor, draw)
        self._metrics.pictures.labels("drawn").inc()
        self._add_to_cache(key, picture)
        return picture

    async def jpeg(self, file: Path, page: int, *, passages: bool = False) -> bytes:
        """A page as a JPEG that a language model can read; raises what `picture` raises."""
        process, executor = self._renderers[LARGE_DPI]

        def draw() -> bytes:
            pixels = process.render(file, page, passages=passages).pixels
            return images.encode_jpeg(pixels, width=MODEL_WIDTH, quality=MODEL_QUALITY)

        return await self._run(executor, draw)

    async def words(self, file: Path, sha256: str, page: int, *, passages: bool = False) -> PageWords:
        """The words of a page's text layer; raises what `picture` raises."""
        key = (_content(sha256, passages=passages), page)
        with self._lock:
            if (known := self._words.get(key)) is not None:
                self._words.move_to_end(key)
                return known
        process, executor = self._renderers[SMALL_DPI]

        def find() -> PageWords:
            process.render(file, page, passages=passages)
            return self._keep_words(key, process)

        return await self._run(executor, find)

    async def decode(self, content: bytes) -> U8:
        """The pixels (H, W, 3) uint8 of an image file that a client sent, scaled like a page to index.

        Raises UsageError if it is not an image, DocumentError if it cannot be read, and Busy if the queue is full.
        """
        if IMAGE_MAGIC.match(content) is None:
            raise UsageError("the image is of no known format: PNG, JPEG, WebP, TIFF, GIF, BMP, JPEG 2000, AVIF, HEIC")
        process, executor = self._decoder

        def render() -> U8:
            # Windows opens no file a second time that is deleted when closed, and deletes none that is open.
            with tempfile.TemporaryDirectory(prefix="docsearch-", ignore_cleanup_errors=True) as folder:
                file = Path(folder) / "picture"
                file.write_bytes(content)
                return process.render(file, 1).pixels

        return await self._run(executor, render)

    def close(self) -> None:
        """Finish queued requests, and stop the child processes."""
        for process, executor in (*self._renderers.values(), self._decoder):
            executor.shutdown(wait=True)
            process.close()

    async def _run(self, executor: ThreadPoolExecutor, render: Callable[[], T]) -> T:
        if self.pending >= self._max_pending:
            raise Busy(f"{self.pending} page images are waiting to be rendered; try again shortly")
        self.pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, render)
        finally:
            self.pending -= 1

    def _keep_words(self, key: tuple[str, int], process: RenderProcess) -> PageWords:
        """Cache the words of the page that a process rendered last, so that a heat map need not render it again."""
        found = process.words()
        with self._lock:
            self._words[key] = found
            if len(self._words) > CACHED_WORDS_PAGES:
                self._words.popitem(last=False)
        return found

    def _add_to_cache(self, key: tuple[str, int, int], picture: PagePicture) -> None:
        with self._lock:
            if key in self._cache:
                return
            self._cache[key] = picture
            self._bytes += len(picture.png)
            while self._bytes > CACHE_BYTES:
                _, evicted = self._cache.popitem(last=False)
                self._bytes -= len(evicted.png)


def _content(sha256: str, *, passages: bool) -> str:
    """What stands for the pages of a content in the caches: passages of a text file are other pages."""
    return f"{sha256} passages" if passages else sha256
