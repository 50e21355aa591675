"""The vision tower computes what the stock tower of transformers does, in few calls of attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.profiler import profile
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel

from docsearch.engine.models.jina_v4 import vision

PUBLISHED_DEPTH, PUBLISHED_FULL = 32, [7, 15, 23, 31]
CALLS_MAX = 100
"""Calls of attention a page, at the published depth."""
ROUNDING = 1e-6
SQUARE, LETTER, A4 = (64, 64), (72, 56), (76, 52)
"""Rows and columns of patches: a page of 1,024 visual tokens, and pages of paper at the same size."""
BATCHES: Sequence[Sequence[vision.Grid]] = (
    [SQUARE],
    [(2, 2)],
    [(6, 8)],
    [(10, 10)],
    [(14, 10)],
    [(10, 22), (16, 16), (2, 20), (10, 22), (4, 4), (12, 30)],
)


def tower_of(depth: int, full: list[int], attention: str = "sdpa") -> Any:
    torch.manual_seed(0)
    config = Qwen2_5_VLVisionConfig(
        depth=depth,
        hidden_size=32,
        intermediate_size=48,
        num_heads=2,
        out_hidden_size=24,
        fullatt_block_indexes=full,
        window_size=112,
        patch_size=14,
        temporal_patch_size=2,
        spatial_merge_size=2,
        in_channels=3,
    )
    config._attn_implementation = attention
    return Qwen2_5_VisionTransformerPretrainedModel(config).eval()


def pair(depth: int = 4, full: list[int] = [1, 3]) -> tuple[Any, Any]:  # noqa: B006 - not changed
    """A stock tower, and one with the same weights that attends in groups."""
    stock, grouped = tower_of(depth, full), tower_of(depth, full)
    grouped.load_state_dict(stock.state_dict())
    vision.prepare(grouped)
    return stock, grouped


def patches(grids: Sequence[vision.Grid]) -> Tensor:
    return torch.randn(sum(rows * columns for rows, columns in grids), 1176, generator=torch.Generator().manual_seed(1))


def stock_features(tower: Any, values: Tensor, grids: Sequence[vision.Grid]) -> Tensor:
    out = tower(values, grid_thw=torch.tensor([(1, *grid) for grid in grids]))
    features: Tensor = getattr(out, "pooler_output", out)
    return features


def calls(profiled: profile, name: str) -> int:
    return sum(event.count for event in profiled.key_averages() if event.key == name)


@pytest.mark.parametrize("grids", BATCHES, ids=str)
def test_visual_tokens_equal_those_of_the_stock_tower(grids: Sequence[vision.Grid]) -> None:
    stock, grouped = pair()
    values = patches(grids)
    with torch.inference_mode():
        wanted, got = stock_features(stock, values, grids), vision.features(grouped, values, grids)
    torch.testing.assert_close(got, wanted, rtol=0, atol=ROUNDING)


def test_windows_of_equal_length_give_bit_for_bit_what_one_call_a_window_gives() -> None:
    stock, grouped = pair()
    with torch.inference_mode():
        wanted, got = (
            stock_features(stock, patches([SQUARE]), [SQUARE]),
            vision.features(grouped, patches([SQUARE]), [SQUARE]),
        )
    assert torch.equal(got, wanted)


@pytest.mark.parametrize("grid", [SQUARE, LETTER, A4, (66, 46)], ids=str)
def test_a_page_takes_few_calls_of_attention_and_waits_for_no_value(grid: vision.Grid) -> None:
    tower = tower_of(PUBLISHED_DEPTH, PUBLISHED_FULL)
    vision.prepare(tower)
    values = patches([grid])
    with torch.inference_mode():
        vision.features(tower, values, [grid])  # the plan is made once
        with profile() as profiled:
            vision.features(tower, values, [grid])
    assert 32 <= calls(profiled, "aten::scaled_dot_product_attention") <= CALLS_MAX
    assert calls(profiled, "aten::_local_scalar_dense") == 0, "nothing is read back: a GPU would have to finish first"


def test_eight_pages_take_as_many_calls_as_one() -> None:
    tower = tower_of(4, [1, 3])
    vision.prepare(tower)
    counts = []
    for pages in (1, 8):
        with torch.inference_mode(), profile() as profiled:
            vision.features(tower, patches([A4] * pages), [A4] * pages)
        counts.append(calls(profiled, "aten::scaled_dot_product_attention"))
    assert counts[0] == counts[1]


def test_shapes_are_right_at_the_published_size_on_meta_tensors() -> None:
    with torch.device("meta"):
        tower = Qwen2_5_VisionTransformerPretrainedModel(
            Qwen2_5_VLVisionConfig(
                depth=32,
                hidden_size=1280,
                intermediate_size=3420,
                num_heads=16,
                out_hidden_size=2048,
                fullatt_block_indexes=PUBLISHED_FULL,
            )
        )
    vision.prepare(tower)
    got = vision.features(tower, torch.empty(sum(r * c for r, c in (SQUARE, A4)), 1176, device="meta"), [SQUARE, A4])
    assert got.shape == ((64 * 64 + 76 * 52) // 4, 2048)


@pytest.mark.parametrize("grids", BATCHES, ids=str)
def test_every_patch_is_in_one_window_and_one_image(grids: Sequence[vision.Grid]) -> None:
    windows, owners = vision.windows_of(grids, 4)
    tokens = np.concatenate(windows)
    count = sum(rows * columns for rows, columns in grids) // 4
    assert sorted(tokens.tolist()) == list(range(count))
    assert len(windows) == len(owners)
    assert all(len(window) <= 16 for window in windows)
    ends = np.cumsum([rows * columns // 4 for rows, columns in grids])
    for window, owner in zip(windows, owners.tolist(), strict=True):
        assert (np.searchsorted(ends, window, side="right") == owner).all()


def test_gradients_flow_as_in_the_stock_tower() -> None:
    stock, grouped = pair()
    grids = BATCHES[-1]
    for tower, run in ((stock, stock_features), (grouped, vision.features)):
        run(tower, patches(grids), grids).square().sum().backward()
    for (name, one), (_, other) in zip(stock.named_parameters(), grouped.named_parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-5, msg=name)
