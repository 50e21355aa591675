"""The large index that benchmarks compose is valid, and the benchmark reports on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.compression.codecs import decode
from docsearch.engine.compression.visual_words import VisualWords
from docsearch.engine.models.registry import find_spec
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_snapshot, open_writer
from toy_words import ToyEncoder

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import large
from benchmarks.cases import large as case
from benchmarks.setting import REPOSITORY


@pytest.mark.parametrize("codec", ["float16", "binary"])
def test_composed_pages_are_made_of_stored_patches(tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "SEGMENT_PAGES", 100)
    toy_words.write(tmp_path / "real", {f"{i}.pdf": [[i, i + 1, i + 2], [], [5, i]] for i in range(20)})
    with open_writer(tmp_path / "real", fingerprint=None) as writer:
        writer.compact(codec)
    with open_snapshot(tmp_path / "real") as source:
        large.write(tmp_path / "large", source, VisualWords(toy_words.directions(), toy_words.WIDTH), pages=230)
        stored = {vector.tobytes() for block in source.blocks() for vector in decode(block.coded)}
    with open_snapshot(tmp_path / "large") as snapshot:
        assert snapshot.verify() == []
        assert (len(snapshot), snapshot.codec, snapshot.info()["segments"]) == (230, codec, 3)
        assert all(vector.tobytes() in stored for block in snapshot.blocks() for vector in decode(block.coded))
        assert len(snapshot.documents()) == 5
        assert (snapshot.lengths > 0).all()
        assert snapshot.dense_vectors().shape == (230, 0)
    with open_searcher(tmp_path / "large", encoder=ToyEncoder()) as searcher:
        assert searcher.search("w5", candidates=20)
        np.testing.assert_array_equal(searcher.snapshot.refs([0])[0].page, 1)


def test_a_row_reports_the_time_of_each_stage() -> None:
    report = {
        "opened": 0.1,
        "prepared": 0.2,
        "times": [0.5, 0.01, 0.03],
        "stages": {"encode": [0.001], "rerank": [0.002, 0.004]},
        "memory": {"RssAnon": 2 * 10**9, "RssFile": 10**9, "VmHWM": 4 * 10**9},
    }
    row = case.row("cold", 9, report)
    assert (row["opened_s"], row["first_ms"], row["p50_ms"], row["rerank_p50_ms"]) == (0.3, 500.0, 20.0, 3.0)
    assert (row["own_memory_gb"], row["mapped_memory_gb"], row["peak_memory_gb"]) == (2.0, 1.0, 4.0)


def test_ask_prints_one_json_object(tmp_path: Path) -> None:
    open_writer(tmp_path / "empty", fingerprint=find_spec("pixel").fingerprint).close()
    command = [sys.executable, "-m", "benchmarks.ask", str(tmp_path / "empty")]
    queries = '["revenue", "chart"]'
    done = subprocess.run(command, input=queries, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert {"pages", "opened", "prepared", "times", "stages", "memory"} == report.keys()
    assert (report["pages"], len(report["times"])) == (0, 2)
