"""MaxSim with 1,000 pages on the CPU: the engine's kernel in each codec, on each instruction set, and for 32 queries at
once; peers on the same data.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..maxsim_peers import F16, F32, FLOAT32_TOLERANCE, OPTIONAL, Contender, torch_peers
from ..setting import Refused, Row, Setting, Skipped
from ..timing import summary_ms, timed

QUERY_VECTORS = 32
PAGES = 1_000
PAGE_VECTORS = 700
DIM = 128
VISUAL_WORDS = 16_384
"""Of the codec residual. Their products with the query are computed before the timed runs, as once per question."""
BATCH, BATCH_PAGES = 32, 250
"""Queries scored at once, each of QUERY_VECTORS, and the pages that they are scored with."""
TRIAL_PAGES = 32
"""Pages of a trial run, from which the time of all is estimated."""
RUNS = 9
SETTLE_S = 0.05
"""Pause in which the threads of the previous contender stop spinning."""
SEED = 7


@dataclass(frozen=True, slots=True)
class Entry:
    """A contender for all pages, the same for the first TRIAL_PAGES, and the expected maxima (N, Q).

    It does `work` times what one query with all pages takes, and its times are divided by that.
    """

    whole: Contender
    trial: Contender
    wanted: F32
    work: float = 1


def run(_setting: Setting) -> Iterator[Row]:
    """Check every contender against the reference, then time them in turns. Raises Refused if one is wrong.

    What the processor does not support, and what would take too long, is reported as skipped.
    """
    from docsearch.engine import threads

    from .. import limits

    generator = np.random.default_rng(SEED)
    query = unit(generator.standard_normal((QUERY_VECTORS, DIM), np.float32))
    vectors = unit(generator.standard_normal((PAGES * PAGE_VECTORS, DIM), np.float32)).astype(np.float16)

    ours, theirs, skipped = [], [], []
    for entry in (*engine_entries(generator, query, vectors), *int8_entries(generator, query, vectors)):
        if why := declined(entry):
            skipped.append((f"docsearch {entry.whole.name}", why))
        else:
            ours.append(entry)
    for name, prepare in peers_of(query, vectors).items():
        try:
            entry = prepare()
        except (ImportError, AttributeError) as err:
            skipped.append((name, str(err)))
            continue
        if why := declined(entry):
            skipped.append((entry.whole.name, why))
        else:
            theirs.append(entry)

    contenders = [*ours, *theirs]
    errors = [check(entry.whole, entry.wanted) for entry in contenders]
    seconds: list[list[float]] = [[] for _ in contenders]
    for _ in range(RUNS):
        for times, entry in zip(seconds, contenders, strict=True):
            time.sleep(SETTLE_S)
            times.append(timed(entry.whole.run))
    read, rates = limits.read_gb_s(threads.available()), {}
    for name in ("bfloat16", "float32", "int8"):
        try:
            rates[name] = limits.gemm_gflops(name)
        except Skipped as err:
            skipped.append((f"{name} GEMM", str(err)))
    half = max(rates.keys() - {"int8"}, key=rates.__getitem__)
    flops = 2.0 * QUERY_VECTORS * PAGES * PAGE_VECTORS * DIM
    medians = {
        entry.whole.name: round(float(np.median(times)) * 1000, 2)
        for times, entry in zip(seconds[len(ours) :], theirs, strict=True)
    }
    for times, entry, error in zip(seconds, ours, errors, strict=False):
        contender = entry.whole
        limit = limits.lower(contender.bytes / entry.work, read, flops, rates[half], f"{half} GEMM")
        summary = summary_ms([each / entry.work for each in times])
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
            "int8_gemm_ms": round(flops / rates["int8"] / 1e6, 2) if "int8" in rates else None,
            "pages_mb": round(contender.bytes / 1e6, 1),
            "max_error": round(error, 6),
        }
    for what, why in skipped:
        yield {"what": what, "skipped": why}


def engine_entries(generator: np.random.Generator, query: F32, vectors: F16) -> Iterator[Entry]:
    """The engine's kernel on the `vectors` (T, D) of all pages, in each codec."""
    from docsearch.engine.compression import codecs
    from docsearch.engine.compression.residual import Codebook
    from docsearch.engine.kernels.maxsim import reference, token_maxima
    from docsearch.engine.records import Ragged

    offsets = np.arange(PAGES + 1, dtype=np.int64) * PAGE_VECTORS
    words = generator.integers(0, VISUAL_WORDS, len(vectors)).astype(np.uint16)
    codebook = Codebook(unit(generator.standard_normal((VISUAL_WORDS, DIM), np.float32)).astype(np.float16))
    for codec in codecs.CODECS:
        coded = codecs.encode(codec, vectors, words, codebook)
        whole, trial = (
            Contender(
                codec,
                partial(token_maxima, query, coded[slice(0, pages * PAGE_VECTORS)], offsets[: pages + 1]),
                pages * PAGE_VECTORS * codecs.vector_bytes(codec, DIM),
                FLOAT32_TOLERANCE,
            )
            for pages in (PAGES, TRIAL_PAGES)
        )
        # The codec's loss is not the kernel's error: the reference gets the decoded vectors.
        yield Entry(whole, trial, reference.token_maxima(query, Ragged(codecs.decode(coded), offsets)))


