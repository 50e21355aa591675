"""Statistics of a page, and what the heads detect from them: kinds of figures and pages, and colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch.nn import functional

from docsearch.engine.errors import UsageError
from docsearch.engine.models.pixel import spec
from docsearch.engine.models.pixel.architecture import STEM, STRIDE_PX
from docsearch.engine.models.pixel.concepts import COLOUR_CONCEPTS, PAGE_CONCEPTS, named_concepts
from docsearch.engine.models.pixel.features import (
    BLOCK_STATISTICS,
    FIGURE_CELLS,
    HUES,
    PAGE_STATISTICS,
    PassOutput,
    block_statistics,
    colour_shares,
    grid_means,
    page_statistics,
)
from docsearch.engine.models.pixel.heads import load
from docsearch.engine.models.pixel.text import PixelText, load_concepts

CHANNELS = STEM[-1]


def random_output(height: int, width: int, corner: tuple[int, int] = (0, 0)) -> PassOutput:
    """A pass with random outputs in (height, width) cells, and no words."""
    rng = np.random.default_rng(height * width)
    features, probabilities = rng.random((height, width, CHANNELS), np.float32), rng.random((height, width), np.float32)
    none = np.zeros(0, np.int64)
    vectors, boxes = np.zeros((0, 128), np.float32), np.zeros((0, 4), np.float32)
    size = (STRIDE_PX * width, STRIDE_PX * height)
    return PassOutput(features, probabilities, probabilities, (none, none), vectors, boxes, size, corner)


def test_vectors_of_concepts_match_no_ordinary_word() -> None:
    text = PixelText.load()
    words = text.embed(
        ["revenue", "poster", "yellow", "table", "the", "2023", "vertrag", "chart", "letter", "invoice"]
    )[0]
    for head in load():
        _, vectors = head.concept_vectors(np.eye(len(head.vectors), dtype=np.float32))
        assert (vectors @ words.T).max() < spec.FLOOR


def test_statistics_have_their_shape_on_pages_of_any_size() -> None:
    _, pages = load()
    assert pages.vectors.shape[0] == len(PAGE_CONCEPTS) + len(COLOUR_CONCEPTS)
    for height, width in ((1, 1), (3, 9), (25, 18), (4, 40)):
        coarse, base = random_output(height, width), random_output(3 * height - 1, 3 * width - 2)
        blocks = block_statistics(coarse, [base], 3)
        assert blocks.shape == (-(-height // FIGURE_CELLS), -(-width // FIGURE_CELLS), BLOCK_STATISTICS)
        assert np.isfinite(blocks).all()
        pixels = np.full((height * 48, width * 48, 3), 255, np.uint8)
        for boxes in (np.zeros((0, 4), np.float32), np.array([[0.1, 0.1, 0.3, 0.12]], np.float32)):
            statistics = page_statistics(coarse, pixels, pixels[..., 0], boxes)
            assert statistics.shape == (PAGE_STATISTICS,)
            assert np.isfinite(statistics).all()


def test_statistics_of_blocks_are_those_of_torch() -> None:
    coarse, base = random_output(7, 10), random_output(17, 20, corner=(3 * STRIDE_PX, 2 * STRIDE_PX))
    found = block_statistics(coarse, [base], 3)
    of_coarse, of_base = np.zeros((8, 10, CHANNELS), np.float32), np.zeros((24, 30, CHANNELS), np.float32)
    of_coarse[:7] = coarse.features
    of_base[2:19, 3:23] = base.features
    coarse_cells, base_cells = (torch.from_numpy(cells).permute(2, 0, 1)[None] for cells in (of_coarse, of_base))
    mean = functional.avg_pool2d(coarse_cells, 2)
    pooled = [mean, functional.max_pool2d(coarse_cells, 2)]
    pooled += [functional.avg_pool2d(mean, side, 1, side // 2) for side in (3, 5)]
    pooled.append(torch.from_numpy(coarse.features).mean((0, 1))[None, :, None, None].expand_as(mean))
    pooled += [functional.avg_pool2d(base_cells, 6), functional.max_pool2d(base_cells, 6)]
    expected = torch.cat(pooled, dim=1)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found[..., : 7 * CHANNELS], expected, atol=1e-5)


def test_means_over_a_grid_are_those_of_torch() -> None:
    for shape in ((1, 1), (3, 9), (26, 19)):
        cells = np.random.default_rng(1).random(shape, np.float32)
        expected = functional.adaptive_avg_pool2d(torch.from_numpy(cells)[None], 4).flatten().numpy()
        np.testing.assert_allclose(grid_means(cells), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("colour", "name"),
    [((200, 20, 30), "red"), ((250, 210, 30), "yellow"), ((20, 60, 190), "blue"), ((40, 150, 60), "green")],
)
def test_a_colour_is_measured_by_its_share_of_the_page(colour: tuple[int, int, int], name: str) -> None:
    pixels = np.full((400, 300, 3), 255, np.uint8)
    pixels[:100] = colour
    shares = dict(
        zip((c.split()[-1] for c in COLOUR_CONCEPTS), colour_shares(pixels)[: len(HUES)].tolist(), strict=True)
    )
    assert shares.pop(name) == pytest.approx(0.25, abs=0.02)
    assert max(shares.values()) < 0.01


def test_grey_paper_and_black_print_have_no_colour() -> None:
    pixels = np.full((300, 300, 3), (236, 233, 228), np.uint8)
    pixels[::7] = 20
    assert colour_shares(pixels)[: len(HUES)].max() == 0


def test_a_colour_is_named_only_beside_something_that_has_one() -> None:
    assert "yellow" in named_concepts(["yellow", "poster"])
    assert "green" in named_concepts(["green", "box"])
    assert not named_concepts(["green", "bond"])
    assert not named_concepts(["red", "cross"])


def test_weights_of_another_revision_are_refused(tmp_path: Path) -> None:
    old = {key: value[:-1] if key.endswith("vectors") else value for key, value in load_file(spec.HEADS_FILE).items()}
    save_file(old, tmp_path / spec.HEADS)
    for load_from in (load, load_concepts):
        with pytest.raises(UsageError, match="another revision"):
            load_from(tmp_path)
