"""Renders pages of indexed documents again, from their files, in a child process."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ..engine.errors import DocumentError, UsageError
from ..engine.install import needs
from ..engine.records import U8, PageRef, PageWords
from ..engine.store import open_snapshot
from . import source_folders
from .kinds import PASSAGE_SUFFIXES
from .render.process import RenderProcess, RenderSettings
from .render.producer import has_passages
from .render.rendered import RenderedPage
from .render.renderer import RENDERER_LIBRARIES

SMALL_DPI = 72.0
SMALL_MAX_PIXELS = 2_000_000
SMALL_TIMEOUT_S = 10.0
READABLE_DPI = 150.0
READABLE_MAX_PIXELS = 6_000_000


class PageImages:
    """Holds a child process that renders pages of the documents in the index at `directory`, or of several by
    their names.

    It renders at `dpi`, within `max_pixels` and `page_timeout_s`, and tries `passwords` on encrypted files. The first
    page starts the child. Methods may be called from any thread.
    """

    def __init__(
        self,
        directory: Path | Mapping[str, Path],
        *,
        dpi: float,
        max_pixels: int,
        page_timeout_s: float = 30.0,
        passwords: tuple[str, ...] = (),
    ) -> None:
        self._directories = {"": directory} if isinstance(directory, Path) else directory
        self._lock = threading.Lock()
        self._settings = RenderSettings(dpi, max_pixels, page_timeout_s=page_timeout_s, passwords=passwords)
        self._process: RenderProcess | None = None
        self._thumbnails: PageImages | None = None

    @classmethod
    def small(cls, directory: Path | Mapping[str, Path], *, passwords: tuple[str, ...] = ()) -> PageImages:
        """Images large enough for a list of hits: a letter page is 612 pixels wide."""
        return cls(
            directory,
            dpi=SMALL_DPI,
            max_pixels=SMALL_MAX_PIXELS,
            page_timeout_s=SMALL_TIMEOUT_S,
            passwords=passwords,
        )

    @classmethod
    def readable(cls, directory: Path | Mapping[str, Path], *, passwords: tuple[str, ...] = ()) -> PageImages:
        """Images in which ordinary print can be read: a letter page is 1,275 pixels wide."""
        return cls(directory, dpi=READABLE_DPI, max_pixels=READABLE_MAX_PIXELS, passwords=passwords)

    @property
    def thumbnails(self) -> PageImages:
        """The same pages in the size of a list of hits, by a process of their own; closed with these."""
        with self._lock:
            if self._thumbnails is None and self._settings.dpi > SMALL_DPI:
                self._thumbnails = PageImages.small(self._directories, passwords=self._settings.passwords)
            return self._thumbnails or self

    def render(self, ref: PageRef) -> RenderedPage:
        """Render one page, from a copy of its document where that is gone.

        Raises UsageError if the document is not where it was indexed or no renderer is installed, and DocumentError if
        the page cannot be rendered.
        """
        file = source_folders.locate_content(self._directories[ref.index], ref.path, self._settings.passwords)
        with self._lock:
            return self._render(file, ref)[0]

    def with_words(self, ref: PageRef) -> tuple[U8, PageWords]:
        """The page as pixels, (H, W, 3) uint8, and the words of its text layer that can be seen, both from its document
        as it is now; raises what `render` raises.
        """
        file = source_folders.locate_content(self._directories[ref.index], ref.path, self._settings.passwords)
        with self._lock:
            rendered, process = self._render(file, ref)
            return rendered.pixels, process.words()

    def _render(self, file: Path, ref: PageRef) -> tuple[RenderedPage, RenderProcess]:
        """Render a page of `file`, and the process that did, which still has it open."""
        if self._process is None:
            self._process = RenderProcess(replace(self._settings, renderer=installed_renderer()))
        passages = shows_passages(self._directories[ref.index], ref.path)
        try:
            return self._process.render(file, ref.page, passages=passages), self._process
        except DocumentError as err:
            raise DocumentError(f"{ref.path}, page {ref.page}: cannot be rendered again: {err}") from err

    def pixels(self, ref: PageRef) -> U8:
        """The page as pixels, (H, W, 3) uint8; raises what `render` raises."""
        return self.render(ref).pixels

    def close(self) -> None:
        """End the child processes; the next page starts a new one."""
        with self._lock:
            if self._process is not None:
                self._process.close()
            if self._thumbnails is not None:
                self._thumbnails.close()


def shows_passages(directory: Path, path: str) -> bool:
    """Whether the pages of the document with this path are passages of a text file in the index at `directory`.

    Raises what `open_snapshot` raises.
    """
    if PurePosixPath(path).suffix.lower() not in PASSAGE_SUFFIXES:
        return False
    with open_snapshot(directory) as snapshot:
        return has_passages(snapshot.producer(path))


def installed_renderer() -> str:
    """The name of the first renderer whose library is installed. Raises UsageError if none is."""
    for name, library in RENDERER_LIBRARIES.items():
        if importlib.util.find_spec(library) is not None:
            return name
    raise UsageError(needs(f"rendering pages needs {' or '.join(RENDERER_LIBRARIES.values())}"))
