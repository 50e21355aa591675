"""MaxSim on a GPU with the pages in its memory, in each codec: one query and a batch, beside the limits of the GPU."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ..gpu import device_seconds, device_with
from ..setting import Refused, Row, Setting
from .maxsim_gpu import DIM, FREE_BYTES, PAGE_VECTORS, PAGES, QUERIES, QUERY_VECTORS, RUNS, SEED, drawn

if TYPE_CHECKING:
    import torch

    from docsearch.engine.compression.codecs import Coded
    from docsearch.engine.kernels.maxsim.triton import DevicePages

WORDS = 20_480
"""Centroids of the codec residual: as many as `pixel` has visual words."""
CHECKED_PAGES = 16
TOLERANCE = 3e-3
"""Largest error, as a share of the largest maximum: queries are rounded to float16."""


def run(_setting: Setting) -> Iterator[Row]:
    """Measure every codec on the GPU. Raises Refused if one is wrong."""
    import torch

    device = device_with(FREE_BYTES)
    from docsearch.engine.kernels.maxsim import triton as kernel

    from .. import limits

    copy, matmul = limits.gpu_copy_gb_s(device), limits.gpu_matmul_gflops(device)
    for codec in kernel.CODECS:
        pages = random_pages(codec, device, PAGES, PAGE_VECTORS)
        check(codec, pages, PAGE_VECTORS)
        for count in (1, QUERIES):
            queries = drawn(device, count, QUERY_VECTORS).flatten(0, 1).float()
            flops = 2.0 * len(queries) * PAGES * PAGE_VECTORS * DIM
            limit = limits.lower(stored_bytes(pages), copy, flops, matmul, "bfloat16 matmul")
            yield row(codec, pages, queries, limit.ms, limit.what)
        del pages
        torch.cuda.empty_cache()


def row(codec: str, pages: DevicePages, queries: torch.Tensor, limit_ms: float, limit: str) -> Row:
    """The times of one size."""
    import torch

    from docsearch.engine.kernels.maxsim import triton as kernel

    from ..timing import summary_ms

    work = partial(kernel.page_maxima, queries, pages, parts=1)
    work()  # compiles and tunes
    summary = summary_ms([device_seconds(work) for _ in range(RUNS)])
    return {
        "what": codec,
        "size": f"{len(queries)} query vectors with {len(pages):,} pages of {len(pages.values) // len(pages)} x {DIM}",
        **summary,
        "gb": round(stored_bytes(pages) / 1e9, 2),
        "limit_ms": round(limit_ms, 3),
        "limit": limit,
        "of_limit": round(limit_ms / float(str(summary["median_ms"])), 3),
        "gpu": torch.cuda.get_device_name(),
    }


def random_pages(codec: str, device: torch.device, count: int, vectors: int) -> DevicePages:
    """Pages (count, vectors, DIM) of random numbers in a codec, drawn on the device.

    The time of a launch does not depend on the numbers, so packed codes are random bits.
    """
    import torch

    from docsearch.engine.compression import codecs
    from docsearch.engine.kernels.maxsim.triton import DevicePages

    total = count * vectors
    offsets = torch.arange(count + 1, device=device) * vectors
    if codec == "float16":
        return DevicePages(drawn(device, count, vectors).flatten(0, 1), None, offsets)
    generator = torch.Generator(device).manual_seed(SEED)

    def integers(low: int, high: int, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=generator, device=device, dtype=dtype)

    width, bits = codecs.stored_width(codec, DIM), codecs.PACKED_BITS.get(codec, 0)
    values = integers(0, 256, (total, width), torch.uint8) if bits else integers(-127, 128, (total, width), torch.int8)
    if codec == "residual":
        scales = integers(160, 200, (total, 2), torch.uint8)
        words = integers(0, WORDS, (total,), torch.int32).to(torch.int16)
        centroids = drawn(device, 1, WORDS)[0]
        return DevicePages(values, scales, offsets, bits, words, centroids)
    scales = torch.rand(total, generator=generator, device=device).mul_(0.01).add_(0.001).half()
    return DevicePages(values, scales, offsets, bits)


def stored_bytes(pages: DevicePages) -> int:
    """Bytes that are read of all pages at least once."""
    return sum(each.nbytes for each in (pages.values, pages.scales, pages.words) if each is not None)


def check(codec: str, pages: DevicePages, vectors: int) -> None:
    """Raise Refused unless the maxima are right on pages spread from the first to the last."""
    import numpy as np
    import torch

    from docsearch.engine.compression import codecs
    from docsearch.engine.kernels.maxsim import reference
    from docsearch.engine.kernels.maxsim import triton as kernel
    from docsearch.engine.records import Ragged

    device = pages.offsets.device
    queries = drawn(device, 1, QUERY_VECTORS)[0].float()
    rows = torch.linspace(0, len(pages) - 1, CHECKED_PAGES, device=device).long().unique()
    got = kernel.page_maxima(queries, pages, rows, parts=1).cpu().numpy()
    chosen = (rows[:, None] * vectors + torch.arange(vectors, device=device)).flatten()
    stored = codecs.decode(on_host(codec, pages, chosen))
    wanted = reference.token_maxima(
        queries.cpu().numpy(), Ragged(stored, np.arange(len(rows) + 1, dtype=np.int64) * vectors)
    )
    error = float(np.abs(got - wanted).max() / np.abs(wanted).max())
    if not error <= TOLERANCE:
        raise Refused(f"{codec}: differs from the reference by {error:.2g} of the largest, more than {TOLERANCE:g}")


def on_host(codec: str, pages: DevicePages, chosen: torch.Tensor) -> Coded:
    """Some vectors in main memory, as they are stored."""
    from docsearch.engine.compression.codecs import Coded
    from docsearch.engine.compression.residual import Codebook

    def fetched(tensor: torch.Tensor | None) -> Any:
        return None if tensor is None else tensor[chosen].cpu().numpy()

    words = fetched(pages.words)
    codebook = None if pages.centroids is None else Codebook(pages.centroids.cpu().numpy())
    unsigned = None if words is None else words.view("uint16")
    return Coded(codec, fetched(pages.values), fetched(pages.scales), DIM, unsigned, codebook)
