"""The number format that models compute in."""

from __future__ import annotations

import platform

import pytest
import torch

from docsearch.engine.errors import UsageError
from docsearch.engine.models import device

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("machine", "mkldnn", "avx512", "amx", "expected"),
    [
        ("x86_64", True, False, False, torch.float32),  # oneDNN would emulate it
        ("x86_64", True, True, False, torch.bfloat16),
        ("AMD64", True, False, True, torch.bfloat16),
        ("x86_64", False, True, True, torch.float32),
        ("aarch64", True, False, False, torch.bfloat16),
    ],
)
def test_bfloat16_is_used_on_cpus_that_compute_in_it(
    monkeypatch: pytest.MonkeyPatch, machine: str, mkldnn: bool, avx512: bool, amx: bool, expected: torch.dtype
) -> None:
    monkeypatch.delenv(device.ARITHMETIC_VARIABLE, raising=False)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: mkldnn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert device.compute_dtype(CPU) == expected


@pytest.mark.parametrize(
    ("requested", "has_bf16", "expected"),
    [
        ("", True, torch.bfloat16),
        ("float32", True, torch.float32),
        ("float32", False, torch.float32),
        ("bfloat16", True, torch.bfloat16),
        ("int8", True, torch.bfloat16),  # models without integers compute in the best floats
        ("int8", False, torch.float32),
    ],
)
def test_the_environment_variable_sets_the_arithmetic(
    monkeypatch: pytest.MonkeyPatch, requested: str, has_bf16: bool, expected: torch.dtype
) -> None:
    monkeypatch.setenv(device.ARITHMETIC_VARIABLE, requested)
    monkeypatch.setattr(device, "computes_bf16", lambda: has_bf16)
    assert device.compute_dtype(CPU) == expected


@pytest.mark.parametrize(
    ("requested", "why"),
    [("bf16", "the values are int8, bfloat16, float32"), ("bfloat16", "this CPU has no bfloat16 arithmetic")],
)
def test_arithmetic_that_is_unknown_or_unsupported_is_refused(
    monkeypatch: pytest.MonkeyPatch, requested: str, why: str
) -> None:
    monkeypatch.setenv(device.ARITHMETIC_VARIABLE, requested)
    monkeypatch.setattr(device, "computes_bf16", lambda: False)
    with pytest.raises(UsageError, match=f"DOCSEARCH_ARITHMETIC={requested}: {why}"):
        device.compute_dtype(CPU)
