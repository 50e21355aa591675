"""Renders image files with Pillow: PNG, JPEG, WebP, TIFF, GIF, BMP, JPEG 2000, AVIF; HEIC with pillow-heif.

Runs only inside the child process (`worker`). Every frame of a TIFF and picture of a HEIC file is a page; of an
animation, only the first frame, and how many were left out is reported.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...engine.errors import DocumentError
from ...engine.records import Lines
from ...engine.store.columns import KIND
from ...engine.store.unread import FRAMES
from ..kinds import HEIC_SUFFIXES, missing
from .backend import GreyBitmap, PageBitmap, as_render_error
from .detail import detail_size
from .page_size import POINTS_PER_INCH, pixel_size
from .unread import Unread
from .visible_text import Word

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "HEIF")
"""Of these, files are opened in those that the installed libraries read."""
PAGED_FORMATS = ("TIFF", "HEIF")
"""Formats in which several frames are pages, not an animation."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
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
TALL_RATIO, TALL_SHORT_SIDE_IN = 2.0, 8.27
"""An image that is longer than this many times its short side (a web page, a till receipt) does not fill a sheet: its
short side is taken for that of a sheet.
"""
PLAUSIBLE_LONG_SIDE_IN = (3.0, 60.0)
"""A stated resolution is believed if it gives a long side within these bounds, in inches."""
OPAQUE, DARK = 128, 128
"""Least alpha of a pixel that is seen, and the grey value below which it is dark."""
GROUND_SHARE, DARK_SHARE = 0.5, 0.01
"""A picture is light print on no ground if more than GROUND_SHARE of it is transparent, and less than DARK_SHARE of the
rest is dark: it is shown on black.
"""
GREY_BITS = range(9, 17)
"""Bits of grey that a file of 16 bits may use: scanners and cameras give 10 or 12."""


def open_image(file: Path) -> ImageDocument:
    """Open `file` without decoding it. Raises DocumentError."""
    warnings.simplefilter("ignore")  # about odd metadata; nobody reads this process's output
    Image.MAX_IMAGE_PIXELS = None  # `ImageDocument.render` checks every frame, with its own message
    try:
        image = Image.open(file, formats=_formats())
        return ImageDocument(file, image)
    except UnidentifiedImageError as err:
        if _is_heic(file) and (what := missing(HEIC_SUFFIXES[0])):
            raise DocumentError(what) from err
        raise DocumentError("the content is neither a PDF nor an image that can be read") from err
    except (OSError, SyntaxError, ValueError) as err:
        raise as_render_error("the image cannot be opened", err) from err


