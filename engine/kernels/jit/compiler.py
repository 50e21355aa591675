"""Compiles LLVM IR for this CPU, or for the instruction set in DOCSEARCH_COMPILE; a kernel takes some 0.03 s."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ...errors import UsageError

SWITCH = "DOCSEARCH_COMPILE"
"""Environment variable that selects what kernels are compiled for: BEST (the default), the widest registers of this
CPU; AVX2, which x86-64 CPUs have had since 2013, even where there are wider registers; NUMPY, no compilation at all,
for systems that forbid running generated code.
"""
BEST, AVX2, NUMPY = "1", "avx2", "0"
SETTINGS = (BEST, AVX2, NUMPY)
"""Values of SWITCH, the fastest first."""
ADDRESS, LONG, FLOAT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
"""Argument types of compiled functions."""
AVX2_FEATURES = ("avx2", "fma", "f16c", "bmi", "bmi2")
"""CPU features without which kernels are not compiled."""


@dataclass(frozen=True, slots=True)
class Target:
    """A CPU to compile for: LLVM's `cpu` name and `features`; its vector registers have `lanes` of 32 bits."""

    cpu: str
    features: str
    lanes: int


AVX2_TARGET = Target("x86-64-v3", "", lanes=8)
"""Any CPU with AVX2: LLVM uses no instruction that only newer ones have."""


def current_target() -> Target | None:
    """What kernels are compiled for under the current value of SWITCH; None where numpy does the work.

    numpy does it without llvmlite, and on any CPU other than an x86-64 with AVX2. Raises UsageError for an unknown
    value.
    """
    return target_for(_setting())


def _setting() -> str:
    setting = os.environ.get(SWITCH) or BEST
    if setting not in SETTINGS:
        known = ", ".join(SETTINGS)
        raise UsageError(f"{SWITCH}={setting}: the known values are {known}; leave it unset to compile for this CPU")
    return setting


@lru_cache(maxsize=len(SETTINGS))
def target_for(setting: str) -> Target | None:
    """What kernels are compiled for when SWITCH is `setting`; None where numpy does the work."""
    if setting == NUMPY:
        return None
    try:
        from llvmlite import binding
    except ImportError:
        return None
    has = binding.get_host_cpu_features()
    if not (binding.get_default_triple().startswith("x86_64") and all(has.get(name) for name in AVX2_FEATURES)):
        return None
    if setting == AVX2:
        return AVX2_TARGET
    is_wide = bool(has.get("avx512bw") and has.get("avx512vl"))
    return Target(binding.get_host_cpu_name(), has.flatten(), lanes=16 if is_wide else 8)


def available_settings() -> list[str]:
    """The values of SWITCH that give different code on this CPU, from the current one to the slowest."""
    found: dict[int, str] = {}
    for setting in SETTINGS[SETTINGS.index(_setting()) :]:
        target = target_for(setting)
        found.setdefault(0 if target is None else target.lanes, setting)
    return list(found.values())


def instruction_set() -> str:
    """What kernels are compiled for, in a word for reports: AVX-512, AVX2 or numpy."""
    target = current_target()
    return "numpy" if target is None else {16: "AVX-512", 8: "AVX2"}[target.lanes]


def compile_function(module: str, name: str, arguments: Sequence[type], target: Target) -> Any:
    """The function `name` of a module in LLVM IR, as a ctypes function that returns nothing."""
    from llvmlite import binding

    with _llvm_lock:
        parsed, target_machine = _parse(module, target)
        engine = binding.create_mcjit_compiler(parsed, target_machine)
        engine.finalize_object()
        function = ctypes.CFUNCTYPE(None, *arguments)(engine.get_function_address(name))
    function.engine = engine  # type: ignore[attr-defined]  # owns the code
    return function


def assembly(module: str, target: Target) -> str:
    """The assembly that a module in LLVM IR compiles to."""
    with _llvm_lock:
        parsed, target_machine = _parse(module, target)
        text: str = target_machine.emit_assembly(parsed)
    return text


def _parse(module: str, target: Target) -> tuple[Any, Any]:
    """The verified module, and LLVM's target machine."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target_machine = binding.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=2
    )
    parsed = binding.parse_assembly(module)
    parsed.verify()
    return parsed, target_machine


_llvm_lock = threading.Lock()
"""LLVM may be used by one thread at a time."""
