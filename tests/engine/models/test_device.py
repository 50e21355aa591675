"""What models compute in."""

from __future__ import annotations

import platform

import pytest
import torch

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
def test_bfloat16_is_for_processors_that_multiply_in_it(
    monkeypatch: pytest.MonkeyPatch, machine: str, mkldnn: bool, avx512: bool, amx: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: mkldnn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert device.compute_dtype(CPU) == expected
