"""The size in pixels at which to render a page of a given size in points, within fixed bounds."""

from __future__ import annotations

from math import isfinite, sqrt

POINTS_PER_INCH = 72.0
SIDE_MAX_PX = 8192
"""Upper bound of either side: a ribbon-shaped page stays an image that models and viewers accept."""
LONG_SIDE_MIN_PX = 256
"""A page whose long side is shorter (a stamp, an icon) is rendered at a higher resolution, ..."""
UPSCALE_MAX = 4.0
"""... but at most this many times the requested `dpi`."""
SIZE_MIN_PT = 0.01
SIZE_MAX_PT = 1e7


def pixel_size(width_pt: float, height_pt: float, *, dpi: float, max_pixels: int) -> tuple[int, int, float]:
    """Return (width, height, effective dpi), sides in pixels, for a page of `width_pt` by `height_pt` points.

    The result has between 1 and `max_pixels` pixels and no side above SIDE_MAX_PX; the effective dpi is lower than
    `dpi` where these bounds require it. Sizes come from files that may be broken: NaN, infinite and impossible values
    are clamped. Raises ValueError if `dpi` or `max_pixels` is not positive.

    >>> pixel_size(595, 842, dpi=72, max_pixels=4_000_000)
    (595, 842, 72.0)
    >>> pixel_size(14400, 14400, dpi=110, max_pixels=4_000_000)
    (2000, 2000, 10.0)
    """
    if dpi <= 0 or max_pixels < 1:
        raise ValueError(f"dpi and max_pixels must be positive, not {dpi} and {max_pixels}")
    width_pt, height_pt = _clamped(width_pt), _clamped(height_pt)
    long_pt = max(width_pt, height_pt)
    zoom = dpi / POINTS_PER_INCH
    zoom *= min(UPSCALE_MAX, max(1.0, LONG_SIDE_MIN_PX / (long_pt * zoom)))
    zoom = min(zoom, sqrt(max_pixels / (width_pt * height_pt)), SIDE_MAX_PX / long_pt)
    width, height = (min(SIDE_MAX_PX, max(1, round(side * zoom))) for side in (width_pt, height_pt))
    if width * height > max_pixels:
        if width >= height:
            width = max(1, max_pixels // height)
        else:
            height = max(1, max_pixels // width)
    return width, height, zoom * POINTS_PER_INCH


def _clamped(side_pt: float) -> float:
    return min(max(side_pt, SIZE_MIN_PT), SIZE_MAX_PT) if isfinite(side_pt) else SIZE_MIN_PT
