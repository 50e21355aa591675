"""The examples in docstrings give what they say; those with an index run beside one of the sample documents."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import shutil
from pathlib import Path

import pytest

import docsearch

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = ("commands", "engine", "evaluation", "exchange", "indexer", "integrations", "server", "training")
WITH_EXAMPLES = [
    file.relative_to(REPOSITORY)
    for file in sorted(
        [*REPOSITORY.glob("*.py"), *(file for each in FOLDERS for file in REPOSITORY.glob(f"{each}/**/*.py"))]
    )
    if ">>>" in file.read_text("utf-8")
]


@pytest.fixture
def beside_an_index(sample_docs: Path, sample_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a working directory with documents in `reports`, their index, and a copy of that."""
    (tmp_path / "reports").symlink_to(sample_docs)
    for name in ("reports.index", "archive.index"):
        shutil.copytree(sample_index, tmp_path / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside_an_index")
@pytest.mark.parametrize("file", WITH_EXAMPLES, ids=str)
def test_examples_give_what_they_say(file: Path) -> None:
    name = ".".join(part for part in ("docsearch", *file.with_suffix("").parts) if part != "__init__")
    try:
        module = importlib.import_module(name)
    except ImportError as err:
        pytest.skip(f"{name} needs {err.name}")
    public = {each: getattr(docsearch, each) for each in docsearch.__all__} | {"asyncio": asyncio}
    run = doctest.testmod(module, extraglobs=public, optionflags=doctest.ELLIPSIS)
    assert run.failed == 0, f"{file}: the report is above"


def test_examples_of_public_names_are_code_in_the_reference() -> None:
    """The site shows a docstring's examples as code if they stand in a section of their own."""
    loose = [
        name
        for name in docsearch.__all__
        if ">>>" in (text := inspect.getdoc(getattr(docsearch, name)) or "") and "\nExamples:\n    >>>" not in text
    ]
    assert loose == []
