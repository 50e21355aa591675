"""The network of `pixel` on a GPU, in torch as it is trained: pages/s of one pass, in three number formats.

`pixel` computes on the processor, in 8-bit integers. What a GPU would give it is bounded by this: drawing pages, the
other passes over them, and reading words from the features are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..gpu import device_with
from ..setting import Refused, Row, Setting

BATCH = 8
HEIGHT, WIDTH = 1456, 1120
"""A letter page as the base pass reads it, in multiples of 16."""
RUNS = 10
COSINE = 0.99
"""Least mean cosine of features with those in float32."""


def run(_setting: Setting) -> Iterator[Row]:
    """Measure float32, float16 and bfloat16. Raises Refused if features differ from those in float32."""
    yield from rows(device_with(), BATCH, (HEIGHT, WIDTH))


def rows(device: object, batch: int, size: tuple[int, int]) -> Iterator[Row]:
    """A row for each number format, with `batch` pages of `size` (rows and columns of pixels)."""
    import numpy as np
    import torch

    from docsearch.training.pixel.network import load_network

    from ..timing import summary_ms, timed

    on = torch.device(str(device))
    network = load_network().to(on, memory_format=torch.channels_last).eval()
    pages = torch.rand(batch, 1, *size, generator=torch.Generator().manual_seed(0)).mul(2).sub(1)
    pages = pages.to(on, memory_format=torch.channels_last)

    def compute(values: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = network.features(values)
            if on.type == "cuda":
                torch.cuda.synchronize()
            return found

    exact = compute(pages).float()
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        network.to(dtype)
        values = pages.to(dtype)
        cosine = float(torch.nn.functional.cosine_similarity(compute(values).float(), exact, dim=1).mean())
        if not cosine >= COSINE:
            raise Refused(f"{dtype}: features have a mean cosine of {cosine:.3f} with those in float32")
        times = [timed(partial(compute, values)) for _ in range(RUNS)]
        yield {
            "what": f"{batch} pages of {size[0]} x {size[1]} in {str(dtype).removeprefix('torch.')}",
            **summary_ms(times),
            "pages_per_s": round(batch / float(np.median(times)), 1),
            "device": torch.cuda.get_device_name(on) if on.type == "cuda" else "cpu",
        }
