"""MaxSim on a GPU in Triton: stored vectors and offsets in, the maxima of each page out; nothing else leaves the chip.

A program takes one page and a block of query vectors, walks over the page's patches in tiles, and keeps the best of
each place in the tile. So there is no padding, no mask over pages, and no matrix of similarities.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from ...compression.codecs import PACKED_BITS, Coded
from ...records import F32, I64
from .reference import EMPTY

CODECS = ("int8", "float16", "int4", "binary")
"""What the kernel reads: residual would need the query's products with all visual words."""
PARTS = 2
"""Numbers in half precision that a number of a query is the sum of: with 2 of them it keeps the bits of float32."""
PROGRAMS_MAX = 2**31 - 1
TUNED_WORK = 1 << 28
"""Pairs of a page's patch and a query vector from which tuning pays; a launch below takes well under a millisecond."""
TUNED_ON_PAGES = 4096
TUNED_FOR = ("WIDTH", "DIM", "PARTS", "SCALED", "PAIRED", "BITS")
LEAST_BLOCK = 16
"""Tensor cores multiply blocks of at least 16 by 16."""
WIDEST_BLOCK = 256
WARP_PRODUCTS = 2048
"""Products that a warp keeps in its registers, beside the best of them; with 4096 they spill (compiled for Hopper)."""


@dataclass(frozen=True, slots=True)
class DevicePages:
    """N pages in a device's memory: `values` (T, D) float16, bfloat16 or int8, or (T, W) uint8 with codes of `bits` as
    in `codecs`, their `scales` (T,) float16 or None, and where each page begins, `offsets` (N + 1,) int64.
    """

    values: torch.Tensor
    scales: torch.Tensor | None
    offsets: torch.Tensor
    bits: int = 0

    def __len__(self) -> int:
        return len(self.offsets) - 1


def token_maxima(query: F32, coded: Coded, offsets: I64, *, device: str = "cuda") -> F32:
    """`reference.token_maxima` for stored vectors: `query` (Q, D), `coded` (T, D), `offsets` (N + 1,) -> (N, Q).

    Takes the vectors to `device` for this one call; `page_maxima` is for those that are there already.
    """
    pages = DevicePages(
        torch.tensor(coded.values, device=device),
        None if coded.scales is None else torch.tensor(coded.scales, device=device),
        torch.tensor(offsets, device=device),
        PACKED_BITS.get(coded.codec, 0),
    )
    out: F32 = page_maxima(torch.tensor(query, device=device), pages).cpu().numpy()
    return out


def page_maxima(
    query: torch.Tensor, pages: DevicePages, rows: torch.Tensor | None = None, *, parts: int = PARTS
) -> torch.Tensor:
    """For each page and vector of `query` (Q, D) float32 the largest inner product with a patch, (n, Q) float32.

    The n pages are all, or `rows` (n,) int64 in that order. Numbers of the query lie within those of the vectors' half
    precision; with `parts` 1 they are rounded to it, which halves the work and errs by up to 2^-11 of the lengths.
    """
    if rows is None:
        rows = torch.arange(len(pages), device=pages.offsets.device)
    none = rows[:0]
    return _launch(query, none, pages, rows, none, len(query), parts)


def pair_maxima(
    queries: torch.Tensor, query_offsets: torch.Tensor, pages: DevicePages, rows: torch.Tensor, asked: torch.Tensor
) -> torch.Tensor:
    """The maxima of pairs of a page and a query, (P, W) float32: each query has candidates of its own.

    `queries` (ΣQ, D) float32 lie end to end, `query_offsets` (M + 1,) int64; pair p is page `rows[p]` and query
    `asked[p]`, both (P,) int64. W is the length of the longest query; what is behind a shorter one's end is -inf.
    """
    width = int(torch.diff(query_offsets).max()) if len(query_offsets) > 1 else 0
    return _launch(queries, query_offsets, pages, rows, asked, width, PARTS)


def split(query: torch.Tensor, dtype: torch.dtype, parts: int) -> torch.Tensor:
    """A query (Q, D) float32 as a sum of `parts` terms in half precision, (parts, Q, D)."""
    terms, left = [], query
    for _ in range(parts):
        terms.append(left.to(dtype))
        left = left - terms[-1].float()
    return torch.stack(terms)


def _launch(
    queries: torch.Tensor,
    query_offsets: torch.Tensor,
    pages: DevicePages,
    rows: torch.Tensor,
    asked: torch.Tensor,
    width: int,
    parts: int,
) -> torch.Tensor:
    """Fill (n, width) for `rows` (n,) and, where there are `query_offsets`, for the query `asked` (n,) with each."""
    out = torch.full((len(rows), width), EMPTY, dtype=torch.float32, device=rows.device)
    if not out.numel() or not len(pages.values):
        return out
    if parts not in {1, 2}:
        raise ValueError(f"a query is the sum of 1 or 2 parts, not {parts}")
    dim = queries.shape[1]
    half = torch.bfloat16 if pages.values.dtype == torch.bfloat16 else torch.float16
    terms = split(queries, half, parts)
    scales = pages.offsets[:0] if pages.scales is None else pages.scales
    shape = {
        "WIDTH": min(max(triton.next_power_of_2(width), LEAST_BLOCK), WIDEST_BLOCK),
        "DIM": dim,
        "BLOCK_D": max(triton.next_power_of_2(dim), LEAST_BLOCK),
        "PARTS": parts,
        "SCALED": pages.scales is not None,
        "PAIRED": len(query_offsets) > 0,
        "BITS": pages.bits,
        "enable_fp_fusion": True,
    }

    def run(start: int, stop: int, *, tuned: bool) -> None:
        some = slice(start, stop)
        tensors = (pages.values, scales, pages.offsets, rows[some], terms, query_offsets, asked[some], out[some])
        grid = lambda meta: ((stop - start) * triton.cdiv(width, meta["BLOCK_Q"]),)
        if tuned:
            _tuned_kernel[grid](*tensors, len(queries), width, **shape)
        else:
            _kernel[grid](*tensors, len(queries), width, **shape, **_first_choice(shape["WIDTH"]).all_kwargs())

    patches = len(pages.values) / max(len(pages), 1) * len(rows)
    tuned = rows.is_cuda and patches * width >= TUNED_WORK
    if tuned and not any(
        known[: len(TUNED_FOR)] == tuple(shape[n] for n in TUNED_FOR) for known in _tuned_kernel.cache
    ):
        run(0, min(len(rows), TUNED_ON_PAGES), tuned=True)  # tuning repeats its launch many times
    step = PROGRAMS_MAX // triton.cdiv(width, LEAST_BLOCK)
    for start in range(0, len(rows), step):
        run(start, min(start + step, len(rows)), tuned=tuned)
    return out


