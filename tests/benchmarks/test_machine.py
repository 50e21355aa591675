"""What benchmarks say of the machine: its features, and the limits of its memory and products."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import limits, processor


def test_features_are_read_from_what_the_system_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some(R) CPU @ 2.50GHz\nflags\t\t: fpu avx512_vnni avx2 sse\n\n")
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    processor._field.cache_clear()
    try:
        assert processor.features() == "avx2 avx512_vnni"
        assert processor.slug(processor.name()) == "some-2.50ghz"
    finally:
        processor._field.cache_clear()


def test_the_limit_is_the_longer_of_reading_and_computing() -> None:
    assert limits.lower(1e9, 10, 1e9, 100, "GEMM") == limits.Limit(100.0, "memory read at 10 GB/s")
    assert limits.lower(1e9, 100, 1e12, 100, "GEMM") == limits.Limit(10_000.0, "GEMM at 100 GFLOP/s")
