"""Hits go in; PNG files of their pages come out, the best one with a heat map if asked for; pictures are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .engine.errors import DocsearchError, DocumentError, UsageError
from .engine.records import U8, Hit, PageImage, PageRef
from .indexer import roots
from .indexer.discover import Document
from .indexer.render import Failed, Page, PageFailed, Renderer

if TYPE_CHECKING:
    from .engine.search import Searcher
    from .engine.store import Snapshot

RENDERERS = ("mupdf", "pdfium")


def read_picture(file: Path) -> U8:
    """A picture file's pixels (H, W, 3), the right way up and in RGB; UsageError where it is none."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as err:
        raise UsageError(f"--image {file}: cannot be read as a picture: {err}") from err


def save_heatmap(file: Path, text: str, hit: Hit, searcher: Searcher, index: Path, *, image: U8 | None = None) -> None:
    """Draw the page of `hit` with what on it matches the query `text` or `image`, and save it as PNG."""
    with _renderer(searcher.snapshot) as renderer:
        page = _render(renderer, hit.ref, index)
    _save(file, searcher.heatmap(text, hit.ref, page.pixels, image=image))


def save_pages(folder: Path, hits: Sequence[Hit], snapshot: Snapshot, index: Path) -> int:
    """Save the pages of `hits` into `folder`, named by rank, document and page; return how many."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UsageError(f"{folder}: cannot be made: {err.strerror or err}") from err
    with _renderer(snapshot) as renderer:
        for hit in hits:
            page = _render(renderer, hit.ref, index)
            _save(folder / f"{hit.rank:02d}-{Path(hit.ref.path).stem}-page-{hit.ref.page}.png", page.pixels)
    return len(hits)


def _renderer(snapshot: Snapshot) -> Renderer:
    dpi, max_pixels = float(snapshot.fingerprint["render_dpi"]), int(snapshot.fingerprint["max_pixels"])
    failed: DocsearchError | None = None
    for name in RENDERERS:
        try:
            return Renderer(dpi=dpi, max_pixels=max_pixels, renderer=name)
        except UsageError as err:  # not installed
            failed = failed or err
    assert failed is not None
    raise failed


def _render(renderer: Renderer, ref: PageRef, index: Path) -> PageImage:
    """Draw one page again from its document."""
    file = roots.locate(ref.path, roots.recorded(index))
    status = file.stat()
    document = Document(ref.path, file, status.st_size, status.st_mtime_ns)
    before = frozenset(range(1, ref.page))
    for event in renderer.render([(document, before)]):
        if isinstance(event, Page):
            return event.image
        if isinstance(event, Failed | PageFailed):
            raise DocumentError(f"{ref.path}, page {ref.page}: cannot be drawn again: {event.reason}")
    raise DocumentError(f"{ref.path}: has no page {ref.page} any more; bring the index up to date")


def _save(file: Path, pixels: U8) -> None:
    from PIL import Image

    try:
        Image.fromarray(pixels).save(file, format="PNG")
    except OSError as err:
        raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err