class ImageDocument:
    """An open image file; `page_count` is above 1 for a TIFF or HEIC file with several pictures."""

    def __init__(self, file: Path, image: Image.Image) -> None:
        self._file = file
        self._image = image
        self._frames = int(getattr(image, "n_frames", 1))
        self.page_count: int = self._frames if image.format in PAGED_FORMATS else 1
        self._page = 1
        self._own_dpi = SCREEN_DPI

    def properties(self) -> dict[str, str]:
        """Return the kind of picture."""
        return {KIND: (self._image.format or "").lower()}

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Scale frame `page` (from 1) as a page of its physical size, upright, transparency shown white or black.

        Raises DocumentError if the frame is too large or cannot be decoded, OutOfMemory at the memory limit.
        """
        self._page = page
        size_pt, transpose = self._open_frame(self._image)
        width, height, effective_dpi = pixel_size(*size_pt, dpi=dpi, max_pixels=max_pixels)
        rgb = _drawn(self._image, (width, height), transpose)
        return PageBitmap(width, height, rgb.tobytes(), effective_dpi, size_pt)

    def headings(self) -> str:
        """Return "": it has no text."""
        return ""

    def lines(self) -> Lines | None:
        """Return None: it has no lines of text."""
        return None

    def own_dpi(self) -> float:
        """Return the resolution of the page rendered last."""
        return self._own_dpi

    def detail(self, *, dpi: float, max_pixels: int) -> GreyBitmap:
        """Scale the frame rendered last again, in grey: decodes the file once more. Raises what `render` raises."""
        image = Image.open(self._file, formats=_formats())
        self._image.close()  # its pixels, which may be few: a JPEG is decoded at a fraction of its size
        self._image = image
        size_pt, transpose = self._open_frame(image)
        width, height, dpi = detail_size(*size_pt, dpi=dpi, max_pixels=max_pixels)
        return GreyBitmap(np.array(_drawn(image, (width, height), transpose).convert("L")), dpi)

    def _open_frame(self, image: Image.Image) -> tuple[tuple[float, float], Image.Transpose | None]:
        """Go to the frame rendered last; return its size in points, upright, and what turns it upright."""
        if self.page_count > 1:
            image.seek(self._page - 1)
        if image.width * image.height > PIXELS_MAX:
            raise DocumentError(
                f"the image has {image.width} x {image.height} pixels; the limit is {PIXELS_MAX // 1_000_000} million; "
                "save it at a lower resolution"
            )
        try:
            if image.format == "TIFF":
                image.load()  # applies the EXIF orientation, which Pillow leaves to the caller for other formats
            transpose = EXIF_TRANSPOSES.get(_orientation(image))
            upright = (image.height, image.width) if transpose in SIDEWAYS else image.size
            own_dpi = self._own_dpi = _dpi(image, *upright)
        except (OSError, SyntaxError, ValueError, EOFError) as err:
            raise as_render_error("the image cannot be decoded", err) from err
        return (upright[0] / own_dpi * POINTS_PER_INCH, upright[1] / own_dpi * POINTS_PER_INCH), transpose

    def text(self) -> str:
        """Return "": an image has no text layer."""
        return ""

    def words(self) -> list[Word]:
        """Return no words: an image has no text layer."""
        return []

    def unread(self) -> list[Unread]:
        """Return the frames of an animation after the first one."""
        left_out = self._frames - self.page_count
        return [Unread(FRAMES, left_out)] if left_out > 0 else []

    def unread_on_page(self) -> list[Unread]:
        """Return nothing: an image is drawn as a whole."""
        return []

    def font_sizes(self) -> list[tuple[float, int]]:
        """Return nothing: an image has no text layer."""
        return []

    def close(self) -> None:
        """Close the file."""
        self._image.close()


def _formats() -> list[str]:
    """The formats in FORMATS that the installed libraries read."""
    if "HEIF" not in Image.OPEN and importlib.util.find_spec("pillow_heif") is not None:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    if any(name not in Image.OPEN for name in FORMATS[:-1]):
        Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _is_heic(file: Path) -> bool:
    with file.open("rb") as stream:
        head = stream.read(12)
    return head[4:8] == b"ftyp" and head[8:] in HEIC_BRANDS


def _drawn(image: Image.Image, size: tuple[int, int], transpose: Image.Transpose | None) -> Image.Image:
    """An image in RGB, scaled to the `size` (width, height) that it has when `transpose` has turned it upright."""
    try:
        rgb = _rgb(_decoded(image, max(size)))
    except (OSError, SyntaxError, ValueError, EOFError) as err:
        raise as_render_error("the image cannot be decoded", err) from err
    stored_size = size[::-1] if transpose in SIDEWAYS else size
    rgb = rgb.resize(stored_size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return rgb if transpose is None else rgb.transpose(transpose)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except (OSError, SyntaxError, ValueError, TypeError):  # broken EXIF data should not cost the image
        return 1


def _dpi(image: Image.Image, width: int, height: int) -> float:
    """The image's pixels per inch: the stated resolution if plausible, else the one at which it fills a sheet, or has
    the width of one if it is tall.

    `width` and `height` are the upright image's, in pixels.
    """
    long_px, short_px = max(width, height), min(width, height)
    try:
        stated = float(max(image.info.get("dpi", (0, 0))))
    except (TypeError, ValueError, ZeroDivisionError):
        stated = 0.0
    low, high = PLAUSIBLE_LONG_SIDE_IN
    if stated > SCREEN_DPI and low <= long_px / stated <= high:
        return stated
    if long_px > TALL_RATIO * short_px:
        return max(SCREEN_DPI, short_px / TALL_SHORT_SIDE_IN)
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
    """Convert any mode to 8-bit RGB, with transparency shown white, or black under light print."""
    if image.mode.startswith(("I", "F")):
        return _grey_to_rgb(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        ground = Image.new("RGB", image.size, "black" if _is_light_print(rgba) else "white")
        ground.paste(rgba, mask=rgba.getchannel("A"))
        return ground
    return image if image.mode == "RGB" else image.convert("RGB")  # a copy would double the memory


def _is_light_print(rgba: Image.Image) -> bool:
    """Whether a picture is light print on no ground, which would vanish on white."""
    seen = np.asarray(rgba.getchannel("A")) >= OPAQUE
    count = np.count_nonzero(seen)
    if count > (1 - GROUND_SHARE) * seen.size:
        return False
    dark = np.count_nonzero(np.asarray(rgba.convert("RGB").convert("L"))[seen] < DARK)
    return bool(dark < DARK_SHARE * count)


def _grey_to_rgb(image: Image.Image) -> Image.Image:
    """Map 16-bit, 32-bit or floating-point grey values to 0..255.

    Whole numbers of up to 16 bits by the number of bits that they use, a wider range by its own extremes.
    """
    values = np.asarray(image).astype(np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and 255 < high <= 65535:
        low, high = 0.0, float(next(1 << bits for bits in GREY_BITS if high < 1 << bits) - 1)
    elif low >= 0 and high <= 255:
        low, high = 0.0, 1.0 if image.mode == "F" and high <= 1 else 255.0
    grey = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(grey.round().astype(np.uint8), "L").convert("RGB")
