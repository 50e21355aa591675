"""Pictures of a benchmark's pages for a report: read from the corpus, and drawn small in a child process."""

from __future__ import annotations

import tempfile
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path

from ...engine.errors import DocumentError
from ...engine.records import U8, PageRef, PageWords
from ...indexer.page_images import SMALL_DPI, SMALL_MAX_PIXELS, SMALL_TIMEOUT_S, installed_renderer
from ...indexer.render.process import RenderProcess, RenderSettings
from .collection import Corpus


class CorpusImages:
    """The pictures of the pages `wanted`, by id; the corpus is read once, when the first of them is asked for."""

    def __init__(self, corpus: Corpus, wanted: AbstractSet[str]) -> None:
        self._corpus = corpus
        self._wanted = wanted
        self._folder = tempfile.TemporaryDirectory(prefix="docsearch-pictures-")
        settings = RenderSettings(SMALL_DPI, SMALL_MAX_PIXELS, installed_renderer(), SMALL_TIMEOUT_S)
        self._process = RenderProcess(settings)

    def pixels(self, ref: PageRef) -> U8:
        """The page as pixels, (H, W, 3) uint8. Raises DocumentError where it is not one of those, or is broken."""
        return self._process.render(self._file(ref), ref.page).pixels

    def with_words(self, ref: PageRef) -> tuple[U8, PageWords]:
        """The page as `pixels` has it, and the words of its text layer; raises the same."""
        pixels = self.pixels(ref)
        return pixels, self._process.words()

    @property
    def thumbnails(self) -> CorpusImages:
        """The same: they are small."""
        return self

    def _file(self, ref: PageRef) -> Path:
        file = self._files.get(ref.path)
        if file is None:
            raise DocumentError(f"{ref.path}: there is no picture of this page")
        return file

    def close(self) -> None:
        """End the child process and delete the pictures."""
        self._process.stop()
        self._folder.cleanup()

    @cached_property
    def _files(self) -> dict[str, Path]:
        files: dict[str, Path] = {}
        for page in self._corpus.read():
            if page.page_id in self._wanted:
                files[page.page_id] = Path(self._folder.name) / f"{len(files)}.png"
                files[page.page_id].write_bytes(page.picture)
        return files
