"""End to end with the default model: the sample documents are indexed and searched by their pixels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docsearch.engine.models.arithmetic import ARITHMETIC_VARIABLE
from docsearch.engine.models.pixel.inference import ARITHMETICS
from docsearch.engine.records import Query
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_snapshot

RECALL_AT_1 = 0.90
PROBES = Path(__file__).parent / "probes.jsonl"
MIN_ACCURACY = {"exact": 0.85, "inflection": 0.8, "synonym": 0.65, "concept": 0.52}
"""Share of probes of each kind whose first hit must be right, at least; docs/models.md has the measured shares."""


def docsearch(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> str:
    command = [sys.executable, "-m", "docsearch", *map(str, arguments)]
    env = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=3600, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session", params=ARITHMETICS)
def index_in(request: pytest.FixtureRequest, sample_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample documents, made in each arithmetic."""
    if request.param == ARITHMETICS[0]:
        made: Path = request.getfixturevalue("sample_index")
        return made
    index = tmp_path_factory.mktemp(request.param) / "index"
    docsearch("index", sample_docs, "--index", index, "--quiet", **{ARITHMETIC_VARIABLE: request.param})
    return index


def test_probes_find_their_page_first(index_in: Path) -> None:
    """Probes are exact words, inflections, synonyms and concepts."""
    rows = [json.loads(line) for line in PROBES.read_text("utf-8").splitlines()]
    right: dict[str, list[bool]] = {}
    with open_searcher(index_in) as searcher:
        for row in rows:
            pages = {(at["path"], page) for at in (row, *row.get("also", ())) for page in at["pages"]}
            hits = searcher.search(row["query"], k=1)
            found = bool(hits) and (hits[0].ref.path, hits[0].ref.page) in pages
            right.setdefault(row["kind"], []).append(found)
    shares = {kind: sum(found) / len(found) for kind, found in right.items()}
    assert all(shares[kind] >= least for kind, least in MIN_ACCURACY.items()), shares


def test_sample_queries_find_their_page_first(sample_docs: Path, index_in: Path) -> None:
    rows = [json.loads(line) for line in (sample_docs / "queries.jsonl").read_text("utf-8").splitlines()]
    queries = [Query(row["query_id"], row["query"]) for row in rows]
    missed = []
    with open_searcher(index_in) as searcher:
        for row, (query, hits) in zip(rows, searcher.search_many(queries, k=3), strict=True):
            if not hits or hits[0].ref.path != row["path"] or hits[0].ref.page not in row["pages"]:
                missed.append((query.text, [(h.ref.path, h.ref.page, round(h.score, 3)) for h in hits]))
    assert 1 - len(missed) / len(rows) >= RECALL_AT_1, missed


def test_revenue_chart_2023_finds_the_page_of_the_chart(sample_index: Path) -> None:
    first = json.loads(docsearch("query", "revenue chart 2023", "--index", sample_index, "--json").splitlines()[0])
    assert (first["path"], first["page"]) == ("annual-report-2023.pdf", 6)
    assert set(first) == {
        "rank",
        "score",
        "path",
        "page",
        "doc_id",
        "also",
        "confidence",
        "no_good_match",
        "unread_letters",
        "mode",
        "corrections",
        "missing_phrases",
        "label",
        "title",
        "modified",
        "snippet",
        "recognised",
    }
    assert 0 < first["score"] <= 1


def test_scanned_letter_is_found_by_its_pixels(sample_index: Path) -> None:
    with open_snapshot(sample_index) as snapshot:
        rows = np.flatnonzero(snapshot.paths() == "letter-harbour-master.pdf")
        assert all(snapshot.text(int(row)) == "" for row in rows)
        assert all(snapshot.lengths[row] > 50 for row in rows)


def test_indexing_again_changes_nothing(sample_docs: Path, sample_index: Path) -> None:
    with open_snapshot(sample_index) as snapshot:
        before = snapshot.generation
    report = json.loads(docsearch("index", sample_docs, "--index", sample_index, "--json"))
    with open_snapshot(sample_index) as snapshot:
        assert snapshot.generation == before
    assert report["pages"] == 0


def test_heat_map_marks_the_words_of_the_query(sample_index: Path, tmp_path: Path) -> None:
    out = tmp_path / "hit.png"
    docsearch(
        "query", "revenue chart 2023", "--index", sample_index, "--heatmap", out, "--save-pages", tmp_path / "pages"
    )
    marked = np.asarray(Image.open(out)).astype(int)
    plain = np.asarray(Image.open(next((tmp_path / "pages").glob("01-*.png")))).astype(int)
    changed = np.abs(marked - plain).max(axis=2)
    assert 0.0005 < (changed > 100).mean() < 0.2, "the words are marked"
    assert (changed > 0).mean() < 0.6, "the chart is tinted, and not the whole page"


def test_index_is_small(sample_index: Path) -> None:
    facts = json.loads(docsearch("info", "--index", sample_index, "--json"))
    assert facts["bytes_per_page"] < 200_000
    assert facts["pages"] == 54


def test_verify_finds_nothing_wrong(sample_index: Path) -> None:
    answer = json.loads(docsearch("verify", "--index", sample_index, "--json"))
    assert answer["problems"] == []
    assert answer["recall"]["recall_at_10"] >= 0.9


def test_a_picture_of_a_page_finds_that_page_and_a_part_of_it_does(sample_index: Path, tmp_path: Path) -> None:
    docsearch("query", "revenue chart 2023", "-k", "1", "--index", sample_index, "--save-pages", tmp_path)
    (file,) = tmp_path.iterdir()
    with Image.open(file) as page:
        page.crop((0, 0, page.width, page.height // 2)).save(tmp_path / "part.png")
    for picture in (file, tmp_path / "part.png"):
        out = docsearch("query", "--image", picture, "-k", "1", "--index", sample_index, "--json")
        first = json.loads(out)
        assert (first["path"], first["page"]) == ("annual-report-2023.pdf", 6)
        assert 0.5 < first["score"] <= 1


def test_pages_like_a_chart_are_charts(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        (chart, *_) = searcher.search("revenue chart 2023", k=1)
        hits = searcher.more_like(chart.ref, k=3)
        part = searcher.more_like(chart.ref, (0, 0, 1, 0.2), k=3)
    assert (hits[0].ref.path, hits[0].ref.page) == ("annual-report-2023.pdf", 9), "the same chart of the year before"
    assert chart.ref not in {hit.ref for hit in (*hits, *part)}
    assert part
