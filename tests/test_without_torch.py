"""The default model needs no torch: where it is missing, documents are indexed, searched, explained and checked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None\nfrom docsearch.__main__ import main\nmain()"


def docsearch(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def index(sample_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("index") / "index"
    docsearch("index", sample_docs / "annual-report-2023.pdf", "--index", made, "--quiet")
    return made


def first_hit(index: Path, *arguments: str | Path) -> int:
    hit = json.loads(docsearch("query", *arguments, "--index", index, "--json").stdout.splitlines()[0])
    return int(hit["page"])


def test_a_question_finds_its_page_and_why(index: Path, tmp_path: Path) -> None:
    picture = tmp_path / "hit.png"
    assert first_hit(index, "revenue chart 2023", "--heatmap", picture) == 6
    assert picture.stat().st_size > 10_000


def test_a_picture_finds_its_page(index: Path, tmp_path: Path) -> None:
    picture = tmp_path / "hit.png"
    docsearch("query", "revenue chart 2023", "--heatmap", picture, "--index", index)
    assert first_hit(index, "--image", picture) == 6


def test_an_index_is_checked(index: Path) -> None:
    assert docsearch("verify", "--index", index).returncode == 0


def test_training_says_what_is_missing(tmp_path: Path) -> None:
    data = tmp_path / "triples.jsonl"
    data.write_text("{}\n", "utf-8")
    done = docsearch("train", "pixel", data, "-o", tmp_path / "ours", code=2)
    assert "needs torch" in done.stderr
    assert 'pip install -e ".[train]"' in done.stderr
