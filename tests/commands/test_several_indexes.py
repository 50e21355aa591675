"""`docsearch query` and `batch` over several indexes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.commands import plain_query

Run = Callable[..., tuple[int, str, str]]
MakePdf = Callable[..., Path]
BOTH = ("--index", "one", "--index", "two")


@pytest.fixture
def two(run: Run, tmp_path: Path, make_pdf: MakePdf) -> Path:
    """A folder with the indexes `one` and `two`, of a document each."""
    for name in ("one", "two"):
        make_pdf(tmp_path / f"docs-{name}/{name}.pdf", [name])
        assert run("index", tmp_path / f"docs-{name}", "--index", name)[0] == 0
    return tmp_path


def test_query_prints_the_index_of_each_hit(run: Run, two: Path) -> None:
    code, out, _ = run("query", "question", *BOTH)
    assert code == 0
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["rank", "score", "file", "page", "index"]
    assert {(row[2], row[4]) for row in rows[1:]} == {("one.pdf", "one"), ("two.pdf", "two")}
    found = [json.loads(line) for line in run("query", "question", *BOTH, "--json")[1].splitlines()]
    assert {(hit["path"], hit["index"]) for hit in found} == {("one.pdf", "one"), ("two.pdf", "two")}


def test_query_of_one_index_prints_what_it_did(run: Run, two: Path) -> None:
    assert run("query", "question", "--index", "one")[1].splitlines()[0] == "rank\tscore\tfile\tpage"
    assert "index" not in json.loads(run("query", "question", "--index", "one", "--json")[1])


def test_the_variable_may_name_several(run: Run, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCSEARCH_INDEX", "one:two")
    assert len(run("query", "question", "--json")[1].splitlines()) == 2
    assert plain_query.read(["query", "question"], {"DOCSEARCH_INDEX": "one:two"}) is None
    assert plain_query.read(["query", "question", "--index", "one", "--index=two"], {}) is None


def test_pages_of_hits_are_saved_from_each_index(run: Run, two: Path) -> None:
    code, _, err = run("query", "question", *BOTH, "--save-pages", "pages")
    assert code == 0, err
    assert len(list(Path("pages").iterdir())) == 2


def test_the_same_index_twice_is_refused(run: Run, two: Path) -> None:
    code, _, err = run("query", "question", "--index", "one", "--index", "./one")
    assert code == 2
    assert "names one index twice" in err


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".trec", ".parquet"])
def test_answers_have_the_index_of_each_hit(run: Run, two: Path, suffix: str) -> None:
    Path("queries.txt").write_text("question\n")
    out = Path(f"answers{suffix}")
    assert run("batch", "queries.txt", "-o", out, *BOTH)[0] == 0
    if suffix == ".parquet":
        import pyarrow.parquet

        hits = pyarrow.parquet.read_table(out).to_pylist()[0]["hits"]
        assert {hit["index"] for hit in hits} == {"one", "two"}
        return
    text = out.read_text()
    if suffix == ".jsonl":
        assert {hit["index"] for hit in json.loads(text)["hits"]} == {"one", "two"}
    elif suffix == ".csv":
        assert text.splitlines()[0].endswith(",index")
        assert {line.rpartition(",")[2] for line in text.splitlines()[1:]} == {"one", "two"}
    else:
        assert {line.split()[2] for line in text.splitlines()} == {"one/one.pdf#1", "two/two.pdf#1"}


def test_conditions_and_facets_are_those_of_both(run: Run, two: Path) -> None:
    code, out, err = run("query", "question", *BOTH, "--where", "path = 'two.pdf'", "--json")
    assert (code, [json.loads(line)["path"] for line in out.splitlines()]) == (0, ["two.pdf"]), err
    assert run("facets", "kind", *BOTH)[1] == "kind\tpdf\t2\t2\n"
    (path,) = map(json.loads, run("facets", "path", *BOTH, "--where", "path = 'two.pdf'", "--json")[1].splitlines())
    assert path["documents"] == 1
