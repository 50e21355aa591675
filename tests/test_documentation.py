"""What README, ARCHITECTURE.md and docs/ name exists: paths, links, modules, make targets."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from docsearch.engine import install
from documented import DOCUMENTS, PRESENT, REPOSITORY

FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FOLDERS = (
    "engine",
    "indexer",
    "evaluation",
    "server",
    "training",
    "commands",
    "benchmarks",
    "tests",
    "docs",
    "sample_docs",
)
PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./*-]*|(?:cli|__init__|__main__)\.py|[A-Z]+\.md")
INSTALL = re.compile(r"pip install (-e )?['\"]?[^\s`'\"]*\[[\w,-]+\]['\"]?|pip install -e \.?")


def identifiers(documents: list[Path]) -> list[object]:
    return [pytest.param(document, id=document.relative_to(REPOSITORY).as_posix()) for document in documents]


def code_of(document: Path) -> list[str]:
    """Lines of code blocks and code spans."""
    text = document.read_text("utf-8")
    lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
    return lines + CODE.findall(FENCE.sub("", text))


@pytest.mark.parametrize("document", identifiers(PRESENT))
def test_every_path_exists(document: Path) -> None:
    missing = []
    for span in CODE.findall(FENCE.sub("", document.read_text("utf-8"))):
        for found in PATH.findall(span) if PATH.match(span) else []:
            name = found.rstrip("./")
            if "*" in name:
                exists = any(REPOSITORY.glob(name))
            else:
                exists = any((root / name).exists() for root in (REPOSITORY, document.parent))
            if not exists:
                missing.append(found)
    assert missing == []


@pytest.mark.parametrize("document", identifiers(DOCUMENTS))
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    missing = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = document.parent / name if name else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            missing.append(target)
    assert missing == []


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them, and those it sets itself (`<a id="...">`)."""
    text = FENCE.sub("", document.read_text("utf-8"))
    found = set(re.findall(r'<a id="([\w-]+)"></a>', text))
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        repeated = sum(each == anchor or re.fullmatch(re.escape(anchor) + r"-\d+", each) is not None for each in found)
        found.add(f"{anchor}-{repeated}" if anchor in found else anchor)
    return found


@pytest.mark.parametrize("document", identifiers(PRESENT))
def test_every_make_target_module_and_benchmark_exists(document: Path) -> None:
    from benchmarks.registry import CASES

    targets = set(re.findall(r"^([\w.-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))
    unknown = []
    for line in code_of(document):
        for words in commands_in(line, "make"):
            unknown += [f"make {word}" for word in words[:1] if re.fullmatch(r"[a-z]+", word) and word not in targets]
        for module in re.findall(r"python -m (docsearch\.[\w.]+)", line):
            if importlib.util.find_spec(module) is None:
                unknown.append(module)
        for words in commands_in(line, "python", "-m", "benchmarks"):
            cases = [word for word in words if re.fullmatch(r"[a-z]\w+", word)]
            unknown += [f"benchmarks {case}" for case in cases if case not in CASES]
    assert unknown == []


def commands_in(line: str, *start: str) -> list[list[str]]:
    """The arguments of commands in a line that begin with the words `start`; chained commands are taken apart."""
    found = []
    for part in re.split(r"&&|;|\|(?=\s)", line):
        try:
            words = shlex.split(part.strip().removeprefix("$ "), comments=True)
        except ValueError:
            words = part.split()
        if tuple(words[: len(start)]) == start:
            found.append(words[len(start) :])
    return found


def texts_about_installing() -> list[tuple[str, str]]:
    files = [*DOCUMENTS, *REPOSITORY.glob("*.py")]
    for folder in ("engine", "indexer", "evaluation", "server", "training", "commands", "benchmarks"):
        files += sorted((REPOSITORY / folder).rglob("*.py"))
    found = []
    for file in files:
        if file.name != "install.py":
            text = file.read_text("utf-8")
            found += [
                (file.relative_to(REPOSITORY).as_posix(), each.group().strip()) for each in INSTALL.finditer(text)
            ]
    return found


def test_every_text_that_says_how_to_install_says_what_works() -> None:
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == install.DISTRIBUTION
    wrong = []
    for file, text in texts_about_installing():
        extras = re.search(r"\[([\w,-]+)\]", text)
        names = extras[1].split(",") if extras else []
        if (
            file.endswith(".py")
            or text != install.install_command(*names)
            or not set(names) <= set(project["optional-dependencies"])
        ):
            wrong.append((file, text))  # code takes the words from engine/install.py
    assert wrong == []
