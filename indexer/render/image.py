"""Renders image files (PNG, JPEG, WebP, TIFF) with Pillow.

Runs only inside the child process (`worker`). Every frame of a TIFF is a page; of an animation, only the first frame.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...engine.errors import DocumentError
from .backend import PageBitmap, as_render_error
from .page_size import POINTS_PER_INCH, pixel_size
from .unread import Unread

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
PIXELS_MAX = 250_000_000
"""A larger image is refused as a decompression bomb; A0 at 400 dpi has 247 million pixels."""
EXIF_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the operation that turns the image upright."""
SIDEWAYS = tuple(EXIF_TRANSPOSES[orientation] for orientation in (5, 6, 7, 8))
SCREEN_DPI = 96.0
"""Lowest resolution assumed for an image; one that states this or less is treated as stating none."""
PORTRAIT_LONG_SIDE_IN = 11.7
LANDSCAPE_LONG_SIDE_IN = 16.0
"""Long side, in inches, of the sheet that an image without a plausible resolution is assumed to fill."""
PLAUSIBLE_LONG_SIDE_IN = (3.0, 60.0)
"""A stated resolution is believed if it gives a long side within these bounds, in inches."""


def open_image(file: Path) -> ImageDocument:
    """Open `file` without decoding it. Raises DocumentError."""
    warnings.simplefilter("ignore")  # about odd metadata; nobody reads this process's output
    Image.MAX_IMAGE_PIXELS = None  # `ImageDocument.render` checks every frame, with its own message
    try:
        image = Image.open(file, formats=FORMATS)
        return ImageDocument(image)
    except UnidentifiedImageError as err:
        raise DocumentError("neither a PDF nor an image that can be read (PNG, JPEG, WebP, TIFF)") from err
    except (OSError, SyntaxError, ValueError) as err:
        raise as_render_error("the image cannot be opened", err) from err


class ImageDocument:
    """An open image file; `page_count` is above 1 for a TIFF with several frames."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self.page_count: int = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Scale frame `page` (from 1) as a page of its physical size, upright, with transparency shown white.

        Raises DocumentError if the frame is too large or cannot be decoded, OutOfMemory at the memory limit.
        """
        image = self._image
        if self.page_count > 1:
            image.seek(page - 1)
        if image.width * image.height > PIXELS_MAX:
            raise DocumentError(
                f"the image has {image.width} x {image.height} pixels; the limit is {PIXELS_MAX // 1_000_000} million; "
                "save it at a lower resolution"
            )
        try:
            if image.format == "TIFF":
                image.load()  # applies the EXIF orientation, which Pillow leaves to the caller for other formats
            transpose = EXIF_TRANSPOSES.get(_orientation(image))
            sideways = transpose in SIDEWAYS
            upright = (image.height, image.width) if sideways else image.size
            own_dpi = _dpi(image, *upright)
            size_pt = (upright[0] / own_dpi * POINTS_PER_INCH, upright[1] / own_dpi * POINTS_PER_INCH)
            width, height, effective_dpi = pixel_size(*size_pt, dpi=dpi, max_pixels=max_pixels)
            rgb = _rgb(_decoded(image, max(width, height)))
        except (OSError, SyntaxError, ValueError, EOFError) as err:
            raise as_render_error("the image cannot be decoded", err) from err
        stored_size = (height, width) if sideways else (width, height)
        rgb = rgb.resize(stored_size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if transpose is not None:
            rgb = rgb.transpose(transpose)
        return PageBitmap(width, height, rgb.tobytes(), effective_dpi, size_pt)

    def text(self) -> str:
        """Return "": an image has no text layer."""
        return ""

    def unread(self) -> list[Unread]:
        """Return nothing: an image has no attachments."""
        return []

    def unread_on_page(self) -> list[Unread]:
        """Return nothing: an image is drawn as a whole."""
        return []

    def font_sizes(self) -> list[tuple[float, int]]:
        """Return nothing: an image has no text layer."""
        return []

    def close(self) -> None:
        """Close the file."""
        self._image.close()


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except (OSError, SyntaxError, ValueError, TypeError):  # broken EXIF data should not cost the image
        return 1


def _dpi(image: Image.Image, width: int, height: int) -> float:
    """The image's pixels per inch: the stated resolution if plausible, else the one at which it fills a sheet.

    `width` and `height` are the upright image's, in pixels.
    """
    long_px = max(width, height)
    try:
        stated = float(max(image.info.get("dpi", (0, 0))))
    except (TypeError, ValueError, ZeroDivisionError):
        stated = 0.0
    low, high = PLAUSIBLE_LONG_SIDE_IN
    if stated > SCREEN_DPI and low <= long_px / stated <= high:
        return stated
    return max(SCREEN_DPI, long_px / (PORTRAIT_LONG_SIDE_IN if height >= width else LANDSCAPE_LONG_SIDE_IN))


def _decoded(image: Image.Image, long_px: int) -> Image.Image:
    """Decode `image`, if possible directly at a reduced size, at least twice `long_px`, to save memory."""
    if image.format == "JPEG":
        image.draft(None, (2 * long_px, 2 * long_px))
    factor = max(image.size) // (2 * long_px)
    if factor > 1 and image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image.reduce(factor)
    image.load()
    return image


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to 8-bit RGB, with transparency shown white."""
    if image.mode.startswith(("I", "F")):
        return _grey_to_rgb(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return image.convert("RGB")


def _grey_to_rgb(image: Image.Image) -> Image.Image:
    """Map 16-bit, 32-bit or floating-point grey values to 0..255: a wider range than 16 bits by its own extremes."""
    values = np.asarray(image).astype(np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and 255 < high <= 65535:
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 1.0 if image.mode == "F" and high <= 1 else 255.0
    grey = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(grey.round().astype(np.uint8), "L").convert("RGB")
