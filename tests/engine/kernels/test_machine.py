"""What kernels are compiled for is what the environment says, and has no instruction of newer processors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from docsearch.engine.compression.codecs import CODECS
from docsearch.engine.errors import UsageError
from docsearch.engine.kernels.jit.compiler import (
    AVX2,
    AVX2_MACHINE,
    BEST,
    NUMPY,
    SWITCH,
    assembly,
    instruction_set,
    machine,
    ways,
)

pytest.importorskip("llvmlite")

from docsearch.engine.kernels.maxsim import llvm_ir
from docsearch.engine.kernels.postings.scan import llvm_ir
from docsearch.engine.kernels.word_scores.scores import llvm_ir

LANES = AVX2_MACHINE.lanes
MODULES = {
    **{codec: lambda codec=codec: llvm_ir.module(llvm_ir.Shape(codec, 96, LANES, 4)) for codec in CODECS},
    "postings": lambda: llvm_ir.module(128),
    "word scores": lambda: llvm_ir.module(LANES),
}
NEWER = re.compile(r"%zmm|%k[0-7]\b|%[xy]mm(1[6-9]|2\d|3[01])\b|vpdp")
"""Registers of AVX-512, and VNNI's products."""


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_code_for_avx2_has_nothing_newer(module: Callable[[], str]) -> None:
    made = assembly(module(), AVX2_MACHINE)
    assert "%ymm" in made
    assert NEWER.search(made) is None


@pytest.mark.skipif(ways()[0] != BEST or instruction_set() != "AVX-512", reason="needs AVX-512")
def test_each_way_compiles_for_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for way in (BEST, AVX2, NUMPY):
        monkeypatch.setenv(SWITCH, way)
        found.append(instruction_set())
    assert found == ["AVX-512", "AVX2", "numpy"]


def test_a_system_that_forbids_compiled_code_can_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, NUMPY)
    assert machine() is None
    assert ways() == [NUMPY]


def test_a_way_to_compile_that_is_unknown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "sse")
    with pytest.raises(UsageError, match="DOCSEARCH_COMPILE=sse: known are 1, avx2, 0"):
        machine()
