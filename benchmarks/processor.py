"""The processor that a run is measured on: its model name and the instruction sets that matter for speed."""

from __future__ import annotations

import platform
import re
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
FEATURES = (
    *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"),  # x86-64
    *("asimd", "i8mm", "bf16", "sve"),  # ARM
)
"""Instruction sets that decide what kernels are compiled for and what the model computes in, as Linux names them."""


def name() -> str:
    """The processor's model name."""
    return _field("model name") or platform.processor() or platform.machine()


def features() -> str:
    """Which of FEATURES it has, with spaces between; "" where the system does not say."""
    listed = {*_field("flags").split(), *_field("Features").split()}
    return " ".join(feature for feature in FEATURES if feature in listed)


def slug(model_name: str) -> str:
    """A model name as a folder name.

    >>> slug("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz")
    'intel-xeon-platinum-8259cl-2.50ghz'
    """
    plain = re.sub(r"\((r|tm|c)\)|\b(cpu|processor)\b", " ", model_name.lower())
    return re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.") or "unknown"


@cache
def _field(field: str) -> str:
    """The value of a field of the first processor in /proc/cpuinfo, or ""."""
    try:
        lines = CPUINFO.read_text("utf-8").splitlines()
    except OSError:
        return ""
    found = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in found if key.strip() == field), "")
