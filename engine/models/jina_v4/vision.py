"""The vision tower of Qwen2.5-VL with few calls of attention: equal windows of a batch are one call.

The stock tower calls attention once for each window of each layer: 1,796 times for a page of 32 x 32 visual tokens.
Here the tokens of a batch are put in an order in which windows of the same length stand together, so that a layer of
windows needs a call for each length: one for such a page. Weights and arithmetic are those of the stock modules.

Qwen2.5-VL (Bai et al., 2025), section 2.1.1: all layers but four attend within windows of 112 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface

from ...records import I64

ATTENTION = "docsearch_grouped"
"""The name under which transformers finds `grouped_attention`."""
MERGED = 4
"""Patches that become a visual token."""
LENGTHS_APART = 2
"""Windows of the two most frequent lengths need no mask; if the others differ in length, they are padded to one."""
PLANS_KEPT = 64
ROTARY_BASE = 10000.0

Grid = tuple[int, int]
"""Rows and columns of 14 px patches of an image."""


class Group(NamedTuple):
    """Sequences that attend within themselves: the patches from `start` to `stop`, as rows of `length`.

    If they differ in length, `rows` (N, length) int64 has the patches of each, counted from `start` and padded with
    any, `mask` (N, 1, 1, length) bool is true where there is one, and `back` (stop - start,) int64 has the place of
    each patch among the padded ones.
    """

    start: int
    stop: int
    length: int
    rows: Tensor | None = None
    mask: Tensor | None = None
    back: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the patches of a batch of images go, for S patches in S / 4 visual tokens; all tensors are on the device.

    `order` (S / 4,) int64 is the order of visual tokens in the tower, and `inverse` leads back to that of the images.
    `cosines` and `sines` (S, head width) float32 are the rotary embedding. `windows` are the groups of layers with
    windows; in layers without, patches are gathered by `to_images` (S,) first, grouped as `images`, and put back by
    `from_images` (S,); both are None if the images' patches stand together anyway.
    """

    order: Tensor
    inverse: Tensor
    cosines: Tensor
    sines: Tensor
    windows: tuple[Group, ...]
    images: tuple[Group, ...]
    to_images: Tensor | None
    from_images: Tensor | None


def prepare(tower: nn.Module) -> None:
    """Have the layers of a stock vision tower attend by `grouped_attention`. `features` runs such a tower."""
    AttentionInterface.register(ATTENTION, grouped_attention)
    config: Any = tower.config
    config._attn_implementation = ATTENTION


def features(tower: Any, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
    """The visual tokens (S / 4, H) of images with these grids, given their patches (S, 1176) one after the other."""
    plan = plan_for(tower, tuple(grids), patches.device)
    hidden = tower.patch_embed(patches.to(tower.merger.ln_q.weight.dtype))
    hidden = hidden.view(len(plan.order), MERGED, -1)[plan.order].flatten(0, 1)
    rotary = plan.cosines, plan.sines
    one_sequence = torch.tensor([0, len(hidden)])  # on the CPU, so that reading it does not wait for the device
    for number, block in enumerate(tower.blocks):
        everywhere = number in tower.fullatt_block_indexes
        hidden = block(
            hidden, cu_seqlens=one_sequence, position_embeddings=rotary, plan=plan, attends_everywhere=everywhere
        )
    merged: Tensor = tower.merger(hidden)
    return merged[plan.inverse]


def grouped_attention(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    plan: Plan | None = None,
    attends_everywhere: bool = False,
    **_: object,
) -> tuple[Tensor, None]:
    """Attention of queries, keys and values (1, heads, S, width) within the groups of a plan; (1, S, heads, width).

    Without a plan, as in a call of the stock tower, all of them are one sequence.
    """
    if plan is None:
        whole = functional.scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=scaling)
        return whole.transpose(1, 2), None
    parts = [query[0], key[0], value[0]]  # (heads, S, width)
    if attends_everywhere and plan.to_images is not None:
        parts = [part[:, plan.to_images] for part in parts]
    groups = plan.images if attends_everywhere else plan.windows
    attended = [_attend(group, [part[:, group.start : group.stop] for part in parts], scaling) for group in groups]
    out = attended[0] if len(attended) == 1 else torch.cat(attended)
    if attends_everywhere and plan.from_images is not None:
        out = out[plan.from_images]
    return out[None], None


def _attend(group: Group, parts: list[Tensor], scaling: float) -> Tensor:
    """Attention within the sequences of a group, each of `parts` (heads, P, width); returns (P, heads, width)."""
    heads, _, width = parts[0].shape
    if group.rows is None:
        rows = [part.view(heads, -1, group.length, width) for part in parts]
    else:
        rows = [part[:, group.rows] for part in parts]
    query, key, value = (each.transpose(0, 1) for each in rows)  # (N, heads, length, width)
    out = functional.scaled_dot_product_attention(query, key, value, attn_mask=group.mask, scale=scaling)
    flat = out.transpose(1, 2).flatten(0, 1)
    return flat if group.back is None else flat[group.back]


