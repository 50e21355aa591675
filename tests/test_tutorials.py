"""The tutorials of the documentation, each run from its first command to its last, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import patience
from local_cluster import own_folder

REPOSITORY = Path(__file__).resolve().parents[1]
TUTORIALS = sorted((REPOSITORY / "docs/tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENT_START = REPOSITORY / "tests/cluster/patient_start"
TIMEOUT_S = 3600


@pytest.fixture
def folder(tmp_path: Path, sample_docs: Path) -> Path:
    """A folder as in a clone, with the sample documents."""
    (tmp_path / "sample_docs").symlink_to(sample_docs)
    return tmp_path


def run(text: str, folder: Path, **variables: str) -> None:
    assert BLOCK.findall(text), "a tutorial has commands"
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", **variables}
    for language, block in BLOCK.findall(text):
        command = ["bash", "-euo", "pipefail", "-c", block] if language == "sh" else [sys.executable, "-c", block]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    "tutorial",
    [
        pytest.param(each, id=each.stem, marks=[pytest.mark.slow] if each.stem == "fine-tuning" else [])
        for each in TUTORIALS
        if each.stem not in {"model", "cluster"}
    ],
)
def test_a_tutorial_runs(tutorial: Path, folder: Path) -> None:
    run(tutorial.read_text("utf-8"), folder)


def test_the_tutorial_about_models_runs_with_a_tiny_one(folder: Path, sample_docs: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra models")
    import tiny_late

    tiny_late.write_colqwen2(folder / "models/tiny-colqwen2")
    (folder / "scans").mkdir()
    (folder / "scans/receipt.jpg").symlink_to(sample_docs / "receipt.jpg")
    run((REPOSITORY / "docs/tutorials/model.md").read_text("utf-8"), folder)


def test_the_tutorial_about_a_cluster_runs(folder: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    path = [str(PATIENT_START), str(PATIENT_START.parent), os.environ.get("PYTHONPATH", "")]
    variables = {**patience.SETTINGS, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    with own_folder() as files:
        run((REPOSITORY / "docs/tutorials/cluster.md").read_text("utf-8"), folder, RAY_TMPDIR=str(files), **variables)
