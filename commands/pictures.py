"""Hits go in; PNG files of their pages come out, the best one with a heat map if asked for; pictures are read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.errors import UsageError
from ..engine.records import U8, Hit
from ..indexer.page_images import PageSource

if TYPE_CHECKING:
    from ..engine.searcher import Searcher
    from ..engine.store import Snapshot


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
    with closing(_source(searcher.snapshot, index)) as source:
        pixels = source.pixels(hit.ref)
    _save(file, searcher.heatmap(text, hit.ref, pixels, image=image))


def save_pages(folder: Path, hits: Sequence[Hit], snapshot: Snapshot, index: Path) -> int:
    """Save the pages of `hits` into `folder`, named by rank, document and page; return how many."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UsageError(f"{folder}: cannot be made: {err.strerror or err}") from err
    with closing(_source(snapshot, index)) as source:
        for hit in hits:
            name = f"{hit.rank:02d}-{Path(hit.ref.path).stem}-page-{hit.ref.page}.png"
            _save(folder / name, source.pixels(hit.ref))
    return len(hits)


def _source(snapshot: Snapshot, index: Path) -> PageSource:
    """Pages as the index's model saw them."""
    fingerprint = snapshot.fingerprint
    return PageSource(index, dpi=float(fingerprint["render_dpi"]), max_pixels=int(fingerprint["max_pixels"]))


def _save(file: Path, pixels: U8) -> None:
    from PIL import Image

    try:
        Image.fromarray(pixels).save(file, format="PNG")
    except OSError as err:
        raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err
