"""Kernels are compiled for the instruction set that DOCSEARCH_COMPILE selects, without instructions of newer CPUs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from docsearch.engine.compression.codecs import CODECS
from docsearch.engine.errors import UsageError
from docsearch.engine.kernels.jit.compiler import (
    AVX2,
    AVX2_TARGET,
    BEST,
    NUMPY,
    SWITCH,
    assembly,
    available_settings,
    current_target,
    instruction_set,
)

pytest.importorskip("llvmlite")

from docsearch.engine.kernels.maxsim import llvm_ir as maxsim_ir
from docsearch.engine.kernels.postings import llvm_ir as postings_ir
from docsearch.engine.kernels.token_scores import llvm_ir as token_scores_ir

LANES = AVX2_TARGET.lanes
MODULES = {
    **{codec: lambda codec=codec: maxsim_ir.module(maxsim_ir.Shape(codec, 96, LANES, 4)) for codec in CODECS},
    "postings": lambda: postings_ir.module(128),
    "token scores": lambda: token_scores_ir.module(LANES),
}
NEWER = re.compile(r"%zmm|%k[0-7]\b|%[xy]mm(1[6-9]|2\d|3[01])\b|vpdp")
"""Registers of AVX-512, and instructions of VNNI."""


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_code_for_avx2_has_no_newer_instruction(module: Callable[[], str]) -> None:
    code = assembly(module(), AVX2_TARGET)
    assert "%ymm" in code
    assert NEWER.search(code) is None


@pytest.mark.skipif(available_settings()[0] != BEST or instruction_set() != "AVX-512", reason="needs AVX-512")
def test_each_setting_compiles_for_its_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for setting in (BEST, AVX2, NUMPY):
        monkeypatch.setenv(SWITCH, setting)
        found.append(instruction_set())
    assert found == ["AVX-512", "AVX2", "numpy"]


def test_compilation_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, NUMPY)
    assert current_target() is None
    assert available_settings() == [NUMPY]


def test_an_unknown_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "sse")
    with pytest.raises(UsageError, match="DOCSEARCH_COMPILE=sse: the known values are 1, avx2, 0"):
        current_target()
