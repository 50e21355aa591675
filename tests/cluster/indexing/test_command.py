"""`docsearch index --ray` as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docsearch import open_index
from same_index import content


def test_the_command_indexes_on_a_cluster_what_it_indexes_alone(
    three_nodes: Any, sample_docs: Path, sample_index: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    command = [sys.executable, "-m", "docsearch", "index", str(sample_docs), "--index", str(index)]
    done = subprocess.run(
        [*command, "--ray", three_nodes.address, "--ray-workers", "2", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["documents"] > 10
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert sum(node["workers"] for node in events[-1]["cluster"]["nodes"]) >= 1
    assert content(index) == content(sample_index)
    with open_index(index) as together, open_index(sample_index) as alone:
        for question in ("revenue chart 2023", "notice period"):
            assert together.search(question).as_dict() == alone.search(question).as_dict()


def test_an_address_without_a_cluster_is_a_usage_error(sample_docs: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    command = [sys.executable, "-m", "docsearch", "index", str(sample_docs), "--ray", "127.0.0.1:1"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 2
    assert "no Ray cluster answers at 127.0.0.1:1" in done.stderr
    assert not (tmp_path / ".docsearch").exists()
