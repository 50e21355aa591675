"""Encodes pixel arrays as PNG or JPEG, scaled to a width if need be."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from .records import U8


def resize(pixels: U8, width: int) -> U8:
    """An image (H, W, C) uint8 scaled to `width` pixels, with the same proportions."""
    image = Image.fromarray(pixels)
    height = max(1, round(image.height * width / image.width))
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0))


def shrink(pixels: U8, max_width: int | None) -> U8:
    """An image (H, W, C) uint8, scaled down if it is wider than `max_width` pixels."""
    return pixels if max_width is None or pixels.shape[1] <= max_width else resize(pixels, max_width)


def encode_png(pixels: U8, *, max_width: int | None = None, compress_level: int = 6) -> bytes:
    """Encode an image (H, W, 3 or 4) uint8 as PNG, scaled down if it is wider than `max_width`.

    `compress_level` is zlib's: 1 is fastest, 9 smallest.
    """
    out = io.BytesIO()
    Image.fromarray(shrink(pixels, max_width)).save(out, format="PNG", compress_level=compress_level)
    return out.getvalue()


def encode_jpeg(pixels: U8, *, width: int, quality: int) -> bytes:
    """Encode an image (H, W, 3) uint8 as JPEG of exactly `width` pixels; `quality` is 1 to 95."""
    out = io.BytesIO()
    Image.fromarray(resize(pixels, width)).save(out, format="JPEG", quality=quality)
    return out.getvalue()
