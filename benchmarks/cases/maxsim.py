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
RUNS = 5
SETTLE_S = 0.05
"""Time for the threads of the contender before to stop spinning."""
SEED = 7


def run(_setting: Setting) -> Iterator[Row]:
    """Check every contender against the reference, then time them in turns; Refused if one is wrong."""
    from docsearch.engine.kernels import codecs
    from docsearch.engine.kernels.maxsim import reference, token_maxima
    from docsearch.engine.records import Ragged

    generator = np.random.default_rng(SEED)
    query = unit(generator.standard_normal((QUERY_VECTORS, DIM), np.float32))
    vectors = unit(generator.standard_normal((PAGES * PAGE_VECTORS, DIM), np.float32)).astype(np.float16)
    offsets = np.arange(PAGES + 1, dtype=np.int64) * PAGE_VECTORS

    contenders: list[tuple[Contender, F32]] = []
    for codec in codecs.CODECS:
        coded = codecs.encode(codec, vectors)
        size = coded.values.nbytes + (0 if coded.scales is None else coded.scales.nbytes)
        score = partial(token_maxima, query, coded, offsets)
        contender = Contender(f"docsearch {codec}", score, size, FLOAT32_TOLERANCE)
        # What the codec loses is not the kernel's error: the reference gets the decoded vectors.
        contenders.append((contender, reference.token_maxima(query, Ragged(codecs.decode(coded), offsets))))

    exact = vectors.astype(np.float32)
    truth = reference.token_maxima(query, Ragged(exact, offsets))
    pages = exact.reshape(PAGES, PAGE_VECTORS, DIM)
    missing: dict[str, str] = {}
    contenders += [(peer, truth) for peer in torch_peers(query, pages)]
    for name, prepare in OPTIONAL.items():
        try:
            contenders.append((prepare(query, pages), truth))
        except (ImportError, AttributeError) as err:
            missing[name] = str(err)

    errors = [check(contender, wanted) for contender, wanted in contenders]
    seconds: list[list[float]] = [[] for _ in contenders]
    for _ in range(RUNS):
        for times, (contender, _wanted) in zip(seconds, contenders, strict=True):
            time.sleep(SETTLE_S)
            times.append(timed(contender.run))
    shapes = f"{QUERY_VECTORS} x {DIM} with {PAGES} x {PAGE_VECTORS} x {DIM}"
    for times, (contender, _wanted), error in zip(seconds, contenders, errors, strict=True):
        yield {
            "what": contender.name,
            **summary_ms(times),
            "pages_mb": round(contender.bytes / 1e6, 1),
            "max_error": round(error, 6),
            "shapes": shapes,
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
