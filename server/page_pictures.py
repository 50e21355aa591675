"""A page of a document goes in; its picture comes out as PNG, drawn by child processes, at the width asked for."""

from __future__ import annotations

import asyncio
import io
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from ..engine.errors import UsageError
from ..engine.records import U8
from ..indexer.discover import IMAGE_MAGIC
from ..indexer.render.process import RenderProcess, RenderSettings
from .http_errors import Busy
from .metrics import Metrics

WIDTH_MIN, WIDTH_MAX = 32, 2400
"""Pixels a picture of a page may be wide."""
SMALL_WIDTH = 300
"""Pictures up to this width are drawn by a process of their own, so that they do not wait for large ones."""
SMALL_DPI, LARGE_DPI = 100.0, 200.0
MAX_PIXELS = 8_000_000
CACHE_BYTES = 64 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as `png`, of `width` and `height` in pixels."""

    png: bytes
    width: int
    height: int


class PagePictures:
    """Holds two child processes that draw pages, one that opens pictures of clients at the `dpi` and with the
    `max_pixels` of the index's model, and the last pictures; at most `room` requests wait.
    """

    def __init__(
        self, *, room: int, metrics: Metrics, dpi: float, max_pixels: int, passwords: tuple[str, ...] = ()
    ) -> None:
        self._room = room
        self._metrics = metrics
        self._desks = {
            dpi: (RenderProcess(RenderSettings(dpi, MAX_PIXELS, passwords=passwords)), ThreadPoolExecutor(1))
            for dpi in (SMALL_DPI, LARGE_DPI)
        }
        self._opening = (RenderProcess(RenderSettings(dpi, max_pixels)), ThreadPoolExecutor(1))
        self._changed = threading.Lock()  # guards all that follows
        self._kept: OrderedDict[tuple[str, int, int], PagePicture] = OrderedDict()
        self._bytes = 0
        self.waiting = 0

    async def picture(self, file: Path, sha256: str, page: int, width: int) -> PagePicture:
        """Draw `page` (from 1) of `file`, of content `sha256`, `width` pixels wide, or as wide as it is at 200 dpi.

        Raises DocumentError where it cannot be drawn, and Busy when too many wait.
        """
        key = (sha256, page, width)
        with self._changed:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                self._metrics.pictures.labels("cache").inc()
                return kept
        process, desk = self._desks[SMALL_DPI if width <= SMALL_WIDTH else LARGE_DPI]
        drawn = await self._run(desk, lambda: to_png(process.draw(file, page).pixels, width))
        self._metrics.pictures.labels("drawn").inc()
        self._keep(key, drawn)
        return drawn

    async def pixels_of(self, content: bytes) -> U8:
        """The pixels (H, W, 3) of a picture file that a client sent, as if it were a page to index.

        Raises UsageError where it is no picture, DocumentError where it cannot be read, and Busy when too many wait.
        """
        if IMAGE_MAGIC.match(content) is None:
            raise UsageError("the image is no PNG, JPEG, WebP or TIFF file")
        process, desk = self._opening

        def draw() -> U8:
            with tempfile.NamedTemporaryFile(prefix="docsearch-") as file:
                file.write(content)
                file.flush()
                return process.draw(Path(file.name), 1).pixels

        return await self._run(desk, draw)

    def close(self) -> None:
        """Draw what was accepted, and end the child processes."""
        for process, desk in (*self._desks.values(), self._opening):
            desk.shutdown(wait=True)
            process.stop()

    async def _run(self, desk: ThreadPoolExecutor, draw: Callable[[], T]) -> T:
        if self.waiting >= self._room:
            raise Busy(f"{self.waiting} pictures wait to be drawn already; ask again in a moment")
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(desk, draw)
        finally:
            self.waiting -= 1

    def _keep(self, key: tuple[str, int, int], picture: PagePicture) -> None:
        with self._changed:
            if key in self._kept:
                return
            self._kept[key] = picture
            self._bytes += len(picture.png)
            while self._bytes > CACHE_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped.png)


def to_png(pixels: U8, width: int | None = None) -> PagePicture:
    """Encode `pixels` (H, W, 3 or 4), made narrower if they are wider than `width`."""
    picture = Image.fromarray(pixels)
    if width is not None and width < picture.width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, format="PNG", compress_level=4)
    return PagePicture(out.getvalue(), picture.width, picture.height)
