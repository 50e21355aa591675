"""The tables of kept runs in the documentation are those of the kept rows."""

from __future__ import annotations

import pytest

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import saved_runs, tables


def test_the_tables_of_kept_runs_are_those_of_the_kept_rows() -> None:
    page = tables.PAGE.read_text("utf-8")
    assert page == tables.page_with(page, tables.tables(tables.kept_rows(saved_runs.RESULTS)))


def test_tables_have_the_last_row_of_each_class_of_processors() -> None:
    machine = {"cpu": "C", "cores": 2, "arithmetic": "int8", "load_1min": 0.1}
    row = {"case": "query", "what": "x", "commit": "abc", "day": "2026-01-01"}
    rows = [
        {**row, "median_ms": ms, "machine": {**machine, "kernels": kernels}}
        for kernels, ms in (("AVX2", 900.0), ("AVX-512 with VNNI", 300.0), ("AVX2", 400.0))
    ]
    skipped = {**row, "what": "y", "skipped": "no", "machine": {**machine, "kernels": "AVX2"}}
    found = tables.tables([*rows, skipped]).split("### ")
    assert [part.splitlines()[0] for part in found[1:]] == ["Kept runs: AVX-512 with VNNI", "Kept runs: AVX2"]
    assert found[2].splitlines()[-1] == "| `query` | x | 400 ms | C, 2, int8 | 2026-01-01, abc, 0.1 |"
    with pytest.raises(ValueError, match="marks"):
        tables.page_with("no marks", "")


def test_a_busy_machine_does_not_count_for_times_and_does_for_quality() -> None:
    machine = {"cpu": "C", "cores": 2, "arithmetic": "int8", "kernels": "AVX2"}
    rows = [
        {
            "case": case,
            "what": "x",
            "commit": "abc",
            "day": "2026-01-01",
            **figures,
            "machine": {**machine, "load_1min": load},
        }
        for load, case, figures in (
            (0.1, "query", {"median_ms": 300.0}),
            (0.1, "quality", {"ndcg@5": 0.6}),
            (9.0, "query", {"median_ms": 900.0}),
            (9.0, "quality", {"ndcg@5": 0.7}),
        )
    ]
    found = tables.tables(rows)
    assert "300 ms" in found
    assert "900 ms" not in found
    assert "nDCG@5 0.700" in found
