"""Hard-negative mining: negatives rank high, are clearly below the labelled page, and make rows that train."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docsearch.cli import app
from docsearch.engine.errors import UsageError
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.indexer import pipeline
from docsearch.training.finetune import mining, rows

WORDS = ("harbour", "turbine", "salary", "bridge", "garden", "violin")
PAGES = [f"annual invoice {word}" for word in WORDS] + ["annual letter"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pymupdf

    folder = tmp_path_factory.mktemp("mine")
    document = pymupdf.open()
    for text in PAGES:
        document.new_page(width=300, height=200).insert_text((20, 60), text, fontsize=16)
    document.save(folder / "docs.pdf")
    document.close()
    pipeline.index_documents([folder / "docs.pdf"], folder / "index", device="cpu")
    return folder / "index"


@pytest.fixture
def searcher(index: Path) -> Iterator[Searcher]:
    with open_searcher(index) as opened:
        yield opened


def labels(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "queries.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def test_negatives_are_the_best_pages_below_the_margin_and_never_labelled(searcher: Searcher, tmp_path: Path) -> None:
    lines = [{"query": "invoice turbine", "path": "docs.pdf", "page": page} for page in (2, 4)]
    given = mining.read_labels(labels(tmp_path, *lines), searcher.snapshot)
    first, second = mining.mine(searcher, given, negatives=3, depth=7, margin=0.2)
    assert (first.positive.page, first.is_first, second.positive.page, second.is_first) == (2, True, 4, False)
    ranked = searcher.search("invoice turbine", k=7, mode="visual")
    for mined in (first, second):
        wanted = [hit for hit in ranked if hit.ref.page not in (2, 4) and hit.score <= 0.8 * mined.score]
        assert list(mined.negatives) == wanted[:3]
    assert len(first.negatives) == 3


def test_the_pages_of_a_question_may_come_in_one_row_or_several(searcher: Searcher, tmp_path: Path) -> None:
    one = labels(tmp_path, {"query": "a", "path": "docs.pdf", "pages": [4, 2]})
    assert [ref.page for ref in mining.read_labels(one, searcher.snapshot)["a"]] == [4, 2]
    lines = [{"query": "a", "path": "docs.pdf", "page": page} for page in (4, 2, 4)]
    assert [ref.page for ref in mining.read_labels(labels(tmp_path, *lines), searcher.snapshot)["a"]] == [4, 2]


def test_a_labelled_page_below_the_search_depth_is_scored_too(searcher: Searcher, tmp_path: Path) -> None:
    line = {"query": "invoice turbine", "path": "docs.pdf", "page": 3}
    given = mining.read_labels(labels(tmp_path, line), searcher.snapshot)
    (shallow,) = mining.mine(searcher, given, negatives=3, depth=1, margin=-9)
    (deep,) = mining.mine(searcher, given, negatives=3, depth=7, margin=0)
    assert shallow.score == pytest.approx(deep.score)
    assert shallow.score > 0
    assert [hit.ref.page for hit in shallow.negatives] == [2]


def test_a_copy_of_a_labelled_page_is_no_negative(index: Path, tmp_path: Path) -> None:
    shutil.copytree(index, tmp_path / "index")
    (tmp_path / "more").mkdir()
    shutil.copy(index.parent / "docs.pdf", tmp_path / "more/a copy.pdf")
    pipeline.index_documents([tmp_path / "more"], tmp_path / "index", device="cpu")
    lines = [{"query": "invoice turbine", "path": "docs.pdf", "page": page} for page in (2, 4)]
    with open_searcher(tmp_path / "index") as searcher:
        given = mining.read_labels(labels(tmp_path, *lines), searcher.snapshot)
        first, second = mining.mine(searcher, given, negatives=9, depth=7, margin=-9)
    assert (first.is_first, second.is_first) == (True, False)
    for mined in (first, second):
        assert {hit.ref.path for hit in mined.negatives} == {"a copy.pdf"}
        assert not {2, 4} & {hit.ref.page for hit in mined.negatives}


def test_written_rows_are_read_back_by_training(index: Path, tmp_path: Path) -> None:
    file = labels(tmp_path, *({"query": f"{w} invoice", "path": "docs.pdf", "page": i} for i, w in enumerate(WORDS, 1)))
    done = CliRunner().invoke(
        app, ["mine", str(file), "-o", str(tmp_path / "out.jsonl"), "--index", str(index), "--json"]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["rows"] == 6
    assert report["labelled_first"] == 1
    read = rows.read(tmp_path / "out.jsonl")[0]
    assert [(row.query, row.positive.page) for row in read] == [(f"{w} invoice", i) for i, w in enumerate(WORDS, 1)]
    assert report["negatives"] == sum(len(row.negatives) for row in read) > 0
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".tmp")] == []


def test_lines_of_text_become_questions_for_their_page(searcher: Searcher) -> None:
    found = mining.labels_from_text(searcher.snapshot, 10)
    assert {query: ref.page for query, (ref,) in found.items()} == {text: i for i, text in enumerate(PAGES[:6], 1)}


def test_bad_labels_are_named_by_their_lines(searcher: Searcher, tmp_path: Path) -> None:
    file = labels(tmp_path, {"query": "a", "path": "docs.pdf", "page": 99}, {"path": "docs.pdf", "page": 1})
    with pytest.raises(UsageError) as caught:
        mining.read_labels(file, searcher.snapshot)
    assert "queries.jsonl:1: the index holds no page 99 of 'docs.pdf'" in str(caught.value)
    assert "queries.jsonl:2: 'query' is missing" in str(caught.value)


def test_a_file_of_questions_excludes_from_text(index: Path) -> None:
    with pytest.raises(UsageError, match=r"either QUERIES\.jsonl or --from-text"):
        CliRunner().invoke(app, ["mine", "--index", str(index)], catch_exceptions=False)


def test_a_page_that_matches_nothing_scores_zero(searcher: Searcher) -> None:
    refs = searcher.snapshot.refs([6, 1])
    found = searcher.scores("turbine", refs)
    assert found[0] == 0
    assert found[1] > 0.5
