"""What is read off the features of a page: kinds of figures and pages, and colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from docsearch.engine.errors import UsageError
from docsearch.engine.models.pixel import spec
from docsearch.engine.models.pixel.concepts import PAINTED, WHOLE_PAGE, shown_by
from docsearch.engine.models.pixel.features import (
    BLOCK_STATISTICS,
    FIGURE_CELLS,
    HUES,
    PAGE_STATISTICS,
    Pass,
    block_statistics,
    colour_shares,
    page_statistics,
)
from docsearch.engine.models.pixel.heads import load
from docsearch.engine.models.pixel.network import STEM
from docsearch.engine.models.pixel.text import PixelText, load_concepts

CHANNELS = STEM[-1]


def seen_in(height: int, width: int) -> Pass:
    """What a pass might have seen in so many cells."""
    cells, chances = torch.rand(1, CHANNELS, height, width), torch.rand(height, width)
    return Pass(cells, cells, chances, chances, cells[:, :4], (4 * width, 4 * height))


def test_what_is_told_is_no_ordinary_word() -> None:
    text = PixelText.load()
    words = text.embed(
        ["revenue", "poster", "yellow", "table", "the", "2023", "vertrag", "chart", "letter", "invoice"]
    )[0]
    for readout in load():
        _, vectors = readout.tell(np.eye(len(readout.vectors), dtype=np.float32))
        assert (vectors @ words.T).max() < spec.FLOOR


def test_statistics_have_their_size_on_pages_of_any_shape() -> None:
    _, pages = load()
    assert pages.vectors.shape[0] == len(WHOLE_PAGE) + len(PAINTED)
    for height, width in ((1, 1), (3, 9), (25, 18), (4, 40)):
        features, chances = torch.rand(CHANNELS, height, width), torch.rand(height, width)
        coarse, base = seen_in(height, width), seen_in(3 * height - 1, 3 * width - 2)
        blocks = block_statistics(coarse, base, 3)
        assert blocks.shape == (-(-height // FIGURE_CELLS), -(-width // FIGURE_CELLS), BLOCK_STATISTICS)
        assert torch.isfinite(blocks).all()
        pixels = np.full((height * 48, width * 48, 3), 255, np.uint8)
        for boxes in (np.zeros((0, 4), np.float32), np.array([[0.1, 0.1, 0.3, 0.12]], np.float32)):
            seen = page_statistics(features, chances, chances, pixels, boxes)
            assert seen.shape == (PAGE_STATISTICS,)
            assert np.isfinite(seen).all()


@pytest.mark.parametrize(
    ("colour", "name"),
    [((200, 20, 30), "red"), ((250, 210, 30), "yellow"), ((20, 60, 190), "blue"), ((40, 150, 60), "green")],
)
def test_a_colour_is_told_by_its_share_of_the_page(colour: tuple[int, int, int], name: str) -> None:
    pixels = np.full((400, 300, 3), 255, np.uint8)
    pixels[:100] = colour
    shares = dict(zip((c.split()[-1] for c in PAINTED), colour_shares(pixels)[: len(HUES)].tolist(), strict=True))
    assert shares.pop(name) == pytest.approx(0.25, abs=0.02)
    assert max(shares.values()) < 0.01


def test_grey_paper_and_black_print_have_no_colour() -> None:
    pixels = np.full((300, 300, 3), (236, 233, 228), np.uint8)
    pixels[::7] = 20
    assert colour_shares(pixels)[: len(HUES)].max() == 0


def test_a_colour_is_asked_for_only_beside_something_that_has_one() -> None:
    assert "yellow" in shown_by(["yellow", "poster"])
    assert "green" in shown_by(["green", "box"])
    assert not shown_by(["green", "bond"])
    assert not shown_by(["red", "cross"])


def test_a_model_fine_tuned_from_another_revision_says_so(tmp_path: Path) -> None:
    old = {
        key: value[:-1] if key.endswith("vectors") else value for key, value in load_file(spec.READOUTS_FILE).items()
    }
    save_file(old, tmp_path / spec.READOUTS)
    for opened in (load, load_concepts):
        with pytest.raises(UsageError, match="another revision"):
            opened(tmp_path)
