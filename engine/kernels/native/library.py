"""Loads the kernels that were compiled from C when docsearch was installed, for the instruction set of this CPU.

The library has each kernel once for each instruction set of its architecture; which of them run here is asked of the
CPU. Without the library, as where no C compiler worked, numpy does the work.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...errors import UsageError

SWITCH = "DOCSEARCH_COMPILE"
"""Environment variable that selects the instruction set of kernels: BEST (the default), the fastest that this CPU has;
the name of one of INSTRUCTION_SETS; or NUMPY, no compiled kernel at all.
"""
BEST, AVX2, SCALAR, NUMPY = "1", "avx2", "scalar", "0"
LIBRARY = Path(__file__).with_name("_kernels.dll" if sys.platform == "win32" else "_kernels.so")
"""Where the build puts the library."""
ADDRESS, LONG, FLOAT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
"""Argument types of kernels."""


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """What kernels were compiled for: the `name` in SWITCH and in names of functions; its name in reports, `label`; and
    its `feature`, the bit in `docsearch_features` that says that this CPU has it (0: each of its architecture has).
    """

    name: str
    label: str
    feature: int


INSTRUCTION_SETS = (
    InstructionSet("avx512vnni", "AVX-512 with VNNI", 8),
    InstructionSet("avx512", "AVX-512", 2),
    InstructionSet("avxvnni", "AVX-VNNI", 4),
    InstructionSet(AVX2, "AVX2", 1),
    InstructionSet("sse2", "SSE2", 0),
    InstructionSet("dotprod", "NEON with dot products", 16),
    InstructionSet("neon", "NEON", 0),
    InstructionSet(SCALAR, "plain C", 0),
)
"""The fastest first."""
SETTINGS = (BEST, *(each.name for each in INSTRUCTION_SETS), NUMPY)
"""Values of SWITCH."""


def current() -> InstructionSet | None:
    """The instruction set of kernels under the current value of SWITCH; None where numpy does the work.

    Raises UsageError for an unknown value, and for an instruction set that this CPU does not have.
    """
    return _chosen(os.environ.get(SWITCH) or BEST)


@lru_cache(maxsize=len(SETTINGS))
def _chosen(setting: str) -> InstructionSet | None:
    if setting not in SETTINGS:
        known = ", ".join(SETTINGS)
        raise UsageError(f"{SWITCH}={setting}: the known values are {known}; leave it unset to use all this CPU has")
    runnable = instruction_sets()
    if setting == NUMPY or not runnable:
        return None
    if setting == BEST:
        return runnable[0]
    for each in runnable:
        if each.name == setting:
            return each
    able = ", ".join(each.name for each in runnable)
    raise UsageError(f"{SWITCH}={setting}: this CPU cannot run that; it has {able}; leave the variable unset")


@lru_cache(maxsize=1)
def instruction_sets() -> tuple[InstructionSet, ...]:
    """Those that the library was compiled for and this CPU has, the fastest first; none without the library."""
    library = load()
    if library is None:
        return ()
    features, compiled = library.docsearch_features(), _text(library.docsearch_instruction_sets).split()
    return tuple(each for each in INSTRUCTION_SETS if features & each.feature == each.feature and each.name in compiled)


def available_settings() -> list[str]:
    """The values of SWITCH that give different code on this CPU, from the current one to the slowest."""
    runnable, chosen = instruction_sets(), current()
    if chosen is None:
        return [NUMPY]
    return [each.name for each in runnable[runnable.index(chosen) :]] + [NUMPY]


def description() -> str:
    """What kernels run on, for reports: the label of an instruction set, or numpy and why."""
    chosen = current()
    if chosen is not None:
        return chosen.label
    if os.environ.get(SWITCH) == NUMPY:
        return f"numpy ({SWITCH}={NUMPY})"
    if LIBRARY.exists():
        return "numpy (the compiled kernels are not of this system or version: install docsearch again)"
    return "numpy (no C compiler worked when docsearch was installed)"


def function(name: str, arguments: Sequence[type], instructions: InstructionSet) -> Any:
    """Kernel `name` for an instruction set that this CPU has, as a ctypes function that returns nothing.

    Calls release the interpreter's lock.
    """
    library = load()
    assert library is not None, "an instruction set comes from the library"
    found = library[f"docsearch_{name}_{instructions.name}"]  # an attribute would be one object for all callers
    found.argtypes, found.restype = list(arguments), None
    return found


def _text(function: Any) -> str:
    function.restype = ctypes.c_char_p
    return str(function().decode())


@lru_cache(maxsize=1)
def load() -> ctypes.CDLL | None:
    """The library; None where it was not compiled, or not for this system, or from other sources than there are."""
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError:
        return None
    own = fingerprint()
    return library if own is None or own == _text(library.docsearch_sources) else None


def fingerprint() -> str | None:
    """The hash of the C sources beside this module, as the build computes it; None in a wheel, which has none.

    A library from before an update of the sources could read arguments that it is not given.
    """
    kernels = Path(__file__).parents[1]
    sources = sorted([*kernels.glob("*/*.c"), *kernels.glob("*/*.h")])
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16] if sources else None
