"""Image files of `docsearch query`: reads the image to search by, saves pages of hits and heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine import images
from ..engine.errors import UsageError
from ..engine.records import U8, Hit, Mode
from ..engine.store.durable import atomic_file
from ..indexer.page_images import PageImages
from .indexes import Opened
from .output_files import check_not_indexed

if TYPE_CHECKING:
    from ..engine.searcher import Searcher
    from ..engine.store import Snapshot

JPEG_SUFFIXES = (".jpg", ".jpeg")
JPEG_QUALITY = 90


def read_image(file: Path) -> U8:
    """The pixels (H, W, 3) uint8 of an image file in RGB, rotated as its EXIF data says. Raises UsageError."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise UsageError(f"--image {file}: no such file") from None
    except (OSError, ValueError, Image.DecompressionBombError) as err:
        reason = getattr(err, "strerror", None) or err
        raise UsageError(f"--image {file}: cannot be read as an image: {reason}") from err


def save_heatmap(
    file: Path, text: str, hit: Hit, searcher: Searcher, pages: PageImages, *, mode: Mode, image: U8 | None = None
) -> None:
    """Save the page of `hit` with a heat map of its matches with the query `text` or `image`, found in this `mode`."""
    pixels, words = pages.with_words(hit.ref)
    shown = None if mode == "visual" else words
    _save(file, searcher.heatmap(text, hit.ref, pixels, image=image, words=shown, mode=mode))


def save_pages(folder: Path, hits: Sequence[Hit], pages: PageImages, index: Opened) -> int:
    """Save the pages of `hits` into `folder`, named by rank, document and page; return how many."""
    files = {folder / f"{hit.rank:02d}-{Path(hit.ref.path).stem}-page-{hit.ref.page}.png": hit.ref for hit in hits}
    for each in [index] if isinstance(index, Path) else index.values():
        check_not_indexed(list(files), each, what="page")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UsageError(f"{folder}: the folder cannot be created: {err.strerror or err}") from err
    for file, ref in files.items():
        _save(file, pages.pixels(ref))
    return len(files)


def page_images(snapshot: Snapshot, index: Opened, passwords: tuple[str, ...]) -> PageImages:
    """Draws pages at the resolution that the index's model saw; tries `passwords` on encrypted files."""
    fingerprint = snapshot.fingerprint
    dpi, max_pixels = float(fingerprint["render_dpi"]), int(fingerprint["max_pixels"])
    return PageImages(index, dpi=dpi, max_pixels=max_pixels, passwords=passwords)


def _save(file: Path, pixels: U8) -> None:
    try:
        with atomic_file(file) as temporary:
            temporary.write_bytes(_encoded(pixels, file.suffix.lower()))
    except OSError as err:
        raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err


def _encoded(pixels: U8, suffix: str) -> bytes:
    if suffix in JPEG_SUFFIXES:
        return images.encode_jpeg(pixels, width=pixels.shape[1], quality=JPEG_QUALITY)
    return images.encode_png(pixels)
