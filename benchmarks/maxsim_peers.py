"""Peers of the MaxSim kernel for `cases/maxsim.py`, each with its own copy of the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

CHUNK_PAGES = 64
"""Pages per GEMM: 64 x 700 vectors of 128 bf16 take 11 MB, their similarities with 32 query vectors 3 MB."""
FLOAT32_TOLERANCE = 1e-4
BFLOAT16_TOLERANCE = 0.02
"""Largest error of a cosine: bf16 rounds inputs and results to 8 bits."""

F16, F32 = NDArray[np.float16], NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to score pages: `run` returns token maxima (N, Q) or, if `summed`, their sums (N,).

    `bytes` is the size of its pages; `needs` is the arithmetic that the CPU has to support.
    """

    name: str
    run: Callable[[], F32]
    bytes: int
    tolerance: float
    summed: bool = False
    needs: str = "float32"


def torch_peers(query: F32, pages: F32) -> list[Contender]:
    """PyTorch on the CPU in three ways, for `query` (Q, D) and `pages` (N, T, D)."""
    import torch

    q, p = torch.from_numpy(query), torch.from_numpy(pages)
    q16, p16 = q.bfloat16(), p.bfloat16()

    def einsum() -> F32:
        return np.asarray(torch.einsum("qd,ntd->nqt", q, p).amax(dim=2).numpy(), np.float32)

    def gemm(query: torch.Tensor, pages: torch.Tensor) -> F32:
        parts = [
            (chunk.flatten(0, 1) @ query.T).view(len(chunk), -1, len(query)).amax(dim=1)
            for chunk in torch.split(pages, CHUNK_PAGES)
        ]
        return np.asarray(torch.cat(parts).float().numpy(), np.float32)

    fp32, bf16 = pages.nbytes, pages.nbytes // 2
    in_chunks = f"GEMM in chunks of {CHUNK_PAGES} pages, then amax"
    return [
        Contender("torch fp32: einsum, then amax", einsum, fp32, FLOAT32_TOLERANCE),
        Contender(f"torch fp32: {in_chunks}", lambda: gemm(q, p), fp32, FLOAT32_TOLERANCE),
        Contender(f"torch bf16: {in_chunks}", lambda: gemm(q16, p16), bf16, BFLOAT16_TOLERANCE, needs="bfloat16"),
    ]


def maxsim_cpu_peer(query: F32, pages: F32) -> Contender:
    """The package maxsim-cpu (Rust). Raises ImportError without it."""
    scores = import_module("maxsim_cpu").maxsim_scores
    tolerance = FLOAT32_TOLERANCE * len(query)
    return Contender("maxsim-cpu fp32", lambda: np.asarray(scores(query, pages)), pages.nbytes, tolerance, summed=True)


def sentence_transformers_peer(query: F32, pages: F32) -> Contender:
    """`maxsim` of sentence-transformers 6 and later. Raises ImportError without it."""
    maxsim = import_module("sentence_transformers.util.similarity").maxsim
    import torch

    q, p = torch.from_numpy(query)[None], torch.from_numpy(pages)
    tolerance = FLOAT32_TOLERANCE * len(query)
    name = "sentence-transformers fp32: util.similarity.maxsim"
    return Contender(name, lambda: np.asarray(maxsim(q, p)[0].numpy()), pages.nbytes, tolerance, summed=True)


OPTIONAL = {"maxsim-cpu": maxsim_cpu_peer, "sentence-transformers": sentence_transformers_peer}
"""Peers that run if their package is installed, and are reported as skipped otherwise."""
