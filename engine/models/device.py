"""Where a model runs: the device that was asked for, what it computes in, and how much memory is free there."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from ..errors import UsageError

SWITCH = "DOCSEARCH_ARITHMETIC"
"""Environment variable that says what models compute in, read when one is loaded; the best that there is by default."""
INT8, BFLOAT16, FLOAT32 = "int8", "bfloat16", "float32"
ARITHMETIC = (INT8, BFLOAT16, FLOAT32)
"""Values of SWITCH, the fastest first. 8-bit integers are for the embedded model alone."""
MEMINFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")


def choose(device: str) -> torch.device:
    """The device of "auto", "cpu" or "cuda"; UsageError where there is no such GPU."""
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: this torch sees no CUDA GPU; use --device cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def asked_arithmetic() -> str | None:
    """What SWITCH says, None if it is not set; UsageError if that is none of ARITHMETIC."""
    asked = os.environ.get(SWITCH) or None
    if asked is not None and asked not in ARITHMETIC:
        raise UsageError(f"{SWITCH}={asked}: known are {', '.join(ARITHMETIC)}; without it, the best for this device")
    return asked


def compute_dtype(device: torch.device) -> torch.dtype:
    """The floats that SWITCH asks for; else, and where it asks for integers, bfloat16 where the device computes in it,
    or float32. UsageError if the device does not compute in what is asked for.
    """
    asked, has_bf16 = asked_arithmetic(), device.type == "cuda" or computes_bf16()
    if asked == BFLOAT16 and not has_bf16:
        raise UsageError(f"{SWITCH}={asked}: this CPU does not multiply in bfloat16; use {FLOAT32}, or leave it out")
    return torch.bfloat16 if has_bf16 and asked != FLOAT32 else torch.float32


def computes_bf16() -> bool:
    """Whether this CPU multiplies in bfloat16; elsewhere it would be emulated, several times slower than float32.

    oneDNN calls bfloat16 supported on every x86-64 with AVX-512, emulated or not.
    """
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    asked = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(ask() for ask in asked if ask is not None)


def free_bytes(device: torch.device) -> int | None:
    """Memory that is free on a device, for a CPU within the limit of its container; None where nobody says."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text("ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    try:
        limit = int((CONTROL_GROUP / "memory.max").read_text("ascii"))
        used = int((CONTROL_GROUP / "memory.current").read_text("ascii"))
        kept = dict(line.split() for line in (CONTROL_GROUP / "memory.stat").read_text("ascii").splitlines())
        # Files that are cached and not in use are given up when memory is asked for.
        return min(free, limit - used + int(kept["inactive_file"]))
    except (OSError, KeyError, ValueError):  # no control group, or one without a limit ("max")
        return free
