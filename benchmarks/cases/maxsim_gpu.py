"""MaxSim on a GPU with the pages in its memory: one query and a batch, compared with two packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from ..gpu import device_seconds, device_with
from ..setting import Refused, Row, Setting

if TYPE_CHECKING:
    import torch

PAGES, PAGE_VECTORS, DIM = 100_000, 700, 128
QUERIES, QUERY_VECTORS = 256, 32
RUNS = 20
FREE_BYTES = 40 << 30
CHECKED_PAGES = 64
TOLERANCE = 2e-3
"""Largest error of a mean of cosines: queries are rounded to half precision, as the peers' are."""
EXACT_TOLERANCE = 1e-5
SEED = 7


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to score: `run` returns scores (queries, pages) on the device, summed over a query's vectors."""

    name: str
    run: Callable[[], torch.Tensor]
    tolerance: float = TOLERANCE


def run(_setting: Setting) -> Iterator[Row]:
    """Measure both sizes on the GPU. Raises Refused if docsearch is wrong."""
    device = device_with(FREE_BYTES)
    from .. import limits

    copy, matmul = limits.gpu_copy_gb_s(device), limits.gpu_matmul_gflops(device)
    yield {"what": "copy inside the GPU's memory", "gb_s": round(copy)}
    yield {"what": f"matmul {limits.GPU_SQUARE} bfloat16", "tflops": round(matmul / 1000, 1)}
    pages = drawn(device, PAGES, PAGE_VECTORS)
    for count in (1, QUERIES):
        queries = drawn(device, count, QUERY_VECTORS)
        flops = 2.0 * count * QUERY_VECTORS * PAGES * PAGE_VECTORS * DIM
        limit = limits.lower(pages.numel() * 2, copy, flops, matmul, "bfloat16 matmul")
        yield from compared(queries, pages, limit_ms=limit.ms, limit=limit.what)


def drawn(device: torch.device, count: int, vectors: int) -> torch.Tensor:
    """Random unit vectors (count, vectors, DIM) float16, drawn in parts to avoid a float32 copy of all."""
    import torch

    generator = torch.Generator(device).manual_seed(SEED + vectors)
    out = torch.empty((count, vectors, DIM), dtype=torch.float16, device=device)
    for part in out.split(4096):
        part.copy_(torch.nn.functional.normalize(torch.randn(part.shape, generator=generator, device=device), dim=-1))
    return out


def compared(queries: torch.Tensor, pages: torch.Tensor, *, limit_ms: float, limit: str) -> Iterator[Row]:
    """A row for each of docsearch's two ways: queries (M, Q, D) with pages (N, T, D), both float16."""
    import numpy as np
    import torch

    from ..timing import summary_ms

    own, shapes = ours(queries, pages), [" x ".join(map(str, each.shape)) for each in (queries, pages)]
    for contender in own:
        check(contender, queries, pages)
    peers: list[Contender] = []
    declined: dict[str, str] = {}
    for name, prepare in PEERS.items():
        try:
            peer = Contender(name, prepare(queries, pages))
            check(peer, queries, pages)
            peers.append(peer)
        except (ImportError, AttributeError, RuntimeError, Refused) as err:
            declined[name] = str(err).partition("\n")[0]
        torch.cuda.empty_cache()
    times: dict[str, list[float]] = {each.name: [] for each in (*own, *peers)}
    for _ in range(RUNS):
        for each in (*own, *peers):
            times[each.name].append(device_seconds(each.run))
    medians = {peer.name: round(float(np.median(times[peer.name])) * 1000, 3) for peer in peers}
    for each in own:
        summary = summary_ms(times[each.name])
        yield {
            "what": each.name,
            "size": f"{shapes[0]} with {shapes[1]}, float16",
            "ours_ms": summary["median_ms"],
            "peers": medians,
            "limit_ms": round(limit_ms, 3),
            "limit": limit,
            "correct": True,
            "p20_ms": summary["p20_ms"],
            "p50_ms": summary["median_ms"],
            "p80_ms": summary["p80_ms"],
            "runs": RUNS,
            "of_limit": round(limit_ms / float(str(summary["median_ms"])), 3),
            "gpu": torch.cuda.get_device_name(pages.device),
            **{f"{name} left out": why for name, why in declined.items()},
        }


def ours(queries: torch.Tensor, pages: torch.Tensor) -> list[Contender]:
    """docsearch with queries in float32, and rounded to float16 as in its first pass over all pages."""
    import torch

    from docsearch.engine.kernels.maxsim import triton as kernel

    flat = queries.flatten(0, 1).float()
    offsets = torch.arange(len(pages) + 1, device=pages.device) * pages.shape[1]
    stored = kernel.DevicePages(pages.flatten(0, 1), None, offsets)

    def score(parts: int) -> torch.Tensor:
        maxima = kernel.page_maxima(flat, stored, parts=parts)
        return maxima.view(len(pages), len(queries), -1).sum(dim=2).T

    return [
        Contender("docsearch, queries rounded to float16", partial(score, 1)),
        Contender("docsearch, queries in float32", partial(score, 2), EXACT_TOLERANCE),
    ]


def late_interaction_kernels(queries: torch.Tensor, pages: torch.Tensor) -> Callable[[], torch.Tensor]:
    """H Company's kernels. Raises ImportError without them."""
    return partial(import_module("late_interaction_kernels").maxsim, queries, pages)


def flash_maxsim(queries: torch.Tensor, pages: torch.Tensor) -> Callable[[], torch.Tensor]:
    """IBM's kernels. Raises ImportError without them."""
    package = import_module("flash_maxsim")
    if len(queries) == 1:
        return lambda: package.flash_maxsim(queries[0], pages)[None]
    return partial(package.flash_maxsim_batched, queries, pages, shared_docs=True, pad_lq=False)


PEERS = {"late-interaction-kernels": late_interaction_kernels, "flash-maxsim": flash_maxsim}


def check(contender: Contender, queries: torch.Tensor, pages: torch.Tensor) -> None:
    """Raise Refused unless the scores are right on pages spread from the first to the last."""
    import torch

    got = contender.run()
    if got.shape != (len(queries), len(pages)):
        raise Refused(f"{contender.name}: returns {tuple(got.shape)}, not {(len(queries), len(pages))}")
    rows = torch.linspace(0, len(pages) - 1, CHECKED_PAGES, device=pages.device).long().unique()
    some = pages[rows].float()
    wanted = torch.stack([(query.float() @ some.transpose(1, 2)).amax(dim=2).sum(dim=1) for query in queries])
    error = float((got[:, rows].float() - wanted).abs().max()) / queries.shape[1]
    if not error <= contender.tolerance:
        raise Refused(f"{contender.name}: differs from the reference by {error:.2g}, more than {contender.tolerance:g}")