def int8_entries(generator: np.random.Generator, query: F32, vectors: F16) -> Iterator[Entry]:
    """Of the codec int8: the slower instruction sets that this CPU has, numpy, and BATCH queries at once."""
    from docsearch.engine.compression import codecs
    from docsearch.engine.kernels.maxsim import reference, token_maxima
    from docsearch.engine.kernels.native.library import SWITCH, available_settings
    from docsearch.engine.records import Ragged

    offsets = np.arange(PAGES + 1, dtype=np.int64) * PAGE_VECTORS
    coded = codecs.encode("int8", vectors)
    page_bytes = PAGE_VECTORS * codecs.vector_bytes("int8", DIM)

    def score(query: F32, pages: int, setting: str | None) -> F32:
        before = os.environ.get(SWITCH)
        if setting is not None:
            os.environ[SWITCH] = setting
        try:
            return token_maxima(query, coded[slice(0, pages * PAGE_VECTORS)], offsets[: pages + 1])
        finally:
            if before is not None:
                os.environ[SWITCH] = before
            elif setting is not None:
                del os.environ[SWITCH]

    def entry(name: str, query: F32, setting: str | None, pages: int) -> Entry:
        whole, trial = (
            Contender(name, partial(score, query, each, setting), each * page_bytes, FLOAT32_TOLERANCE)
            for each in (pages, TRIAL_PAGES)
        )
        decoded = codecs.decode(coded[slice(0, pages * PAGE_VECTORS)])
        wanted = reference.token_maxima(query, Ragged(decoded, offsets[: pages + 1]))
        return Entry(whole, trial, wanted, len(query) / QUERY_VECTORS * pages / PAGES)

    for setting in available_settings()[1:]:
        yield entry(f"int8 with DOCSEARCH_COMPILE={setting}", query, setting, PAGES)
    more = unit(generator.standard_normal(((BATCH - 1) * QUERY_VECTORS, DIM), np.float32))
    yield entry(f"int8, {BATCH} queries at once, for each", np.concatenate([query, more]), None, BATCH_PAGES)


def peers_of(query: F32, vectors: F16) -> dict[str, Callable[[], Entry]]:
    """Constructors of the peers by name; they raise ImportError if a package is missing."""
    from docsearch.engine.kernels.maxsim import reference
    from docsearch.engine.records import Ragged

    exact = vectors.astype(np.float32)
    truth = reference.token_maxima(query, Ragged(exact, np.arange(PAGES + 1, dtype=np.int64) * PAGE_VECTORS))
    pages = exact.reshape(PAGES, PAGE_VECTORS, DIM)
    of_torch = zip(torch_peers(query, pages), torch_peers(query, pages[:TRIAL_PAGES]), strict=True)
    made = {whole.name: partial(Entry, whole, trial, truth) for whole, trial in of_torch}
    optional = {
        name: lambda prepare=prepare: Entry(prepare(query, pages), prepare(query, pages[:TRIAL_PAGES]), truth)
        for name, prepare in OPTIONAL.items()
    }
    return {**made, **optional}


def declined(entry: Entry) -> str | None:
    """Why a contender is not measured, or None. The trial run on a few pages also triggers compilation."""
    from .. import limits

    if why := limits.lacking(entry.whole.needs):
        return why
    entry.trial.run()
    expected = timed(entry.trial.run) * PAGES / TRIAL_PAGES * (RUNS + 1)
    try:
        limits.within_budget(expected, f"{RUNS + 1} runs")
    except Skipped as err:
        return str(err)
    return None


def check(contender: Contender, wanted: F32) -> float:
    """The largest error of a contender; also warms it up. Raises Refused if the error exceeds its tolerance."""
    got = contender.run()
    if contender.summed:
        wanted = wanted.sum(axis=1)
    if got.shape != wanted.shape:
        raise Refused(f"{contender.name}: returns shape {got.shape}, the reference {wanted.shape}")
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