def plan_for(tower: Any, grids: tuple[Grid, ...], device: torch.device) -> Plan:
    """The plan of a batch of images with these grids; those of recent batches are kept."""
    config = tower.config
    window = tower.window_size // config.spatial_merge_size // config.patch_size
    base = (getattr(config, "rope_parameters", None) or {}).get("rope_theta", ROTARY_BASE)
    return _plan(grids, window, config.hidden_size // config.num_heads, base, device)


@lru_cache(maxsize=PLANS_KEPT)
def _plan(grids: tuple[Grid, ...], window: int, width: int, base: float, device: torch.device) -> Plan:
    """The plan of a batch; `window` is the side of a window in visual tokens, `width` that of a head."""
    windows, image_of = windows_of(grids, window)
    lengths = np.array([len(own) for own in windows])
    sequence = _by_length(lengths)
    order = np.concatenate([windows[i] for i in sequence])
    positions = np.concatenate([_positions(*grid) for grid in grids]).reshape(-1, MERGED, 2)[order].reshape(-1, 2)
    sizes = np.array([rows * columns // MERGED for rows, columns in grids])
    place_of_image = np.argsort(_by_length(sizes))
    tokens = np.argsort(np.repeat(place_of_image[image_of[sequence]], lengths[sequence]), kind="stable")
    to_images = (tokens[:, None] * MERGED + np.arange(MERGED)).ravel()
    in_place = bool((np.diff(tokens) == 1).all())
    with torch.inference_mode(False):  # the plan of an embedded batch may serve a training step later

        def on_device(array: I64) -> Tensor:
            return torch.from_numpy(array).to(device)

        frequencies = 1.0 / (base ** (torch.arange(0, width // 2, 2, dtype=torch.float) / (width // 2)))
        angles = (torch.from_numpy(positions)[..., None].float() * frequencies).flatten(1).repeat(1, 2)
        return Plan(
            order=on_device(order),
            inverse=on_device(np.argsort(order)),
            cosines=angles.cos().to(device),
            sines=angles.sin().to(device),
            windows=_groups(lengths[sequence] * MERGED, LENGTHS_APART, device),
            images=_groups(sizes[_by_length(sizes)] * MERGED, len(sizes), device),
            to_images=None if in_place else on_device(to_images),
            from_images=None if in_place else on_device(np.argsort(to_images)),
        )


def windows_of(grids: Sequence[Grid], window: int) -> tuple[list[I64], I64]:
    """The visual tokens of each window of a batch, and (W,) int64 the image that each belongs to.

    Tokens are numbered row by row, image after image.
    """
    windows: list[I64] = []
    owners: list[int] = []
    first = 0
    for image, (rows, columns) in enumerate(grids):
        tokens = first + np.arange(rows * columns // MERGED).reshape(rows // 2, columns // 2)
        first += tokens.size
        for top in range(0, tokens.shape[0], window):
            for left in range(0, tokens.shape[1], window):
                windows.append(tokens[top : top + window, left : left + window].ravel())
                owners.append(image)
    return windows, np.array(owners)


def _positions(rows: int, columns: int) -> I64:
    """The row and column of each patch, (rows * columns, 2) int64; patches of a visual token stand together."""
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1)
    return grid.reshape(rows // 2, 2, columns // 2, 2, 2).swapaxes(1, 2).reshape(-1, 2)


def _by_length(lengths: I64) -> I64:
    """The order of sequences in which those of one length stand together, the most frequent length first."""
    values, kind, counts = np.unique(lengths, return_inverse=True, return_counts=True)
    rank = np.empty(len(values), np.int64)
    rank[np.lexsort((values, -counts))] = np.arange(len(values))
    return np.argsort(rank[kind], kind="stable")


def _groups(lengths: I64, apart: int, device: torch.device) -> tuple[Group, ...]:
    """The groups of sequences of these lengths in patches, equal ones side by side: the first `apart` lengths each have
    a group, and all others share one.
    """
    starts = np.concatenate([[0], np.cumsum(lengths)])
    changes = np.flatnonzero(np.diff(lengths, prepend=-1, append=-1))  # where another length begins, and the end
    groups: list[Group] = []
    for number, (begin, end) in enumerate(pairwise(changes)):
        if number == apart and end < len(lengths):
            groups.append(_padded(starts[begin:], device))
            break
        groups.append(Group(int(starts[begin]), int(starts[end]), int(lengths[begin])))
    return tuple(groups)


def _padded(starts: I64, device: torch.device) -> Group:
    """A group of sequences that differ in length, given where each begins, and where the last one ends."""
    lengths = np.diff(starts)
    places = np.arange(lengths.max())
    is_there = places < lengths[:, None]
    rows = np.where(is_there, (starts[:-1] - starts[0])[:, None] + places, 0)
    back = np.flatnonzero(is_there)  # sequences come one after the other, and so do their patches
    return Group(
        int(starts[0]),
        int(starts[-1]),
        len(places),
        torch.from_numpy(rows).to(device),
        torch.from_numpy(is_there[:, None, None]).to(device),
        torch.from_numpy(back).to(device),
    )
