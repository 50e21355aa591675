"""What kernels are compiled for is what the environment says, and has no instruction of newer processors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.kernels.codecs import CODECS
from docsearch.engine.kernels.machine import (
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

from docsearch.engine.kernels import postings_code, word_scores_code
from docsearch.engine.kernels.maxsim import machine_code

LANES = AVX2_MACHINE.lanes
MODULES = {
    **{codec: lambda codec=codec: machine_code.module(machine_code.Shape(codec, 96, LANES, 4)) for codec in CODECS},
    "postings": lambda: postings_code.module(128),
    "word scores": lambda: word_scores_code.module(LANES),
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
