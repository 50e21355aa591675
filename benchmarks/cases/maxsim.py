"""MaxSim of one query with 1,000 pages: the engine's kernel on stored vectors, and peers on the same data, in turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import numpy as np

from ..maxsim_peers import F32, FLOAT32_TOLERANCE, OPTIONAL, Contender, torch_peers
from ..setting import Refused, Row, Setting
from ..timing import summary_ms, timed

QUERY_VECTORS = 32
PAGES = 1_000
PAGE_VECTORS = 700
DIM = 128
VISUAL_WORDS = 16_384
"""Those of residual. Their products with the query are made before the runs that count: once a question."""
RUNS = 9
SETTLE_S = 0.05
"""Time for the threads of the contender before to stop spinning."""
SEED = 7


def run(_setting: Setting) -> Iterator[Row]:
    """Check every contender against the reference, then time them in turns; Refused if one is wrong."""
    from docsearch.engine import cores
    from docsearch.engine.kernels import codecs
    from docsearch.engine.kernels.maxsim import reference, token_maxima
    from docsearch.engine.kernels.residual import Codebook
    from docsearch.engine.records import Ragged

    from .. import limits

    generator = np.random.default_rng(SEED)
    query = unit(generator.standard_normal((QUERY_VECTORS, DIM), np.float32))
    vectors = unit(generator.standard_normal((PAGES * PAGE_VECTORS, DIM), np.float32)).astype(np.float16)
    offsets = np.arange(PAGES + 1, dtype=np.int64) * PAGE_VECTORS

    words = generator.integers(0, VISUAL_WORDS, len(vectors)).astype(np.uint16)
    codebook = Codebook(unit(generator.standard_normal((VISUAL_WORDS, DIM), np.float32)).astype(np.float16))

    ours: list[tuple[Contender, F32]] = []
    for codec in codecs.CODECS:
        coded = codecs.encode(codec, vectors, words, codebook)
        size = len(vectors) * codecs.vector_bytes(codec, DIM)
        score = partial(token_maxima, query, coded, offsets)
        # What the codec loses is not the kernel's error: the reference gets the decoded vectors.
        wanted = reference.token_maxima(query, Ragged(codecs.decode(coded), offsets))
        ours.append((Contender(codec, score, size, FLOAT32_TOLERANCE), wanted))

    exact = vectors.astype(np.float32)
    truth = reference.token_maxima(query, Ragged(exact, offsets))
    pages = exact.reshape(PAGES, PAGE_VECTORS, DIM)
    missing: dict[str, str] = {}
    peers = [(peer, truth) for peer in torch_peers(query, pages)]
    for name, prepare in OPTIONAL.items():
        try:
            peers.append((prepare(query, pages), truth))
        except (ImportError, AttributeError) as err:
            missing[name] = str(err)

    contenders = [*ours, *peers]
    errors = [check(contender, wanted) for contender, wanted in contenders]
    seconds: list[list[float]] = [[] for _ in contenders]
    for _ in range(RUNS):
        for times, (contender, _wanted) in zip(seconds, contenders, strict=True):
            time.sleep(SETTLE_S)
            times.append(timed(contender.run))
    read = limits.read_gb_s(cores.available())
    rates = {name: limits.gemm_gflops(getattr(limits.torch, name)) for name in ("bfloat16", "float32", "int8")}
    half = max(("bfloat16", "float32"), key=rates.__getitem__)
    flops = 2.0 * QUERY_VECTORS * PAGES * PAGE_VECTORS * DIM
    medians = {
        contender.name: round(float(np.median(times)) * 1000, 2)
        for times, (contender, _wanted) in zip(seconds[len(ours) :], peers, strict=True)
    }
    for times, (contender, _wanted), error in zip(seconds, ours, errors, strict=False):
        limit = limits.lower(contender.bytes, read, flops, rates[half], f"{half} GEMM")
        summary = summary_ms(times)
        yield {
            "what": f"docsearch {contender.name}",
            "size": f"{QUERY_VECTORS} x {DIM} with {PAGES} x {PAGE_VECTORS} x {DIM}, {contender.name}",
            "ours_ms": summary["median_ms"],
            "peers": medians,
            "limit_ms": round(limit.ms, 2),
            "limit": limit.what,
            "correct": True,
            "p20_ms": summary["p20_ms"],
            "p50_ms": summary["median_ms"],
            "p80_ms": summary["p80_ms"],
            "runs": RUNS,
            "read_ms": round(contender.bytes / read / 1e6, 2),
            "int8_gemm_ms": round(flops / rates["int8"] / 1e6, 2),
            "pages_mb": round(contender.bytes / 1e6, 1),
            "max_error": round(error, 6),
        }
    for name, why in missing.items():
        yield {"what": name, "skipped": why}


def check(contender: Contender, wanted: F32) -> float:
    """The largest error of a contender, which this call also warms up; Refused if it is above its tolerance."""
    got = contender.run()
    if contender.summed:
        wanted = wanted.sum(axis=1)
    if got.shape != wanted.shape:
        raise Refused(f"{contender.name}: returns {got.shape} where the reference returns {wanted.shape}")
    error = float(np.abs(got.astype(np.float32) - wanted).max())
    if not error <= contender.tolerance:
        raise Refused(f"{contender.name}: differs from the reference by {error:.2g}, more than {contender.tolerance:g}")
    return error


def unit(
    values: F32,
) -> F32:
    """Rows scaled to length 1."""
    scaled: F32 = values / np.linalg.norm(values, axis=1, keepdims=True)
    return scaled
