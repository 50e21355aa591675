"""The processor at hand, and LLVM's code for it, compiled in a few hundredths of a second when first used."""

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
"""Environment variable that says what kernels are compiled for: BEST, the widest registers there are, by default; AVX2,
what x86-64 processors have had since 2013, whatever else this one has; or NUMPY, nothing: some systems let no program
run code that it has just made.
"""
BEST, AVX2, NUMPY = "1", "avx2", "0"
WAYS = (BEST, AVX2, NUMPY)
ADDRESS, LONG, FLOAT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
"""Types of a compiled function's arguments."""


AVX2_FEATURES = ("avx2", "fma", "f16c", "bmi", "bmi2")
"""What a processor has to have for kernels to be compiled at all."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What code is compiled for: LLVM's names of a processor and its `features`; registers have `lanes` of 32 bits."""

    cpu: str
    features: str
    lanes: int


AVX2_MACHINE = Machine("x86-64-v3", "", lanes=8)
"""Any processor with AVX2: LLVM uses nothing that only newer ones have."""


def machine() -> Machine | None:
    """What kernels are compiled for as SWITCH says; None where numpy does the work: without llvmlite, and on another
    processor than an x86-64 with AVX2. UsageError for a value of SWITCH that means nothing.
    """
    return machine_of(_way())


def _way() -> str:
    way = os.environ.get(SWITCH) or BEST
    if way not in WAYS:
        raise UsageError(f"{SWITCH}={way}: known are {', '.join(WAYS)}; without it, kernels are compiled for this CPU")
    return way


@lru_cache(maxsize=len(WAYS))
def machine_of(way: str) -> Machine | None:
    """What kernels are compiled for if SWITCH says `way`."""
    if way == NUMPY:
        return None
    try:
        from llvmlite import binding
    except ImportError:
        return None
    has = binding.get_host_cpu_features()
    if not (binding.get_default_triple().startswith("x86_64") and all(has.get(name) for name in AVX2_FEATURES)):
        return None
    if way == AVX2:
        return AVX2_MACHINE
    is_wide = bool(has.get("avx512bw") and has.get("avx512vl"))
    return Machine(binding.get_host_cpu_name(), has.flatten(), lanes=16 if is_wide else 8)


def ways() -> list[str]:
    """The values of SWITCH that lead to different code here, from the one that it has to the slowest."""
    found: dict[int, str] = {}
    for way in WAYS[WAYS.index(_way()) :]:
        made_for = machine_of(way)
        found.setdefault(0 if made_for is None else made_for.lanes, way)
    return list(found.values())


def instruction_set() -> str:
    """What kernels are compiled for, in a word for reports."""
    here = machine()
    return "numpy" if here is None else {16: "AVX-512", 8: "AVX2"}[here.lanes]


def compiled(module: str, name: str, arguments: Sequence[type], target: Machine) -> Any:
    """The function `name` of a module in LLVM's intermediate representation."""
    from llvmlite import binding

    with _one_at_a_time:
        parsed, made_for = _parsed(module, target)
        engine = binding.create_mcjit_compiler(parsed, made_for)
        engine.finalize_object()
        function = ctypes.CFUNCTYPE(None, *arguments)(engine.get_function_address(name))
    function.engine = engine  # type: ignore[attr-defined]  # owns the code
    return function


def assembly(module: str, target: Machine) -> str:
    """The instructions that a module in LLVM's intermediate representation becomes, as text."""
    with _one_at_a_time:
        parsed, made_for = _parsed(module, target)
        text: str = made_for.emit_assembly(parsed)
    return text


def _parsed(module: str, target: Machine) -> tuple[Any, Any]:
    """A module, checked, and LLVM's description of the target."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    made_for = binding.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=2
    )
    parsed = binding.parse_assembly(module)
    parsed.verify()
    return parsed, made_for


_one_at_a_time = threading.Lock()
"""LLVM serves one thread at a time."""
