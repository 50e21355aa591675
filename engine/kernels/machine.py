"""The processor at hand, and LLVM's code for it, compiled in a few hundredths of a second when first used."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

SWITCH = "DOCSEARCH_COMPILE"
"""Environment variable that leaves the work to numpy: some systems let no program run code that it has just made."""
ADDRESS, LONG, FLOAT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
"""Types of a compiled function's arguments."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What code is compiled for: LLVM's names of a processor and its `features`; registers have `lanes` of 32 bits."""

    cpu: str
    features: str
    lanes: int


@lru_cache(maxsize=1)
def machine() -> Machine | None:
    """The one at hand, if it is an x86-64 with AVX2 or AVX-512, llvmlite is there, and SWITCH is not "0"."""
    if os.environ.get(SWITCH) == "0":
        return None
    try:
        from llvmlite import binding
    except ImportError:
        return None
    has = binding.get_host_cpu_features()
    if not (binding.get_default_triple().startswith("x86_64") and has.get("avx2") and has.get("f16c")):
        return None
    is_wide = bool(has.get("avx512bw") and has.get("avx512vl"))
    return Machine(binding.get_host_cpu_name(), has.flatten(), lanes=16 if is_wide else 8)


def compiled(module: str, name: str, arguments: Sequence[type], target: Machine) -> Any:
    """The function `name` of a module in LLVM's intermediate representation."""
    from llvmlite import binding

    with _one_at_a_time:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        made_for = binding.Target.from_default_triple().create_target_machine(
            cpu=target.cpu, features=target.features, opt=2
        )
        parsed = binding.parse_assembly(module)
        parsed.verify()
        engine = binding.create_mcjit_compiler(parsed, made_for)
        engine.finalize_object()
        function = ctypes.CFUNCTYPE(None, *arguments)(engine.get_function_address(name))
    function.engine = engine  # type: ignore[attr-defined]  # owns the code
    return function


_one_at_a_time = threading.Lock()
"""LLVM serves one thread at a time."""
