"""Tables and signatures of the guides are those of the code: arguments, kinds of files, columns, settings, catalog."""

from __future__ import annotations

import inspect
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

import docsearch
from benchmarks.registry import CASES
from docsearch.engine.kernels.native import library
from docsearch.engine.models import arithmetic
from docsearch.engine.store.columns import OWN_COLUMNS
from docsearch.evaluation.readers import rows as reading
from docsearch.indexer import kinds
from documented import REPOSITORY, prose

DOCS = REPOSITORY / "docs"
CALL = re.compile(r"`(\w+)\(((?:[^`()]|\([^()]*\))*)\)`")
INTERNAL = {"on_pages", "clock", "render_and_store"}
OWNERS = (docsearch, docsearch.Searcher, docsearch.Index)


def rows(document: Path, header: str) -> list[list[str]]:
    """The cells of the table whose first line begins with `header`."""
    text = document.read_text("utf-8")
    table = text[text.index(f"\n{header}") + 1 :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]


def names(cells: Iterable[str]) -> set[str]:
    """What stands in code spans."""
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        (name, given)
        for name, given in CALL.findall(prose(DOCS / "python.md"))
        if any(hasattr(owner, name) for owner in OWNERS) and given != "folder" and '"' not in given.split(",")[0]
    ],
)
def test_signatures_are_those_of_the_code(name: str, given: str) -> None:
    """Each argument is there, in this order; those that are not documented are internal, or "…" stands for them."""
    documented = [part.split("=")[0].strip(" *") for part in given.split(",")]
    problems = []
    for owner in (owner for owner in OWNERS if hasattr(owner, name)):
        parameters = [each for each in inspect.signature(getattr(owner, name)).parameters if each != "self"]
        there = [each for each in documented if each not in ("", "…")]
        left_out = set(parameters) - set(there)
        if there == [each for each in parameters if each in there] and ("…" in documented or left_out <= INTERNAL):
            return
        problems.append((owner, parameters))
    pytest.fail(f"{name}({given}): the code has {problems}")


def test_arguments_of_indexing_are_all_explained() -> None:
    own = set(inspect.signature(docsearch.index_documents).parameters) - INTERNAL
    explained = names(row[0] for row in rows(DOCS / "python.md", "| argument | default |"))
    assert {"paths", "directory", *explained} == own


def test_kinds_of_files_are_listed() -> None:
    listed: dict[str, set[str]] = {}
    kind = ""
    for first, suffixes, _ in rows(DOCS / "files.md", "| `--kinds` | extensions |"):
        kind = first.strip("`") or kind
        listed.setdefault(kind, set()).update(re.findall(r"\.[a-z0-9.]+[a-z0-9]", suffixes))
    for each in kinds.KINDS:
        own = set(each.suffixes)
        assert listed[each.name] <= own if each.name == "code" else listed[each.name] == own, each.name
    assert set(listed) - {each.name for each in kinds.KINDS} <= {kinds.ARCHIVE}


def test_columns_of_documents_are_listed() -> None:
    assert names(row[0] for row in rows(DOCS / "filters.md", "| column | type |")) == set(OWN_COLUMNS)


def test_names_of_columns_of_questions_are_listed() -> None:
    listed = {}
    for key, others, _ in rows(DOCS / "evaluation.md", "| key | other names |"):
        listed |= {name: names([others]) for name in names([key])}
    for own, *others in (reading.QUERY, reading.QUERY_ID, reading.PATH, reading.PAGES, reading.GRADE):
        assert listed[own] == set(others)
    of_programs = {"image", "negatives", "synthetic"}  # which --generate and --from-marks write
    assert {*reading.OTHER} - of_programs <= set(listed)


def test_settings_are_listed() -> None:
    compiled = names(row[0] for row in rows(DOCS / "performance.md", "| `DOCSEARCH_COMPILE` |"))
    assert compiled == {*library.SETTINGS}
    computed = names(row[0] for row in rows(DOCS / "models.md", "| `DOCSEARCH_ARITHMETIC` |"))
    assert computed == {*arithmetic.ARITHMETICS}  # beside "not set"


def test_benchmarks_are_listed() -> None:
    assert names(row[0] for row in rows(REPOSITORY / "benchmarks/README.md", "| case | what it measures |")) == set(
        CASES
    )


def test_the_catalog_is_as_described(sample_index: Path) -> None:
    described = {row[0].strip("`"): names(row[1:]) for row in rows(DOCS / "index-format.md", "| table | columns |")}
    with sqlite3.connect(f"file:{sample_index / 'catalog.sqlite'}?mode=ro", uri=True) as catalog:
        tables = [
            name
            for (name,) in catalog.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if not name.startswith(("page_text_", "sqlite_"))
        ]
        columns = {
            table: {row[1] for row in catalog.execute(f"PRAGMA table_info({table})")} - {"key"}
            for table in tables
            if table not in ("meta", "page_text")
        }
    catalog.close()
    assert set(tables) - set(described) == set()
    source = "".join(file.read_text("utf-8") for file in (REPOSITORY / "engine/store").glob("*.py"))
    assert [table for table in described if table not in source] == []  # some are made when they are first needed
    assert {table: own - described[table] for table, own in columns.items() if own - described[table]} == {}
