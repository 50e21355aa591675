"""Folders that are not what they should be: each ends in an error that says which file, and what is the matter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import published_layouts as layouts
from docsearch.engine.errors import UsageError
from docsearch.evaluation.datasets import hub
from docsearch.evaluation.datasets.registry import BENCHMARKS, load

INT, TEXT = pa.int64(), pa.string()
NOT_UTF8 = pa.array([b"\xe9t\xe9"]).view(TEXT)[0]
"""A scalar that pyarrow writes as text without a look at its bytes."""


def error(folder: Path) -> str:
    with pytest.raises(UsageError) as raised:
        read_all(folder)
    return str(raised.value)


def read_all(folder: Path) -> None:
    for subset in load(str(folder)).subsets:
        list(subset.corpus.read())


def break_table(config: str, columns: dict[str, tuple[object, list[object]]]) -> Callable[[Path], object]:
    return lambda folder: layouts.table(folder, config, columns)


MALFORMED: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object], str]] = {
    "v1, no picture column": (
        layouts.vidore_v1,
        break_table("corpus", {"corpus-id": (INT, [0]), "photo": (TEXT, ["x"])}),
        "no column for the picture (image or image_binary or picture); the columns are corpus-id, photo",
    ),
    "v1, a picture is null": (
        layouts.vidore_v1,
        break_table("corpus", {"corpus-id": (INT, [0]), "image": (layouts.IMAGE, [{"bytes": None, "path": "a.png"}])}),
        "row 1: the picture is missing; the row has only the name a.png",
    ),
    "v1, an id twice": (
        layouts.vidore_v1,
        break_table("corpus", {"corpus-id": (INT, [4, 4]), "image": (pa.binary(), [b"x", b"y"])}),
        "row 2: the page id 4 is that of row 1 already",
    ),
    "v1, a grade between": (
        layouts.vidore_v1,
        break_table("qrels", {"query-id": (INT, [0]), "corpus-id": (INT, [0]), "score": (pa.float64(), [0.5])}),
        "row 1: the grade is 0.5; grades are whole numbers",
    ),
    "v1, no page ids in qrels": (
        layouts.vidore_v1,
        break_table("qrels", {"query-id": (INT, [0]), "score": (INT, [1])}),
        "no column for the page id; the columns are query-id, score",
    ),
    "v2, no qrels": (
        layouts.vidore_v2,
        lambda folder: next((folder / "qrels").glob("*")).unlink(),
        "no table of qrels; the tables are corpus, docs, queries",
    ),
    "v2, two queries of one id": (
        layouts.vidore_v2,
        break_table("queries", {"query-id": (INT, [1, 1]), "query": (TEXT, ["a", "b"])}),
        "row 2: a second query with the id 1",
    ),
    "v3, an id is null": (
        layouts.vidore_v3,
        break_table("qrels", {"query_id": (INT, [None]), "corpus_id": (INT, [0]), "score": (INT, [1])}),
        "row 1: the query id is None; ids are integers or text",
    ),
    "v3, a grade beyond numbers": (
        layouts.vidore_v3,
        break_table(
            "qrels", {"query_id": (INT, [0]), "corpus_id": (INT, [0]), "score": (pa.float64(), [float("inf")])}
        ),
        "row 1: the grade is inf; grades are whole numbers",
    ),
    "v3, a grade that is huge": (
        layouts.vidore_v3,
        break_table("qrels", {"query_id": (INT, [0]), "corpus_id": (INT, [0]), "score": (INT, [10**18])}),
        "row 1: the grade is 1000000000000000000; grades are at most 1,000",
    ),
    "v3, text that is no UTF-8": (
        layouts.vidore_v3,
        break_table("queries", {"query_id": (INT, [0]), "query": (TEXT, [NOT_UTF8])}),
        "test-00000-of-00001.parquet: cannot be read: 'utf-8' codec can't decode",
    ),
    "v3, a date beyond the calendar": (
        layouts.vidore_v3,
        break_table("queries", {"query_id": (pa.date32(), [10**7]), "query": (TEXT, ["a"])}),
        "test-00000-of-00001.parquet: cannot be read: date value out of range",
    ),
    "v3, nothing is judged": (
        layouts.vidore_v3,
        break_table("qrels", {"query_id": (INT, [77]), "corpus_id": (INT, [0]), "score": (INT, [1])}),
        "judges none of the queries in",
    ),
    "v3, no Parquet": (
        layouts.vidore_v3,
        lambda folder: next((folder / "queries").glob("*")).write_bytes(b"version https://git-lfs"),
        "test-00000-of-00001.parquet: not a Parquet file",
    ),
    "v3, one of two files": (
        layouts.vidore_v3,
        lambda folder: next((folder / "corpus").glob("*")).rename(folder / "corpus/test-00000-of-00002.parquet"),
        "'corpus' has 1 of 2 files of 'test'; the download is incomplete",
    ),
    "mteb, a card that is no YAML": (
        layouts.mteb_upload,
        lambda folder: (folder / "README.md").write_text("---\nconfigs: [\n---\n"),
        "README.md: the front matter is not YAML",
    ),
    "mteb, a card that leads out of the folder": (
        layouts.mteb_upload,
        lambda folder: layouts.card(folder, {"corpus": {"test": "../secret.parquet"}}),
        "README.md: ../secret.parquet is not a path inside the dataset",
    ),
    "mteb, a card with an impossible date": (
        layouts.mteb_upload,
        lambda folder: (folder / "README.md").write_text("---\ndate: 2024-99-99\n---\n"),
        "README.md: the front matter is not YAML",
    ),
    "mteb, a card of brackets": (
        layouts.mteb_upload,
        lambda folder: (folder / "README.md").write_text(f"---\nconfigs: {'[' * 5000}\n---\n"),
        "README.md: the front matter is not YAML",
    ),
    "mteb, a card with a pattern that is none": (
        layouts.mteb_upload,
        lambda folder: layouts.card(folder, {"corpus": {"test": "corpus/**.parquet"}}),
        "README.md: corpus/**.parquet is not a pattern of files",
    ),
    "mteb, a language without queries": (
        layouts.mteb_upload,
        lambda folder: next((folder / "german-queries").glob("*")).unlink(),
        "no table of queries of 'german'",
    ),
    "Jina-VDR, a missing corpus": (
        layouts.jina_vdr,
        lambda folder: next((folder / "jp/corpus").glob("*")).unlink(),
        "no table of corpus of 'jp'",
    ),
    "MIRACL-Vision, a missing picture": (
        layouts.miracl_vision,
        break_table("images-de", {"file_name": (TEXT, ["2.png"]), "image": (pa.binary(), [b"x"])}),
        "no picture 1.png, which",
    ),
    "hub BEIR, other splits": (
        layouts.hugging_face_beir,
        lambda folder: layouts.card(
            folder,
            {
                "corpus": {"corpus": "files/c/*.parquet"},
                "queries": {"queries": "files/q/*.parquet"},
                "default": {"train": "files/r/*.parquet", "dev": "files/r/*.parquet"},
            },
        ),
        "'default' has no split 'test'; it has dev, train",
    ),
    "rows of questions, none": (
        layouts.vidore_v1_rows,
        break_table(
            "data",
            {"query": (TEXT, [None]), "image": (pa.binary(), [b"x"]), "image_filename": (TEXT, ["a.png"])},
        ),
        "no row has a query",
    ),
    "BEIR, passages of text": (
        layouts.beir_folder,
        lambda folder: layouts.json_lines(folder / "corpus.jsonl", [{"_id": "d1", "text": "a"}]),
        "corpus.jsonl:1: no 'image', the file of the page's picture",
    ),
    "BEIR, a picture elsewhere": (
        layouts.beir_folder,
        lambda folder: layouts.json_lines(folder / "corpus.jsonl", [{"_id": "d1", "image": "/etc/passwd"}]),
        "corpus.jsonl:1: /etc/passwd is not a path inside the folder",
    ),
    "BEIR, half a character": (
        layouts.beir_folder,
        lambda folder: (folder / "corpus.jsonl").write_text('{"_id": "\\ud800", "image": "images/alpha.png"}\n'),
        "corpus.jsonl:1: the page id is '\\ud800', which is not valid Unicode",
    ),
    "BEIR, no grade": (
        layouts.beir_folder,
        lambda folder: (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\n"),
        "test.tsv:2: 2 fields; a line is query-id, corpus-id and score, between tabs",
    ),
    "BEIR, a grade beyond numbers": (
        layouts.beir_folder,
        lambda folder: (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\tinf\n"),
        "test.tsv:2: the grade is inf; grades are whole numbers",
    ),
    "BEIR, a language that is a number": (
        layouts.beir_folder,
        lambda folder: layouts.json_lines(folder / "queries.jsonl", [{"_id": "q1", "text": "alpha", "language": 5}]),
        "queries.jsonl:1: the language is int, not text",
    ),
    "BEIR, a picture with half a character": (
        layouts.beir_folder,
        lambda folder: layouts.json_lines(folder / "corpus.jsonl", [{"_id": "d1", "image": "\ud800.png"}]),
        ".png: cannot be read: 'utf-8' codec can't encode",
    ),
    "BEIR, a picture with a null character": (
        layouts.beir_folder,
        lambda folder: layouts.json_lines(folder / "corpus.jsonl", [{"_id": "d1", "image": "\0.png"}]),
        ".png: cannot be read: embedded null byte",
    ),
    "BEIR, a missing picture": (
        layouts.beir_folder,
        lambda folder: (folder / "images/beta.png").unlink(),
        "images/beta.png: cannot be read: No such file or directory",
    ),
    "MMDocIR, no pages": (
        layouts.mmdocir,
        lambda folder: (folder / "MMDocIR_pages.parquet").unlink(),
        "MMDocIR_pages.parquet is missing; the download is incomplete",
    ),
    "MMDocIR, no JSON": (
        layouts.mmdocir,
        lambda folder: (folder / "MMDocIR_annotations.jsonl").write_text("{\n"),
        "MMDocIR_annotations.jsonl:1: not JSON",
    ),
    "MMDocIR, a layout without a box": (
        layouts.mmdocir,
        lambda folder: layouts.json_lines(
            folder / "MMDocIR_annotations.jsonl",
            [{"doc_name": "a.pdf", "questions": [{"Q": "q", "page_id": [0], "layout_mapping": [{"page": 0}]}]}],
        ),
        "MMDocIR_annotations.jsonl:1: a layout without 'page', 'page_size' and 'bbox'",
    ),
    "MMLongBench-Doc, pages in words": (
        layouts.mmlongbench,
        lambda folder: layouts.table(
            folder,
            "data",
            {"doc_id": (TEXT, ["a"]), "question": (TEXT, ["q"]), "evidence_pages": (TEXT, ["three"])},
            split="train",
        ),
        "row 1: the evidence pages are 'three', not a list of numbers",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_an_error_says_what_is_the_matter(tmp_path: Path, name: str) -> None:
    write, spoil, expected = MALFORMED[name]
    folder = write(tmp_path / "dataset")
    spoil(folder)
    assert expected in error(folder)


def test_a_folder_of_no_known_layout_says_what_it_has(tmp_path: Path) -> None:
    assert "it has no .parquet file" in error(tmp_path)
    layouts.table(tmp_path, "stories", {"text": (TEXT, ["once"])})
    assert "it has the tables stories" in error(tmp_path)


def test_a_misspelt_name_gets_close_ones() -> None:
    with pytest.raises(UsageError, match="did you mean vidore_v3_hr"):
        load("vidore_v3_rh")


def test_a_benchmark_that_cannot_be_downloaded_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> str:
        raise OSError("no route to host\nand a stack")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(UsageError) as raised:
        load("vidore_v3_hr")
    assert "cannot be downloaded (no route to host)" in str(raised.value)
    assert "hf download vidore/vidore_v3_hr --repo-type dataset --local-dir FOLDER" in str(raised.value)


def test_a_benchmark_is_downloaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def download(repository: str, *, repo_type: str, **_: object) -> str:
        asked.append((repository, repo_type))
        return str(layouts.vidore_v3(tmp_path / "snapshot"))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    read = load("vidore_v3_hr", languages=["english"])
    assert asked == [("vidore/vidore_v3_hr", "dataset")]
    assert (read.name, read.main, len(read.subsets[0].queries)) == ("vidore_v3_hr", "ndcg@10", 2)


def test_an_unknown_language_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no queries in welsh; it has english, french"):
        load(str(layouts.vidore_v2(tmp_path)), languages=["welsh"])


def test_every_name_is_a_repository_of_its_own() -> None:
    assert len({each.repository for each in BENCHMARKS.values()}) == len(BENCHMARKS)
    assert all(hub.is_repository(each.repository) for each in BENCHMARKS.values())
    assert json.dumps(sorted(BENCHMARKS)).islower()


def test_the_documentation_lists_every_name() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/evaluation.md").read_text("utf-8")
    listed = set()
    for line in text.splitlines():
        if match := re.match(r"\| `(\w+)`([^|]*)", line):
            listed |= {match[1] + name for name in re.findall(r"\w+", match[2])} if match[1][-1] == "_" else {match[1]}
    assert set(BENCHMARKS) <= listed
