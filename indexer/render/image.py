"""A PNG, JPEG, WebP or TIFF file goes in; its pages come out as pixels, by Pillow.

Runs inside the child process of `render_worker` only. Every frame of a TIFF is a page; of animations, the first frame.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...engine.errors import DocumentError
from .backend import Drawing, failure
from .page_size import POINTS_PER_INCH, pixel_size

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
PIXELS_MAX = 250_000_000
"""A larger picture (A0 at 400 dpi has 247 million pixels) is taken for a decompression bomb."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture of each EXIF orientation upright."""
SIDEWAYS = tuple(TURNS[orientation] for orientation in (5, 6, 7, 8))
SCREEN_DPI = 96.0
PORTRAIT_PAGE_IN = 11.7
LANDSCAPE_PAGE_IN = 16.0
"""The long side of the sheet that a picture which does not say its own size is taken to be."""
PLAUSIBLE_SIDE_IN = (3.0, 60.0)


def open_image(file: Path) -> ImageDocument:
    """Open `file`; nothing is decoded yet. Raises DocumentError."""
    warnings.simplefilter("ignore")  # odd metadata; this process has nobody to tell
    Image.MAX_IMAGE_PIXELS = None  # `ImageDocument.draw` checks, in words of its own and for every frame
    try:
        image = Image.open(file, formats=FORMATS)
        return ImageDocument(image)
    except UnidentifiedImageError as err:
        raise DocumentError("neither a PDF nor a picture that can be read (PNG, JPEG, WebP, TIFF)") from err
    except (OSError, SyntaxError, ValueError) as err:
        raise failure("the picture cannot be opened", err) from err


class ImageDocument:
    """An open picture; `page_count` is more than 1 for a TIFF with several frames."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self.page_count: int = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1

    def draw(self, page: int, *, dpi: float, max_pixels: int) -> Drawing:
        """Scale frame `page` as a page of its physical size, upright, with what is transparent shown white."""
        image = self._image
        if self.page_count > 1:
            image.seek(page - 1)
        if image.width * image.height > PIXELS_MAX:
            raise DocumentError(
                f"the picture has {image.width} x {image.height} pixels, more than the {PIXELS_MAX // 1_000_000} "
                "million that are read; save it smaller"
            )
        try:
            if image.format == "TIFF":
                image.load()  # turns it upright, which the other formats leave to the caller
            turn = TURNS.get(_orientation(image))
            sideways = turn in SIDEWAYS
            upright = (image.height, image.width) if sideways else image.size
            own_dpi = _dpi(image, *upright)
            size_pt = (upright[0] / own_dpi * POINTS_PER_INCH, upright[1] / own_dpi * POINTS_PER_INCH)
            width, height, drawn_dpi = pixel_size(*size_pt, dpi=dpi, max_pixels=max_pixels)
            rgb = _rgb(_decoded(image, max(width, height)))
        except (OSError, SyntaxError, ValueError, EOFError) as err:
            raise failure("the picture cannot be decoded", err) from err
        stored_size = (height, width) if sideways else (width, height)
        rgb = rgb.resize(stored_size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if turn is not None:
            rgb = rgb.transpose(turn)
        return Drawing(width, height, rgb.tobytes(), drawn_dpi, size_pt)

    def text(self) -> str:
        """A picture has no text layer."""
        return ""

    def close(self) -> None:
        self._image.close()


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except (OSError, SyntaxError, ValueError, TypeError):  # broken EXIF data is no reason to lose the picture
        return 1


def _dpi(image: Image.Image, width: int, height: int) -> float:
    """Return the picture's pixels per inch: what it says where that is plausible, else what fills a sheet."""
    long_px = max(width, height)
    try:
        stated = float(max(image.info.get("dpi", (0, 0))))
    except (TypeError, ValueError, ZeroDivisionError):
        stated = 0.0
    low, high = PLAUSIBLE_SIDE_IN
    if stated > SCREEN_DPI and low <= long_px / stated <= high:
        return stated
    return max(SCREEN_DPI, long_px / (PORTRAIT_PAGE_IN if height >= width else LANDSCAPE_PAGE_IN))


def _decoded(image: Image.Image, long_px: int) -> Image.Image:
    """Decode `image`, sparing memory: at once in a size that is still at least twice `long_px`, where that can be."""
    if image.format == "JPEG":
        image.draft(None, (2 * long_px, 2 * long_px))
    factor = max(image.size) // (2 * long_px)
    if factor > 1 and image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image.reduce(factor)
    image.load()
    return image


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: 16 and 32 bits to 8, transparent to white."""
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Map grey values of 16 bits, or of whatever range the picture has where it is wider, to 0..255."""
    values = np.asarray(image).astype(np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and 255 < high <= 65535:
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 1.0 if image.mode == "F" and high <= 1 else 255.0
    grey = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(grey.round().astype(np.uint8), "L").convert("RGB")
