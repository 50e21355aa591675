"""The benchmark of MaxSim: wrong contenders are refused, and what a processor lacks is named."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.compression.codecs import CODECS

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import limits
from benchmarks.cases import maxsim
from benchmarks.maxsim_peers import Contender, torch_peers
from benchmarks.setting import Refused, Setting, Skipped


def test_the_torch_peers_agree_with_the_reference() -> None:
    generator = np.random.default_rng(1)
    query = maxsim.unit(generator.standard_normal((3, 8), np.float32))
    pages = maxsim.unit(generator.standard_normal((130, 5, 8), np.float32))
    wanted = np.einsum("qd,ntd->nqt", query, pages).max(axis=2)
    for peer in torch_peers(query, pages):
        assert maxsim.check(peer, wanted) <= peer.tolerance


@pytest.mark.parametrize("wrong", [np.full((2, 2), 0.1), np.full((2, 2), np.nan), np.zeros((2, 3))])
def test_a_wrong_contender_is_refused(wrong: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    contender = Contender("wrong", lambda: wrong.astype(np.float32), 0, 1e-4)
    with pytest.raises(Refused, match="wrong"):
        maxsim.check(contender, np.zeros((2, 2), np.float32))


@pytest.fixture
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out for what a trial takes on a busy machine."""
    monkeypatch.setattr(limits, "BUDGET_S", float("inf"))


@pytest.mark.usefixtures("_unhurried")
def test_maxsim_reports_one_object_a_size_with_its_peers_and_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAGES": 128, "PAGE_VECTORS": 5, "RUNS": 2, "SETTLE_S": 0}.items():
        monkeypatch.setattr(maxsim, name, value)
    monkeypatch.setattr(limits, "READ_BYTES", 1 << 20)
    monkeypatch.setattr(limits, "SQUARE", 64)
    rows = [row for row in maxsim.run(Setting(None)) if "skipped" not in row]
    whats = [str(row["what"]) for row in rows]
    assert [what for what in whats if what.removeprefix("docsearch ") in CODECS] == [
        f"docsearch {each}" for each in CODECS
    ]
    assert all(what.startswith("docsearch ") for what in whats)
    for row in rows:
        assert {"size", "ours_ms", "peers", "limit_ms", "limit", "correct", "p20_ms", "p50_ms", "p80_ms"} <= row.keys()
        assert len(row["peers"]) >= 3


@pytest.mark.usefixtures("_unhurried")
def test_maxsim_says_what_the_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAGES": 64, "PAGE_VECTORS": 5, "RUNS": 2, "SETTLE_S": 0, "OPTIONAL": {}}.items():
        monkeypatch.setattr(maxsim, name, value)
    monkeypatch.setattr(limits, "READ_BYTES", 1 << 20)
    monkeypatch.setattr(limits, "SQUARE", 64)
    monkeypatch.setattr(limits, "lacking", lambda name: None if name == "float32" else f"no {name}")
    rows = list(maxsim.run(Setting(None)))
    said = {row["what"]: row["skipped"] for row in rows if "skipped" in row}
    assert said == {
        "torch bf16: GEMM in chunks of 64 pages, then amax": "no bfloat16",
        "bfloat16 GEMM": "no bfloat16",
        "int8 GEMM": "no int8",
    }
    assert {f"docsearch {codec}" for codec in CODECS} <= {row["what"] for row in rows}
    assert rows[0]["int8_gemm_ms"] is None


@pytest.mark.usefixtures("_unhurried")
def test_what_would_take_too_long_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        raise AssertionError("it is only tried on a few pages")

    trial = Contender("trial", lambda: np.zeros((1, 1), np.float32), 0, 0)
    entry = maxsim.Entry(Contender("slow", slow, 0, 0), trial, np.zeros((1, 1), np.float32))
    assert maxsim.declined(entry) is None
    monkeypatch.setattr(limits, "BUDGET_S", 0.0)
    assert "would take" in str(maxsim.declined(entry))
    monkeypatch.setattr(limits, "lacking", lambda _name: None)
    with pytest.raises(Skipped, match=r"7 products of 2,048 x 2,048 would take .* more than 0"):
        limits.gemm_gflops("bfloat16")
