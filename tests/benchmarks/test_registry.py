"""Every case of the benchmarks states its limit, is described, and says what it lacks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks.registry import CASES
from benchmarks.setting import Setting, Skipped

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_case_states_its_limit() -> None:
    assert all(60 <= case.limit_s <= 3600 for case in CASES.values())


def test_a_case_without_its_corpus_is_skipped() -> None:
    for name in ("two_stage", "pointing", "quality", "server_load"):
        with pytest.raises(Skipped, match="DOCSEARCH_CORPORA"):
            next(CASES[name].run(Setting(None)))


def test_every_case_is_described() -> None:
    cases, _, _ = (REPOSITORY / "benchmarks/README.md").read_text("utf-8").partition("## Saved runs")
    assert sorted(re.findall(r"^\| `(\w+)` \|", cases, re.MULTILINE)) == sorted(CASES)
