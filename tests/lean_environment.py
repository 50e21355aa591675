"""What works without compiled kernels (DOCSEARCH_COMPILE=0) and without PyMuPDF (PDFium renders): run by `make lean`.

It has an environment of its own, so pytest does not collect it by its name.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BASE = {"onnxruntime", "faiss", "PIL", "typer"}


def docsearch(*arguments: str | Path, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docsearch", *map(str, arguments)]
    environment = {**os.environ, "PYTHONWARNINGS": "error::ImportWarning"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=3600
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index of the sample documents in it, rendered by PDFium."""
    made = tmp_path_factory.mktemp("lean")
    docsearch("index", REPOSITORY / "sample_docs", "--renderer", "pdfium", "--quiet", folder=made)
    return made


def test_the_environment_is_lean() -> None:
    for package in ("torch", "pymupdf", "transformers", "peft", "accelerate", "fastapi"):
        assert importlib.util.find_spec(package) is None, package
    for package in BASE:
        assert importlib.util.find_spec(package) is not None, package


def test_numpy_does_the_work_of_kernels(folder: Path) -> None:
    assert json.loads(docsearch("info", "--json", folder=folder).stdout)["kernels"] == "numpy (DOCSEARCH_COMPILE=0)"


def test_the_page_is_found_without_compiled_kernels(folder: Path) -> None:
    lines = docsearch("query", "revenue chart 2023", "--json", folder=folder).stdout.splitlines()
    first = json.loads(lines[0])
    assert (first["path"], first["page"]) == ("annual-report-2023.pdf", 6)


def test_every_sample_document_is_rendered_by_pdfium(folder: Path) -> None:
    facts = json.loads(docsearch("info", "--json", folder=folder).stdout)
    assert (facts["documents"], facts["pages"]) == (16, 54)
    assert docsearch("failed", folder=folder).stdout == "nothing failed\n"


def test_heat_maps_are_drawn(folder: Path) -> None:
    docsearch("query", "revenue chart 2023", "--heatmap", "hit.png", folder=folder)
    assert (folder / "hit.png").stat().st_size > 10_000


def test_the_default_renderer_says_what_is_missing(tmp_path: Path) -> None:
    done = docsearch("index", REPOSITORY / "sample_docs", "--renderer", "mupdf", folder=tmp_path, code=2)
    assert "pymupdf" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["serve"], "server"), (["mcp"], "mcp"), (["index", ".", "--model", "vidore/colpali-v1.3"], "models")],
)
def test_a_missing_extra_is_named(folder: Path, arguments: list[str], extra: str) -> None:
    done = docsearch(*arguments, folder=folder, code=2)
    assert f'pip install -e ".[{extra}]"' in done.stderr


def test_kernels_agree_with_their_references() -> None:
    kernels = REPOSITORY / "tests/engine/kernels"
    files = [kernels / f"test_{name}.py" for name in ("maxsim", "postings", "token_scores", "proximity")]
    command = [sys.executable, "-m", "pytest", "-q", *map(str, files), "-m", "not slow"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stdout[-3000:]
