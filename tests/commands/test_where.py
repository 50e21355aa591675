"""`--where`, `docsearch facets` and `index --metadata` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


def objects(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture
def described(run: Run, docs: Path) -> Path:
    """As `indexed`, with columns from a table: team of both documents, year of a.pdf."""
    table = docs.parent / "metadata.csv"
    table.write_text("path,team,year\na.pdf,Tax,2021\nsub/b.pdf,Law,\n")
    code, out, err = run("index", docs, "--metadata", table)
    assert (code, err) == (0, "")
    assert "columns from users: team (text), year (number); 2 documents changed" in out
    return docs.parent


def test_query_finds_pages_of_documents_for_which_the_condition_holds(run: Run, described: Path) -> None:
    code, out, _ = run("query", "revenue", "--json", "--where", "team = 'law' or pages > 5")
    assert code == 0
    assert {hit["path"] for hit in objects(out)} == {"sub/b.pdf"}
    code, out, err = run("query", "revenue", "--where", "year > 2021")
    assert (code, out, err.strip()) == (0, "", "no page matches in documents that match year > 2021")


def test_a_mistake_in_a_condition_is_wrong_usage(run: Run, described: Path) -> None:
    code, out, err = run("query", "revenue", "--where", "team = 'x' and yaer = 2021")
    assert (code, out) == (2, "")
    assert err.startswith(
        "docsearch: where, character 16 (yaer = 2021): there is no column 'yaer' (did you mean year?)"
    )


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_rows_of_a_batch_have_conditions_of_their_own_and_one_for_all(run: Run, described: Path, suffix: str) -> None:
    rows = [{"query": "revenue", "where": "team = 'law'"}, {"query": "revenue", "where": ""}]
    file, out = Path(f"queries{suffix}"), Path("answers.jsonl")
    if suffix == ".jsonl":
        file.write_text("\n".join(map(json.dumps, rows)))
    elif suffix == ".csv":
        file.write_text("query,where\nrevenue,team = 'law'\nrevenue,\n")
    else:
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), file)
    assert run("batch", file, "-o", out, "-q")[0] == 0
    found = [{hit["path"] for hit in answer["hits"]} for answer in objects(out.read_text())]
    assert found == [{"sub/b.pdf"}, {"a.pdf", "sub/b.pdf"}]
    assert run("batch", file, "-o", out, "-q", "--where", "year = 2021")[0] == 0
    answers = objects(out.read_text())
    assert [{hit["path"] for hit in answer["hits"]} for answer in answers] == [set(), {"a.pdf"}]
    assert answers[0]["run"]["where"] == "year = 2021"


def test_a_wrong_condition_of_a_row_is_told_with_its_line_before_the_search(run: Run, described: Path) -> None:
    Path("q.jsonl").write_text('{"query": "a"}\n{"query": "b", "where": "teem = 1"}\n')
    code, _, err = run("batch", "q.jsonl", "-o", "answers.jsonl")
    assert code == 2
    assert err.startswith("docsearch: q.jsonl:2: where, character 1")
    assert not Path("answers.jsonl").exists()
    Path("q.jsonl").write_text('{"query": "a", "where": 5}\n')
    assert "q.jsonl:1: 'where' is not text" in run("batch", "q.jsonl", "-o", "answers.jsonl")[2]


def test_facets_of_nothing_say_so(run: Run, described: Path) -> None:
    code, out, err = run("facets", "--where", "kind = 'nothing'")
    assert (code, out) == (0, "")
    assert "no document matches" in err


def test_facets_are_printed_as_lines_and_as_json(run: Run, described: Path) -> None:
    code, out, _ = run("facets", "team", "year")
    assert code == 0
    assert out.splitlines() == ["team\tLaw\t1\t1", "team\tTax\t1\t2", "year\t2021\t1\t2"]
    (facet,) = objects(run("facets", "year", "--json", "--where", "team = 'tax'")[1])
    value = {"value": 2021.0, "documents": 1, "pages": 2}
    assert facet == {
        "column": "year", "type": "number", "documents": 1, "without": 0, "values": [value], "more": 0,
        "least": 2021.0, "most": 2021.0,
    }  # fmt: skip
    assert "kind\tpdf\t2\t3" in run("facets")[1]
    assert run("facets", "nothing")[0] == 2


def test_an_evaluation_searches_in_documents_for_which_a_condition_holds(run: Run, described: Path) -> None:
    Path("q.jsonl").write_text('{"query": "revenue chart", "path": "a.pdf", "page": 1}\n')
    values = []
    for where in ("team = 'tax'", "team = 'law'"):
        code, out, _ = run("eval", "q.jsonl", "--json", "--documents-where", where)
        assert code == 0
        values.append(json.loads(out)["systems"][0]["metrics"]["recall@100"]["value"] if "systems" in out else out)
    assert values[0] != values[1]


def test_metadata_and_no_metadata_exclude_each_other(run: Run, described: Path) -> None:
    code, _, err = run("index", "docs", "--metadata", "metadata.csv", "--no-metadata")
    assert code == 2
    assert "--no-metadata forgets it" in err


def test_problems_of_metadata_are_listed(run: Run, described: Path) -> None:
    Path("metadata.csv").write_text("path,team\ngone.pdf,x\n")
    code, _, err = run("index", "docs")
    assert code == 0
    assert "metadata: no document in the index matches" in err
