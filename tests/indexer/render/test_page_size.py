"""A page is rendered within bounds, whatever size it claims."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from docsearch.indexer.render.page_size import LONG_SIDE_MIN_PX, SIDE_MAX_PX, pixel_size

sides = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0.001, 1e6)


@given(sides, sides, st.floats(1, 1200), st.integers(1, 50_000_000))
def test_no_page_exceeds_its_bounds(width_pt: float, height_pt: float, dpi: float, max_pixels: int) -> None:
    width, height, effective_dpi = pixel_size(width_pt, height_pt, dpi=dpi, max_pixels=max_pixels)
    assert 1 <= width * height <= max_pixels
    assert 1 <= min(width, height) <= max(width, height) <= SIDE_MAX_PX
    assert 0 < effective_dpi <= 4 * dpi + 1e-6
    assert math.isfinite(effective_dpi)


@given(st.floats(300, 1000), st.floats(300, 1000), st.floats(72, 200))
def test_an_ordinary_page_keeps_its_proportions_and_resolution(width_pt: float, height_pt: float, dpi: float) -> None:
    width, height, effective_dpi = pixel_size(width_pt, height_pt, dpi=dpi, max_pixels=10_000_000)
    assert math.isclose(effective_dpi, dpi)
    assert abs(width - width_pt * dpi / 72) <= 0.5
    assert abs(height - height_pt * dpi / 72) <= 0.5


def test_a_page_of_200_inches_stays_below_max_pixels() -> None:
    assert pixel_size(14400, 14400, dpi=165, max_pixels=4_000_000)[:2] == (2000, 2000)


def test_a_tiny_page_is_enlarged_up_to_a_limit() -> None:
    assert max(pixel_size(72, 36, dpi=110, max_pixels=4_000_000)[:2]) == LONG_SIDE_MIN_PX
    assert pixel_size(3, 3, dpi=110, max_pixels=4_000_000) == (18, 18, 440)


def test_a_ribbon_shaped_page_keeps_its_long_side_within_bounds() -> None:
    assert pixel_size(1, 200_000, dpi=110, max_pixels=4_000_000)[:2] == (1, SIDE_MAX_PX)
