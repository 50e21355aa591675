"""Where a model runs: its device, the number format that it computes in, and the memory that is free there."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from .. import threads
from ..errors import UsageError
from .arithmetic import ARITHMETIC_VARIABLE, BFLOAT16, FLOAT32, requested_arithmetic

threads.keep_to_one_openmp_thread(torch.set_num_threads)

MEMINFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")


def choose(device: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda" or "cuda:N". Raises UsageError for a GPU that is not there."""
    wants_gpu = device.startswith("cuda")
    if wants_gpu and not torch.cuda.is_available():
        raise UsageError(f"--device {device}: this torch sees no CUDA GPU; use --device cpu")
    number = device.partition(":")[2]
    if number and int(number) >= torch.cuda.device_count():
        raise UsageError(f"--device {device}: there are {torch.cuda.device_count()} GPUs, counted from cuda:0")
    if number:
        return torch.device(device)
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def every(device: str) -> list[str]:
    """The devices that "auto" and "cuda" stand for where work can be shared: all GPUs; otherwise the one device."""
    chosen = choose(device)
    if chosen.type == "cuda" and ":" not in device and torch.cuda.device_count() > 1:
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [str(chosen)]


def compute_dtype(device: torch.device) -> torch.dtype:
    """The floating-point type to compute in on `device`.

    The one that ARITHMETIC_VARIABLE asks for; if it is not set, or asks for integers, bfloat16 where the device
    computes in it, else float32. Raises UsageError if the device does not compute in the requested type.
    """
    requested, has_bf16 = requested_arithmetic(), device.type == "cuda" or computes_bf16()
    if requested == BFLOAT16 and not has_bf16:
        raise UsageError(
            f"{ARITHMETIC_VARIABLE}={requested}: this CPU has no bfloat16 arithmetic; set it to {FLOAT32}, or unset it"
        )
    return torch.bfloat16 if has_bf16 and requested != FLOAT32 else torch.float32


def computes_bf16() -> bool:
    """Whether this CPU has bfloat16 arithmetic; without it, torch emulates it, several times slower than float32.

    oneDNN reports bfloat16 as supported on every x86-64 CPU with AVX-512, even where it is emulated.
    """
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    checks = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(check() for check in checks if check is not None)


def free_bytes(device: torch.device) -> int | None:
    """Memory that is free on a device, in bytes; for a CPU within the container's limit; None where it is unknown."""
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
        stat = dict(line.split() for line in (CONTROL_GROUP / "memory.stat").read_text("ascii").splitlines())
        # The kernel drops its inactive file cache when memory is needed.
        return min(free, limit - used + int(stat["inactive_file"]))
    except (OSError, KeyError, ValueError):  # no control group, or one without a limit ("max")
        return free
