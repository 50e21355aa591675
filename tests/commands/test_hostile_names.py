"""Names of files that a terminal, a table, a log or an agent would stumble over, through every command."""

from __future__ import annotations

import csv
import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.commands.output import PrintableFormatter
from docsearch.engine.printable import UNSAFE_IN_TEXT
from docsearch.engine.where.paths import path_matches

Run = Callable[..., tuple[int, str, str]]
HOSTILE = "a\x1b[31m\x9b2J\n\tb\u202egnp.pdf"
BROKEN = "broken\x1b]0;title\x07\r\n.pdf"
SHOWN = r"a\x1b[31m\x9b2J\n\tb\u202egnp.pdf"


@pytest.fixture
def hostile(run: Run, docs: Path) -> str:
    """The path in the index of a document with a hostile name; the folder also has one that cannot be read."""
    first = min(docs.rglob("*.pdf"))
    shutil.copy(first, docs / HOSTILE)
    with (docs / HOSTILE).open("ab") as stream:
        stream.write(b"\n% another content\n")
    (docs / BROKEN).write_bytes(b"%PDF-1.4 no")
    assert_harmless(run("index", str(docs)), code=1)
    return HOSTILE


def assert_harmless(result: tuple[int, str, str], *, code: int = 0) -> str:
    """A command's result has the exit code, and nothing that a terminal obeys. Its stdout."""
    assert result[0] == code, result
    assert UNSAFE_IN_TEXT.search(result[1] + result[2]) is None
    return result[1]


def test_a_table_has_one_line_per_hit(run: Run, hostile: str) -> None:
    lines = assert_harmless(run("query", "revenue", "-k", "50")).splitlines()
    assert all(re.fullmatch(r"[^\t]+(\t[^\t]+){3}", line) for line in lines)
    assert any(SHOWN in line for line in lines)


def test_json_has_the_name_itself(run: Run, hostile: str) -> None:
    lines = assert_harmless(run("query", "revenue", "-k", "50", "--json")).splitlines()
    assert hostile in {json.loads(line)["path"].rpartition("/")[2] for line in lines}


def test_other_commands_print_no_control_characters(run: Run, hostile: str) -> None:
    (line,) = assert_harmless(run("failed")).splitlines()
    assert r"broken\x1b]0;title\x07\r\n.pdf" in line
    assert json.loads(assert_harmless(run("failed", "--json")))["path"].endswith(BROKEN)
    assert_harmless(run("info"))
    assert_harmless(run("verify"))
    assert_harmless(run("query", "revenue", "--path", "x\x1b[1m"))
    assert_harmless(run("query", "revenue", "--index", "x\x1b[1m"), code=2)
    assert_harmless(run("remove", "x\x1b[1m"), code=2)
    assert_harmless(run("index", "docs", "--dry-run"))


def test_answers_to_a_batch_have_one_line_each(run: Run, hostile: str, docs: Path) -> None:
    queries = docs.parent / "q.txt"
    queries.write_text("revenue\n", "utf-8")
    for suffix in (".jsonl", ".csv", ".trec"):
        out = docs.parent / f"out{suffix}"
        assert_harmless(run("batch", str(queries), "-o", str(out), "-k", "50"))
        text = out.read_text("utf-8")
        assert UNSAFE_IN_TEXT.search(text) is None
        if suffix == ".csv":
            assert len(list(csv.DictReader(text.splitlines()))) == text.count("\n") - 1
        if suffix == ".trec":
            assert all(len(line.split()) == 6 for line in text.splitlines())


def test_a_name_as_printed_is_found_by_a_filter(run: Run, hostile: str) -> None:
    for pattern in (hostile, SHOWN):
        lines = assert_harmless(run("query", "revenue", "--path", pattern, "--json")).splitlines()
        assert lines
        assert {json.loads(line)["path"].rpartition("/")[2] for line in lines} == {hostile}


def test_a_name_as_printed_is_removed(run: Run, hostile: str) -> None:
    assert assert_harmless(run("remove", SHOWN)).startswith("1 document removed")


def test_a_name_is_removed_in_either_normal_form(run: Run, docs: Path) -> None:
    for name, given in (("cafe\u0301.pdf", "caf\u00e9.pdf"), ("\u00fcber.pdf", "u\u0308ber.pdf")):
        (docs / "a.pdf").rename(docs / name)
        assert run("index", docs)[0] == 0
        assert run("remove", given)[0] == 0
        (docs / name).rename(docs / "a.pdf")


def test_a_log_has_one_line_per_record() -> None:
    record = logging.LogRecord("docsearch", logging.ERROR, __file__, 1, "%s cannot be read", (HOSTILE,), None)
    assert PrintableFormatter("%(name)s: %(message)s").format(record) == f"docsearch: {SHOWN} cannot be read"


@pytest.mark.parametrize(
    ("path", "pattern"),
    [("caf\u00e9.pdf", "cafe\u0301.pdf"), ("cafe\u0301.pdf", "caf\u00e9.pdf"), ("cafe\u0301/a.pdf", "caf\u00e9/*"),
     ("cafe\u0301.pdf", "caf?.pdf"), ("Berichte/\u00dcBER.PDF", "berichte/u\u0308ber.pdf"), ("A.PDF", "*.pdf"),
     ("a [x].pdf", "a [x].pdf"), ("a [x].pdf", "*[x]*"), ("[2023] reports/a.pdf", "[2023] reports/*"),
     ("a [x].pdf", "a [[]x].pdf"), ("b/a [x].pdf", "a [x].pdf"), ("ax.pdf", "a[xy].pdf"), ("a].pdf", "a[]].pdf"),
     ("a\nb.pdf", "a*.pdf"), ("a\nb.pdf", r"a\nb.pdf"), ("stra\u00dfe.pdf", "Stra?e.pdf")],
)  # fmt: skip
def test_a_filter_matches_whatever_the_normal_form_the_case_and_brackets(path: str, pattern: str) -> None:
    assert path_matches(path, pattern)


@pytest.mark.parametrize(("path", "pattern"), [("az.pdf", "a[xy].pdf"), ("ab.pdf", "b.pdf"), ("caf.pdf", "café.pdf")])
def test_a_filter_matches_no_other_name(path: str, pattern: str) -> None:
    assert not path_matches(path, pattern)