def _choices() -> list[triton.Config]:
    """What tuning tries: tiles of patches, blocks of query vectors, warps, and tiles on their way from memory."""
    return [
        triton.Config({"BLOCK_T": patches, "BLOCK_Q": queries}, num_warps=warps, num_stages=stages)
        for queries in (16, 32, 64, 128, 256)
        for patches, warps in ((64, 4), (64, 8), (128, 4), (128, 8))
        for stages in (2, 3, 4)
        if patches * queries <= warps * WARP_PRODUCTS
    ]


def _widest(configs: list[triton.Config], _arguments: object, **meta: int) -> list[triton.Config]:
    """Of the choices those whose block is as wide as the query, or half as wide: narrower ones read pages again."""
    return [c for c in configs if meta["WIDTH"] // 2 <= c.kwargs["BLOCK_Q"] <= meta["WIDTH"]]


def _first_choice(width: int) -> triton.Config:
    """Untuned: correct everywhere, and small enough for the shared memory of older GPUs."""
    return triton.Config({"BLOCK_T": 64, "BLOCK_Q": min(width, 64)}, num_warps=4, num_stages=2)


# Triton reads types from the arguments of a launch; a pointer has none in Python.
@triton.jit  # type: ignore[untyped-decorator]
def _kernel(  # type: ignore[no-untyped-def]
    values,
    scales,
    offsets,
    rows,
    terms,
    query_offsets,
    asked,
    out,
    queries,
    width,
    WIDTH: tl.constexpr,  # noqa: ARG001 - what a tuned choice is kept for
    DIM: tl.constexpr,
    BLOCK_D: tl.constexpr,
    PARTS: tl.constexpr,
    SCALED: tl.constexpr,
    PAIRED: tl.constexpr,
    BITS: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_Q: tl.constexpr,
):
    # Neighbouring programs take the same page with the next query vectors, so that it comes from the cache.
    blocks = tl.cdiv(width, BLOCK_Q)
    task = (tl.program_id(0) // blocks).to(tl.int64)
    column = (tl.program_id(0) % blocks) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    first = tl.full((), 0, tl.int64)
    count = first + width
    if PAIRED:
        pair = tl.load(asked + task)
        first = tl.load(query_offsets + pair)
        count = tl.load(query_offsets + pair + 1) - first
    page = tl.load(rows + task)
    begin = tl.load(offsets + page)
    end = tl.load(offsets + page + 1)

    d = tl.arange(0, BLOCK_D)
    term = terms + (first + column)[None, :] * DIM + d[:, None]
    is_asked = (column < count)[None, :] & (d < DIM)[:, None]
    high = tl.load(term, mask=is_asked, other=0.0)  # (BLOCK_D, BLOCK_Q)
    if PARTS == 2:
        low = tl.load(term + tl.full((), DIM, tl.int64) * queries, mask=is_asked, other=0.0)

    best = tl.full((BLOCK_T, BLOCK_Q), -float("inf"), tl.float32)
    for start in range(begin, end, BLOCK_T):
        # A tile that reaches past the page's end takes its last patch again: a maximum does not mind, and no memory
        # beside the page is read.
        patch = tl.minimum(start + tl.arange(0, BLOCK_T), end - 1)
        if BITS:
            # Numbers that share a byte load it each; it comes from memory once.
            place = values + patch[:, None] * ((DIM * BITS + 7) // 8) + (d * BITS // 8)[None, :]
        else:
            place = values + patch[:, None] * DIM + d[None, :]
        if BLOCK_D == DIM:  # noqa: SIM108 - the compiler leaves one of the branches out
            tile = tl.load(place)
        else:
            tile = tl.load(place, mask=(d < DIM)[None, :], other=0)
        if BITS:
            code = (tile.to(tl.int32) >> (d * BITS % 8)[None, :]) & ((1 << BITS) - 1)
            tile = code * 2 - ((1 << BITS) - 1)
        tile = tile.to(high.dtype)
        similarity = tl.dot(tile, high)
        if PARTS == 2:
            similarity = tl.dot(tile, low, similarity)
        if SCALED:
            similarity *= tl.load(scales + patch).to(tl.float32)[:, None]
        best = tl.maximum(best, similarity)
    tl.store(out + task * width + column, tl.max(best, axis=0), mask=column < count)


_tuned_kernel = triton.autotune(
    _choices(),
    key=list(TUNED_FOR),
    prune_configs_by={"early_config_prune": _widest},
    cache_results=True,
)(_kernel)
