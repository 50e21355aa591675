"""Posting lists and token scores have the same bits on 64-bit ARM as here: compiled by Zig, run by qemu-user."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import kernel_compiler
import numpy as np
import pytest

from docsearch.engine.compression import residual
from docsearch.engine.compression.residual import Codebook
from docsearch.engine.kernels.native import library
from docsearch.engine.kernels.postings.scan import Postings, PostingsBuilder, lists_bytes, lookup_table
from docsearch.engine.kernels.token_scores import scores
from docsearch.engine.records import QueryExpansion, QueryVectors

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(library.load() is None, reason="no kernels were compiled in this installation"),
    pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="no qemu-aarch64 (Debian's package qemu-user)"),
    pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="no compiler for ARM (pip install ziglang)"),
]
ARM = kernel_compiler.INSTRUCTION_SETS["aarch64"]
WORDS, PAGES, TOKENS, TERMS, SCORED_PAGES = 5, 7, 3, 2, 100


@pytest.fixture(scope="module", params=ARM)
def scan_lists(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scan_lists.c for an instruction set of ARM."""
    program = tmp_path_factory.mktemp("arm") / f"scan_lists_{request.param}"
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static"]
    kernels = [kernel_compiler.KERNELS / name for name in ("postings/postings.c", "token_scores/token_scores.c")]
    options = kernel_compiler.options_for(zig, "aarch64", request.param)
    sources = map(str, [Path(__file__).with_name("scan_lists.c"), *kernels])
    subprocess.run([*zig, *options, *sources, "-o", str(program)], check=True)
    return program


@pytest.mark.parametrize("dim", [24, 128])
@pytest.mark.parametrize("count", [31, 300])
def test_stage_1_has_the_same_bits_on_arm(count: int, dim: int, scan_lists: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(count + dim)
    vector, patches = unit(rng.standard_normal((1, dim)))[0], unit(rng.standard_normal((count, dim)))
    codebook = Codebook(unit(rng.standard_normal((WORDS, dim))).astype(np.float16))
    words = rng.integers(0, WORDS, count).astype(np.uint16)
    builder = PostingsBuilder(np.zeros(lists_bytes(count, dim), np.uint8), np.bincount(words, minlength=WORDS), dim)
    builder.add(np.sort(rng.integers(0, PAGES, count)), words, *residual.encode(patches, words, codebook))
    postings = Postings(builder._lists, builder.starts, codebook)
    products, page_rows = codebook.centroids_f32 @ vector, rng.permutation(PAGES).astype(np.int32)
    here = np.full(PAGES + 1, -np.inf, np.float32)
    table, step, offset = lookup_table(vector)
    head = np.array([WORDS, len(postings.lists), dim // 8, PAGES, PAGES + 1], np.int64)
    numbers = np.array([step, offset, -0.3, 300], np.float32)
    lists = [head, numbers, postings.starts[:-1], postings.starts[1:], products, table, postings.lists, page_rows, here]

    weights, term_weights = rng.random(TOKENS).astype(np.float32), rng.random(TERMS).astype(np.float32)
    floors = rng.uniform(0.3, 0.5, TOKENS).astype(np.float32)
    expansion = QueryExpansion(
        np.zeros((TERMS, 4), np.float32), np.array([0, 2]), term_weights, np.array([0.4, 0.5], np.float32)
    )
    query = QueryVectors(
        np.zeros((TOKENS, 4), np.float32), weights, np.zeros(0, np.float32), ("w",) * TOKENS, floors, floors + 0.2,
        expansion=expansion,
    )  # fmt: skip
    maxima = np.where(rng.random((TOKENS + TERMS, SCORED_PAGES)) < 0.5, 0.6, -np.inf).astype(np.float32)
    maxima *= rng.random(maxima.shape, np.float32)
    first_pages = np.sort(rng.integers(0, SCORED_PAGES, SCORED_PAGES))
    slopes = (1 / (query.every_ceiling - query.every_floor)).astype(np.float32)
    terms = np.array([0, 1, 1, 2, TOKENS, TOKENS + 1])
    units = np.linspace(0.004, 0.006, TOKENS + TERMS, dtype=np.float32)
    codes = rng.integers(0, 256, maxima.shape, np.uint8)
    tokens = [maxima, weights, query.every_floor, slopes, terms, term_weights, first_pages, codes, units]

    (tmp_path / "in").write_bytes(b"".join(part.tobytes() for part in [*lists, *tokens]))
    subprocess.run(["qemu-aarch64", str(scan_lists), str(tmp_path / "in"), str(tmp_path / "out")], check=True)
    lengths = [PAGES + 1, PAGES, *[SCORED_PAGES] * 3]
    found = np.split(np.fromfile(tmp_path / "out", np.float32), np.cumsum(lengths))
    postings.update_maxima(vector, np.arange(WORDS), products, -0.3, page_rows, here)
    own_codes = np.zeros(PAGES, np.uint8)
    postings.update_codes(vector, np.arange(WORDS), products, -0.3, 300.0, own_codes)
    sums = scores.add_tokens(scores.Sums.of_none(SCORED_PAGES), list(maxima), first_pages, query)
    of_codes = scores.add_codes(scores.Sums.of_none(SCORED_PAGES), list(codes), units, first_pages, query)
    assert np.isfinite(here).any()
    assert (sums.totals > 0).any()
    assert own_codes.any()
    wanted_here = [here, own_codes.astype(np.float32), sums.totals, sums.best, of_codes.totals, of_codes.best]
    for there, wanted in zip(found, wanted_here, strict=True):
        np.testing.assert_array_equal(there.view(np.uint32), wanted.view(np.uint32))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, D) of length 1, float32."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
