"""A page of an indexed document goes in; its picture comes out, drawn again from the file by a child process."""

from __future__ import annotations

import importlib.util
import io
import threading
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ..engine.errors import DocumentError, UsageError
from ..engine.records import U8, PageRef
from . import source_folders
from .render.process import DrawnPage, RenderProcess, RenderSettings
from .render.renderer import RENDERERS


class PageSource:
    """Holds a child process that draws pages of the documents in the index at `directory`, at `dpi`, within
    `max_pixels` and `page_timeout_s`; `passwords` are tried on encrypted files. Any thread may ask. The child is
    started by the first page.
    """

    def __init__(
        self,
        directory: Path,
        *,
        dpi: float,
        max_pixels: int,
        page_timeout_s: float = 30.0,
        passwords: tuple[str, ...] = (),
    ) -> None:
        self._directory = directory
        self._one_at_a_time = threading.Lock()
        self._settings = RenderSettings(dpi, max_pixels, page_timeout_s=page_timeout_s, passwords=passwords)
        self._process: RenderProcess | None = None

    def draw(self, ref: PageRef) -> DrawnPage:
        """Draw one page. Raises UsageError where its document is not where it was indexed or no renderer is
        installed, and DocumentError where it cannot be drawn.
        """
        file = source_folders.locate(ref.path, source_folders.recorded(self._directory))
        with self._one_at_a_time:
            if self._process is None:
                self._process = RenderProcess(replace(self._settings, renderer=first_installed()))
            try:
                return self._process.draw(file, ref.page)
            except DocumentError as err:
                raise DocumentError(f"{ref.path}, page {ref.page}: cannot be drawn again: {err}") from err

    def pixels(self, ref: PageRef) -> U8:
        """The picture of `draw` alone, (H, W, 3) uint8."""
        return self.draw(ref).pixels

    def close(self) -> None:
        """End the child process; another page starts a new one."""
        with self._one_at_a_time:
            if self._process is not None:
                self._process.stop()


def first_installed() -> str:
    """The renderer to draw with: the first that is installed. Raises UsageError where none is."""
    for name, library in RENDERERS.items():
        if importlib.util.find_spec(library) is not None:
            return name
    raise UsageError(f"drawing pages needs {' or '.join(RENDERERS.values())}: pip install pymupdf")


def png(pixels: U8, *, width: int) -> bytes:
    """Encode a picture (H, W, 3), made narrower if it is wider than `width` pixels."""
    picture = Image.fromarray(pixels)
    if width < picture.width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()
