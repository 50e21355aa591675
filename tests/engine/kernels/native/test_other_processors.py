"""MaxSim for 64-bit ARM gives the bits that it gives here: cross-compiled by Zig, run by qemu-user."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import kernel_compiler
import numpy as np
import pytest

from docsearch.engine.compression import codecs
from docsearch.engine.kernels import maxsim
from docsearch.engine.kernels.maxsim import compiled
from docsearch.engine.kernels.native import library

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(library.load() is None, reason="no kernels were compiled in this installation"),
    pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="no qemu-aarch64 (Debian's package qemu-user)"),
    pytest.mark.skipif(
        importlib.util.find_spec("ziglang") is None, reason="no C compiler for ARM (pip install ziglang)"
    ),
]
ARM = kernel_compiler.INSTRUCTION_SETS["aarch64"]


@pytest.fixture(scope="module", params=ARM)
def score_pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """score_pages.c for an instruction set of ARM."""
    program = tmp_path_factory.mktemp("arm") / f"score_pages_{request.param}"
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static"]
    sources = [Path(__file__).with_name("score_pages.c"), kernel_compiler.KERNELS / "maxsim/maxsim.c"]
    options = kernel_compiler.options_for(zig, "aarch64", request.param)
    subprocess.run([*zig, *options, *map(str, sources), "-o", str(program)], check=True)
    return program


@pytest.mark.parametrize("codec", ["int8", "int4", "binary", "float16"])
def test_maxima_have_the_same_bits_on_arm(codec: str, score_pages: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    lengths, dim = np.array([300, 0, 5, 64, 700], np.int64), 128
    patches = generator.standard_normal((lengths.sum(), dim), np.float32) / np.float32(np.sqrt(dim))
    patches[:300] = patches[0] + patches[:300] * np.float32(1e-3)  # of which screening can rule out few
    query = (generator.standard_normal((37, dim), np.float32) / np.float32(np.sqrt(dim))).astype(np.float32)
    coded = codecs.encode(codec, patches.astype(np.float16))
    kernel = compiled.kernel(dim)
    assert kernel is not None
    rows, *_, steps, _, _ = compiled.pack(kernel, query, codec).arrays
    scales = np.zeros(len(patches), np.float16) if coded.scales is None else coded.scales
    head = np.array([compiled.CODECS[codec], dim, len(query), len(lengths)], np.int64)
    parts = [head, rows, steps, lengths, np.array([coded.values.nbytes], np.int64), coded.values, scales]
    (tmp_path / "in").write_bytes(b"".join(part.tobytes() for part in parts))
    subprocess.run(["qemu-aarch64", str(score_pages), str(tmp_path / "in"), str(tmp_path / "out")], check=True)
    found = np.fromfile(tmp_path / "out", np.float32).reshape(len(lengths), len(query))
    here = maxsim.token_maxima(query, coded, np.concatenate([[0], np.cumsum(lengths)]))
    if codec == "float16" and score_pages.name.endswith("scalar"):  # no fused multiply-add
        np.testing.assert_allclose(found, here, atol=2e-6)
    else:
        np.testing.assert_array_equal(found, here)
