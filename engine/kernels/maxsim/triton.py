"""MaxSim on a GPU as a fused Triton kernel: reads stored vectors, writes each page's maxima and nothing else.

A program instance takes one page and a block of query vectors, loops over the page's patches in tiles, and keeps the
maximum at each position of the tile. So pages need no padding and no mask, and no similarity matrix is written to
memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import triton
import triton.language as tl

from ...compression import residual
from ...compression.codecs import PACKED_BITS, Coded
from ...records import F32, I64
from .arguments import check_query, check_stored
from .reference import EMPTY

CODECS = ("int8", "float16", "int4", "binary", "residual")
"""Codecs that the kernel decodes, in registers: nothing is written to memory in half precision."""
PARTS = 2
"""Half-precision terms whose sum represents a query number: 2 of them keep the bits of float32."""
PROGRAMS_MAX = 2**31 - 1
"""Program instances that CUDA launches at once."""
TUNED_WORK = 1 << 28
"""Pairs of a patch and a query vector from which autotuning pays; a smaller launch takes well under a millisecond."""
TUNED_ON_PAGES = 4096
"""Pages on which autotuning times its configurations."""
TUNED_FOR = ("WIDTH", "DIM", "PARTS", "SCALED", "BITS", "RESIDUAL")
"""Constants of the kernel that a tuned configuration is valid for; besides them, the types of its arguments."""
PRODUCTS_BYTES = 1 << 30
"""Memory for the products of query vectors with all centroids; more of them are scored in several launches."""
MIN_BLOCK = 16
"""Tensor cores multiply blocks of at least 16 by 16."""
MAX_BLOCK = 256
"""Most query vectors of one program instance."""
WARP_PRODUCTS = 2048
"""Products that a warp keeps in registers, besides their maxima; 4096 spill (compiled for Hopper)."""


@dataclass(frozen=True, slots=True)
class DevicePages:
    """N pages in a device's memory.

    `values` (T, D) float16, bfloat16 or int8, or (T, W) uint8 with codes of `bits` bits as in `codecs`; their `scales`
    (T,) float16 or None; `offsets` (N + 1,) int64, where pages begin. Of the codec residual, also `words` (T,) int16,
    the bits of uint16, and the `centroids` (V, D) float16 that these number; its `scales` are (T, 2) uint8.
    """

    values: torch.Tensor
    scales: torch.Tensor | None
    offsets: torch.Tensor
    bits: int = 0
    words: torch.Tensor | None = None
    centroids: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1


def token_maxima(query: F32, coded: Coded, offsets: I64, *, device: str = "cuda") -> F32:
    """`reference.token_maxima` for stored vectors: `query` (Q, D), `coded` (T, D), `offsets` (N + 1,) -> (N, Q).

    Copies the vectors to `device` for this one call; `page_maxima` is for vectors that are there already. Raises
    ValueError and IndexDamaged as `cpu.maxima_of_parts` does.
    """
    check_query(query, coded.dim)
    check_stored(coded, offsets[:-1], np.diff(offsets), codec=coded.codec, dim=coded.dim)
    words = centroids = None
    if coded.codebook is not None and coded.words is not None:
        coded.codebook.check(coded.words)
        words = torch.tensor(np.ascontiguousarray(coded.words).view(np.int16), device=device)
        centroids = torch.tensor(coded.codebook.centroids, device=device)
    pages = DevicePages(
        torch.tensor(np.ascontiguousarray(coded.values), device=device),
        None if coded.scales is None else torch.tensor(np.ascontiguousarray(coded.scales), device=device),
        torch.tensor(offsets, device=device),
        PACKED_BITS.get(coded.codec, 0),
        words,
        centroids,
    )
    out: F32 = page_maxima(torch.tensor(np.ascontiguousarray(query), device=device), pages).cpu().numpy()
    return out


def page_maxima(
    query: torch.Tensor, pages: DevicePages, rows: torch.Tensor | None = None, *, parts: int = PARTS
) -> torch.Tensor:
    """MaxSim (n, Q) float32 of `query` (Q, D) float32 with all pages, or with the pages `rows` (n,) int64 in that
    order.

    The query's numbers must lie in the range of the vectors' half-precision type. With `parts` 1 they are rounded to
    it, which halves the work and errs by up to 2^-11 of the product of the norms. Raises ValueError for `parts` above
    2, and for a query of another dimension or type. NaN is not looked for: it would mean to wait for the device.
    """
    if rows is None:
        rows = torch.arange(len(pages), device=pages.offsets.device)
    step = max(_columns_at_once(pages), 1)
    if len(query) <= step:
        return _launch(query, pages, rows, parts)
    return torch.cat([_launch(each, pages, rows, parts) for each in torch.split(query, step)], dim=1)


def split(query: torch.Tensor, dtype: torch.dtype, parts: int) -> torch.Tensor:
    """A query (Q, D) float32 as a sum of `parts` half-precision terms, (parts, Q, D)."""
    terms, left = [], query
    for _ in range(parts):
        terms.append(left.to(dtype))
        left = left - terms[-1].float()
    return torch.stack(terms)


def _columns_at_once(pages: DevicePages) -> int:
    """How many query vectors a launch takes: as many as have room for their products with all centroids."""
    return sys.maxsize if pages.centroids is None else PRODUCTS_BYTES // (4 * len(pages.centroids))


def _check_dimensions(query: torch.Tensor, pages: DevicePages) -> None:
    """Raise ValueError unless `query` is float32, and has the dimensions that vectors of the pages may have."""
    dim, width = query.shape[1], pages.values.shape[1]
    if query.dtype != torch.float32:
        raise ValueError(f"query vectors are {query.dtype}, where torch.float32 is expected")
    if width != (-(-dim * pages.bits // 8) if pages.bits else dim):
        unit = f"bytes with {pages.bits} bits a dimension" if pages.bits else "dimensions"
        raise ValueError(f"query vectors have {dim} dimensions, the stored vectors {width} {unit}")
    if pages.centroids is not None and pages.centroids.shape[1] != dim:
        raise ValueError(f"query vectors have {dim} dimensions, the centroids {pages.centroids.shape[1]}")
    if not pages.values.is_contiguous():
        raise ValueError("stored vectors have to be contiguous in memory")


def _launch(query: torch.Tensor, pages: DevicePages, rows: torch.Tensor, parts: int) -> torch.Tensor:
    """As `page_maxima`, of no more query vectors than `_columns_at_once`."""
    width = len(query)
    out = torch.full((len(rows), width), EMPTY, dtype=torch.float32, device=rows.device)
    if not out.numel() or not len(pages.values):
        return out
    if parts not in {1, 2}:
        raise ValueError(f"a query is split into 1 or 2 half-precision parts, not {parts}")
    dim = query.shape[1]
    _check_dimensions(query, pages)
    half = torch.bfloat16 if pages.values.dtype == torch.bfloat16 else torch.float16
    terms = split(query, half, parts)
    scales = pages.offsets[:0] if pages.scales is None else pages.scales
    words = products = levels = pages.offsets[:0]
    if is_residual := pages.words is not None and pages.centroids is not None:
        words = pages.words
        products = pages.centroids.float() @ query.T  # (V, Q), which the kernel reads row by row
        levels = torch.from_numpy(residual.LEVELS).to(rows.device)
    shape = {
        "WIDTH": min(max(triton.next_power_of_2(width), MIN_BLOCK), MAX_BLOCK),
        "DIM": dim,
        "BLOCK_D": max(triton.next_power_of_2(dim), MIN_BLOCK),
        "PARTS": parts,
        "SCALED": pages.scales is not None,
        "BITS": pages.bits,
        "RESIDUAL": is_residual,
        "enable_fp_fusion": True,
    }

    def run(start: int, stop: int, *, tuned: bool) -> None:
        some = slice(start, stop)
        stored = (pages.values, scales, words, products, levels, pages.offsets)
        tensors = (*stored, rows[some], terms, out[some])
        grid = lambda meta: ((stop - start) * triton.cdiv(width, meta["BLOCK_Q"]),)
        if tuned:
            _tuned_kernel[grid](*tensors, width, **shape)
        else:
            _kernel[grid](*tensors, width, **shape, **_untuned_config(shape["WIDTH"]).all_kwargs())

    patches = len(pages.values) / max(len(pages), 1) * len(rows)
    tuned = rows.is_cuda and patches * width >= TUNED_WORK
    if tuned and not is_tuned(_tuned_kernel.cache, shape, [pages.values, terms]):
        run(0, min(len(rows), TUNED_ON_PAGES), tuned=True)  # autotuning repeats its launch many times
    step = PROGRAMS_MAX // triton.cdiv(width, MIN_BLOCK)
    for start in range(0, len(rows), step):
        run(start, min(start + step, len(rows)), tuned=tuned)
    return out


def is_tuned(known: Iterable[tuple[object, ...]], shape: Mapping[str, object], tensors: Sequence[torch.Tensor]) -> bool:
    """Whether a configuration is known for these constants and for the types of these tensors.

    A key of Triton's autotuning has the constants first, then the type of every argument that has one: how long a tile
    of int8 takes says nothing about one of bfloat16.
    """
    constants = tuple(shape[name] for name in TUNED_FOR)
    types = {str(tensor.dtype) for tensor in tensors}
    return any(key[: len(constants)] == constants and types <= {str(each) for each in key} for key in known)


def _configs() -> list[triton.Config]:
    """The configurations that autotuning tries: patches per tile, query vectors per block, warps, pipeline stages."""
    return [
        triton.Config({"BLOCK_T": patches, "BLOCK_Q": queries}, num_warps=warps, num_stages=stages)
        for queries in (16, 32, 64, 128, 256)
        for patches, warps in ((64, 4), (64, 8), (128, 4), (128, 8))
        for stages in (2, 3, 4)
        if patches * queries <= warps * WARP_PRODUCTS
    ]


def _wide_configs(configs: list[triton.Config], _arguments: object, **meta: int) -> list[triton.Config]:
    """The configurations whose block is as wide as the query, or half as wide: narrower ones read pages more often."""
    return [c for c in configs if meta["WIDTH"] // 2 <= c.kwargs["BLOCK_Q"] <= meta["WIDTH"]]


def _untuned_config(width: int) -> triton.Config:
    """The configuration without autotuning: small enough for the shared memory of older GPUs."""
    return triton.Config({"BLOCK_T": 64, "BLOCK_Q": min(width, 64)}, num_warps=4, num_stages=2)


# Triton takes the types from the arguments of a launch: Python has no annotation for a pointer.
@triton.jit  # type: ignore[untyped-decorator]
def _kernel(  # type: ignore[no-untyped-def]
    values,
    scales,
    words,
    products,
    levels,
    offsets,
    rows,
    terms,
    out,
    width,
    WIDTH: tl.constexpr,  # noqa: ARG001 - a key of the autotuning cache
    DIM: tl.constexpr,
    BLOCK_D: tl.constexpr,
    PARTS: tl.constexpr,
    SCALED: tl.constexpr,
    BITS: tl.constexpr,
    RESIDUAL: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_Q: tl.constexpr,
):
    # Neighbouring program instances take the same page with the next query vectors, so it is read from the cache.
    blocks = tl.cdiv(width, BLOCK_Q)
    task = (tl.program_id(0) // blocks).to(tl.int64)
    column = (tl.program_id(0) % blocks) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    page = tl.load(rows + task)
    begin = tl.load(offsets + page)
    end = tl.load(offsets + page + 1)

    d = tl.arange(0, BLOCK_D)
    term = terms + column.to(tl.int64)[None, :] * DIM + d[:, None]
    in_query = (column < width)[None, :] & (d < DIM)[:, None]
    high = tl.load(term, mask=in_query, other=0.0)  # (BLOCK_D, BLOCK_Q)
    if PARTS == 2:
        low = tl.load(term + tl.full((), DIM, tl.int64) * width, mask=in_query, other=0.0)

    best = tl.full((BLOCK_T, BLOCK_Q), -float("inf"), tl.float32)
    for start in range(begin, end, BLOCK_T):
        # A tile that reaches past the page's end takes its last patch again, which does not change a maximum; no memory
        # outside the page is read.
        patch = tl.minimum(start + tl.arange(0, BLOCK_T), end - 1)
        if BITS:
            # Numbers that share a byte each load it; it is read from memory once.
            place = values + patch[:, None] * ((DIM * BITS + 7) // 8) + (d * BITS // 8)[None, :]
        else:
            place = values + patch[:, None] * DIM + d[None, :]
        if BLOCK_D == DIM:  # noqa: SIM108 - the compiler drops one of the branches
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
        if RESIDUAL:
            # ⟨q, p c + s sign⟩: the products ⟨q, c⟩ of all centroids were computed before, and stay in the cache.
            word = tl.load(words + patch).to(tl.int64) & 0xFFFF
            product = products + word[:, None] * width + column[None, :]
            of_centroid = tl.load(product, mask=(column < width)[None, :], other=0.0)
            coefficient = tl.load(levels + tl.load(scales + 2 * patch).to(tl.int32))
            step = tl.load(levels + tl.load(scales + 2 * patch + 1).to(tl.int32))
            similarity = similarity * step[:, None] + of_centroid * coefficient[:, None]
        elif SCALED:
            similarity *= tl.load(scales + patch).to(tl.float32)[:, None]
        best = tl.maximum(best, similarity)
    tl.store(out + task * width + column, tl.max(best, axis=0), mask=column < width)


_tuned_kernel = triton.autotune(
    _configs(),
    key=list(TUNED_FOR),
    prune_configs_by={"early_config_prune": _wide_configs},
    cache_results=True,
)(_kernel)
