"""Programs, data and fields that README and docs/ show: programs run, data is read, fields are in real answers."""

from __future__ import annotations

import dataclasses
import json
import re
import runpy
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

import docsearch
from docsearch import cli
from docsearch.evaluation import readers
from documented import GENERATED, PRESENT, REPOSITORY, blocks, name, prose
from documented_folder import moved

WITH_PROGRAMS = [each for each in PRESENT if each.parent.name != "tutorials" and blocks(each, "python")]
EVERYTHING = "\n".join(document.read_text("utf-8") for document in PRESENT)
NOT_RUN = {"ViDoRe(v3)": "a benchmark from the network: tests/evaluation/adapters"}
PARSERS: dict[str, Callable[[str], object]] = {"yaml": yaml.safe_load, "toml": tomllib.loads}
EVALUATION = REPOSITORY / "docs/evaluation.md"
VARIABLE = re.compile(r"DOCSEARCH_[A-Z_]+[A-Z]")
MODULE = re.compile(r"python -m (docsearch\.training\.[\w.]+)([^\n`]*)")

Run = Callable[..., str]


@pytest.fixture
def folder(documented_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    here = moved(documented_folder, tmp_path / "folder")
    monkeypatch.chdir(here)
    monkeypatch.delenv("DOCSEARCH_INDEX", raising=False)
    return here


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`run("query", …)` is what the command prints; it succeeds."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["docsearch", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert ended.value.code in (0, None), (arguments, err)
        return out

    return run


@pytest.mark.parametrize("document", WITH_PROGRAMS, ids=name)
@pytest.mark.usefixtures("folder")
def test_programs_run(document: Path) -> None:
    known: dict[str, object] = {each: getattr(docsearch, each) for each in docsearch.__all__}
    known["docsearch"] = docsearch
    missing = []
    for block in blocks(document, "python"):
        if any(part in block.text for part in NOT_RUN):
            continue
        if "models/jina-embeddings-v4" in block.text:
            known["pages"] = with_a_tiny_jina(Path("models/jina-embeddings-v4"))
        try:
            exec(block.text, known)
        except ModuleNotFoundError as err:
            if str(err.name).startswith("docsearch"):
                raise
            missing.append(str(err.name))
        except docsearch.DocsearchError as err:
            if "in a clone of docsearch: pip install" not in str(err):
                raise
            missing.append(str(err))
    for each in known.values():
        if isinstance(each, docsearch.Searcher):
            each.close()
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def with_a_tiny_jina(folder: Path) -> list[docsearch.PageImage]:
    """Write a model of random weights to `folder`; pages to embed."""
    pytest.importorskip("transformers", reason="needs the extra models")
    import tiny_jina

    tiny_jina.write(folder)
    page = docsearch.PageRef("a" * 16, "a.pdf", 1)
    return [docsearch.PageImage(page, np.full((112, 84, 3), 255, np.uint8), 72)]


def test_data_in_blocks_can_be_read() -> None:
    read = 0
    for document in PRESENT:
        for block in blocks(document, "json", "yaml", "toml"):
            if block.language in PARSERS:
                PARSERS[block.language](block.text)
            else:  # one value, or one a line
                try:
                    json.loads(block.text)
                except json.JSONDecodeError:
                    assert [json.loads(line) for line in block.text.splitlines()] != [], name(document)
            read += 1
    assert read > 0


def test_objects_in_sentences_are_json() -> None:
    """Objects with values, such as a row of questions; {"name"} alone names a field."""
    wrong = []
    for document in PRESENT:
        for found in re.findall(r"`({\"[^`…]*\": [^`…]*})`", prose(document)):
            try:
                json.loads(found)
            except json.JSONDecodeError as err:
                wrong.append((name(document), found, str(err)))
    assert wrong == []


def test_questions_of_the_guide_are_read(tmp_path: Path) -> None:
    (row,) = re.findall(r"^\| JSON lines, `.jsonl` \| `(.*)` \|$", prose(EVALUATION), re.MULTILINE)
    (tmp_path / "questions.jsonl").write_text(row, "utf-8")
    (question,) = readers.read(tmp_path / "questions.jsonl").items
    assert question.text == json.loads(row)["query"]


def test_fields_of_answers_are_there(run: Run, sample_index: Path) -> None:
    """Every "name" in the help of `query` and `batch` is a field of what they print."""
    shutil.rmtree(".docsearch")
    shutil.copytree(sample_index, ".docsearch")
    run("index", "src", "--kinds", "code", "--index", "src.index", "--quiet")
    asked = (
        ("revenue chart 2023",),
        ("harbour dues", "--explain"),
        ('"no such phrase" margni',),
        ("prices", "--index", "src.index"),
        ("invoice", "--index", "office.index", "--index", "archive.index"),
    )
    printed = "".join(run("query", *words, "--json") for words in asked)
    elsewhere = {
        "ocr_engine",  # of pages whose text a program for OCR read: tests/commands/test_ocr.py
        "try_mode",  # of indexes with vectors of passages: tests/commands/test_modes.py
    }
    assert documented_fields("query") - fields(printed) - elsewhere == set()
    run("batch", "questions.jsonl", "-o", "answers.jsonl")
    run("batch", "questions.jsonl", "-o", "both.jsonl", "--index", "office.index", "--index", "archive.index")
    rows = {"query", "query_id", "path", "where"}  # those of the queries
    of_a_cluster = {"missing_shards", "missing_pages"}
    answers = Path("answers.jsonl").read_text("utf-8") + Path("both.jsonl").read_text("utf-8")
    assert documented_fields("batch") - fields(answers) - rows - of_a_cluster == set()
    assert documented_fields("failed") - fields(run("failed", "--json")) - {"kind"} == set()


def documented_fields(command: str) -> set[str]:
    """The names in double quotes in the paragraphs of a command's help."""
    section = GENERATED.read_text("utf-8").split(f"\n## `docsearch {command}`\n", 1)[1].split("\n**Usage**", 1)[0]
    sentences = "\n".join(line for line in section.splitlines() if not line.startswith("    "))
    found = set(re.findall(r'"([a-z_]+)"', sentences))
    assert command == "failed" or found != set()
    return found - {"failed"}


def fields(lines: str) -> set[str]:
    """The keys of the objects in lines of JSON, at any depth."""
    found: set[str] = set()

    def collect(part: object) -> None:
        if isinstance(part, dict):
            found.update(part)
        for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            collect(each)

    for line in lines.splitlines():
        collect(json.loads(line))
    return found


def test_fields_of_a_report_are_there() -> None:
    """docs/python.md names every field of IndexReport."""
    text = (REPOSITORY / "docs/python.md").read_text("utf-8")
    paragraphs = text[text.index("`IndexReport` has `documents`") : text.index("### `update_index")]
    fields = {field.name for field in dataclasses.fields(docsearch.IndexReport)}
    assert fields - set(re.findall(r"`(\w+)`", paragraphs)) == set()


def test_the_answer_that_the_readme_shows_is_that_of_today(run: Run, sample_index: Path) -> None:
    (shown,) = (block.text for block in blocks(REPOSITORY / "README.md") if "rank\tscore\tfile\tpage" in block.text)
    table = shown[shown.index("rank") :]
    assert run("query", "revenue chart 2023", "-k", "5", "--index", str(sample_index)) == table


def test_the_reference_has_every_public_name() -> None:
    text = (REPOSITORY / "docs/reference.md").read_text("utf-8")
    assert set(re.findall(r"^::: docsearch\.(\w+)$", text, re.MULTILINE)) == set(docsearch.__all__) - {"__version__"}


def test_environment_variables_are_read_somewhere() -> None:
    code = "".join(
        file.read_text("utf-8")
        for file in REPOSITORY.rglob("*")
        if file.suffix in {".py", ".c", ".sh"} and not any(part.startswith(".") for part in file.parts)
    )
    read = set(VARIABLE.findall(code))
    assert {
        variable for document in PRESENT for variable in VARIABLE.findall(document.read_text("utf-8"))
    } - read == set()


@pytest.mark.parametrize(("module", "arguments"), sorted(set(MODULE.findall(EVERYTHING))))
def test_programs_of_training_take_these_options(
    module: str, arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    monkeypatch.delitem(sys.modules, module, raising=False)  # runpy warns of a module that was imported before
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert [option for option in re.findall(r"--[a-z][\w-]*", arguments) if option not in printed] == []
