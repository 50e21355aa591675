"""The library of kernels is that of the sources; DOCSEARCH_COMPILE selects one of its instruction sets, or numpy."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import kernel_compiler
import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.kernels.native import library
from docsearch.engine.kernels.native.library import INSTRUCTION_SETS, NUMPY, SWITCH, available_settings, current

compiled = pytest.mark.skipif(library.load() is None, reason="no kernels were compiled in this installation")
NEWER_THAN = {
    "scalar": re.compile(r"%ymm|%zmm"),
    "sse2": re.compile(r"%ymm|%zmm|pshufb"),
    "avx2": re.compile(r"%zmm|%k[0-7]\b|%[xy]mm(1[6-9]|2\d|3[01])\b|vpdp"),
    "avxvnni": re.compile(r"%zmm|%k[0-7]\b|%[xy]mm(1[6-9]|2\d|3[01])\b"),
    "avx512": re.compile(r"vpdp"),
}
"""What code for each instruction set must not have: registers of newer ones, and products of bytes."""


def test_the_library_was_compiled_from_these_sources() -> None:
    """Fails where a C file was changed: `python build_backend/kernel_compiler.py` compiles them again."""
    if not library.LIBRARY.exists():
        pytest.skip("no kernels were compiled in this installation")
    assert library.load() is not None
    assert kernel_compiler.fingerprint() == library.fingerprint()


@compiled
def test_each_instruction_set_has_every_kernel() -> None:
    for instructions in library.instruction_sets():
        for kernel in ("maxsim", "maxsim_pack", "maxsim_products", "postings_scan", "token_scores"):
            assert callable(library.function(kernel, [], instructions))


@compiled
def test_each_caller_has_its_own_types_of_arguments() -> None:
    """Of one object for all, the last caller's would count: addresses would be passed as 32 bits."""
    instructions = library.instruction_sets()[0]
    first = library.function("maxsim", [library.ADDRESS], instructions)
    library.function("maxsim", [], instructions)
    assert first.argtypes == [library.ADDRESS]


def test_names_of_instruction_sets_are_those_of_the_build() -> None:
    built = {name for sets in kernel_compiler.INSTRUCTION_SETS.values() for name in sets}
    assert built == {each.name for each in INSTRUCTION_SETS}


@compiled
def test_each_setting_selects_its_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in library.instruction_sets():
        monkeypatch.setenv(SWITCH, each.name)
        assert current() == each
        assert available_settings()[0] == each.name
    monkeypatch.delenv(SWITCH)
    assert current() == library.instruction_sets()[0]


def test_kernels_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, NUMPY)
    assert current() is None
    assert available_settings() == [NUMPY]
    assert library.description() == "numpy (DOCSEARCH_COMPILE=0)"


def test_an_unknown_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "sse")
    library._chosen.cache_clear()
    with pytest.raises(UsageError, match=r"DOCSEARCH_COMPILE=sse: the known values are 1, avx512vnni, .*, scalar, 0"):
        current()


@compiled
def test_an_instruction_set_of_another_cpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = [each.name for each in INSTRUCTION_SETS if each not in library.instruction_sets()]
    monkeypatch.setenv(SWITCH, missing[0])
    with pytest.raises(UsageError, match=f"DOCSEARCH_COMPILE={missing[0]}: this CPU cannot run that; it has "):
        current()


def test_numpy_does_the_work_without_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(library, "LIBRARY", tmp_path / "_kernels.so")
    for cached in (library.load, library.instruction_sets, library._chosen):
        cached.cache_clear()
    try:
        assert current() is None
        assert library.description() == "numpy (no C compiler worked when docsearch was installed)"
        (tmp_path / "_kernels.so").write_bytes(b"made for another system")
        assert library.description().startswith("numpy (the compiled kernels are not of this system or version")
    finally:
        for cached in (library.load, library.instruction_sets, library._chosen):
            cached.cache_clear()


@compiled
@pytest.mark.skipif(not shutil.which("objdump"), reason="no objdump")
@pytest.mark.skipif(kernel_compiler.architecture() != "x86_64", reason="reads code of x86-64")
def test_code_for_an_instruction_set_has_no_newer_instruction(tmp_path: Path) -> None:
    command = kernel_compiler.find_compiler()
    if command is None:
        pytest.skip("no C compiler")
    for name, newer in NEWER_THAN.items():
        for source in kernel_compiler.KERNELS.glob("*/*.c"):
            options = kernel_compiler.options_for(command, "x86_64", name)
            made = tmp_path / "kernel.o"
            subprocess.run([*command, *options, "-c", source, "-o", made], check=True)
            code = subprocess.check_output(["objdump", "-d", "--no-show-raw-insn", made], text=True)
            assert newer.search(code) is None, (name, source.name)
