"""A page's size in points goes in; how many pixels to draw it with comes out, within fixed bounds."""

from __future__ import annotations

from math import isfinite, sqrt

POINTS_PER_INCH = 72.0
SIDE_MAX_PX = 8192
"""No side is longer, so that a ribbon of a page stays a picture that models and viewers accept."""
LONG_SIDE_MIN_PX = 256
"""A smaller page (a stamp, an icon) is drawn larger, ..."""
ENLARGE_MAX = 4.0
"""... but at most this many times larger than `dpi` asks for."""
SIZE_MIN_PT = 0.01
SIZE_MAX_PT = 1e7


def pixel_size(width_pt: float, height_pt: float, *, dpi: float, max_pixels: int) -> tuple[int, int, float]:
    """Return (width, height, dpi) in pixels for a page of `width_pt` by `height_pt` points.

    The result has at least 1 and at most `max_pixels` pixels and no side above `SIDE_MAX_PX`; the returned dpi is
    lower than asked where these bounds call for it. Sizes that are no number, or none that a page can have, are
    clamped, since they come from files that may be broken.

    >>> pixel_size(595, 842, dpi=72, max_pixels=4_000_000)
    (595, 842, 72.0)
    >>> pixel_size(14400, 14400, dpi=110, max_pixels=4_000_000)
    (2000, 2000, 10.0)
    """
    if dpi <= 0 or max_pixels < 1:
        raise ValueError(f"dpi and max_pixels must be positive, not {dpi} and {max_pixels}")
    width_pt, height_pt = _plausible(width_pt), _plausible(height_pt)
    long_pt = max(width_pt, height_pt)
    zoom = dpi / POINTS_PER_INCH
    zoom *= min(ENLARGE_MAX, max(1.0, LONG_SIDE_MIN_PX / (long_pt * zoom)))
    zoom = min(zoom, sqrt(max_pixels / (width_pt * height_pt)), SIDE_MAX_PX / long_pt)
    width, height = (min(SIDE_MAX_PX, max(1, round(side * zoom))) for side in (width_pt, height_pt))
    if width * height > max_pixels:
        if width >= height:
            width = max(1, max_pixels // height)
        else:
            height = max(1, max_pixels // width)
    return width, height, zoom * POINTS_PER_INCH


def _plausible(side_pt: float) -> float:
    return min(max(side_pt, SIZE_MIN_PT), SIZE_MAX_PT) if isfinite(side_pt) else SIZE_MIN_PT
