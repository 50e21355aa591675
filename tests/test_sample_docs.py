"""The sample documents: they are rebuilt byte for byte, stay small, and answer every sample query."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pymupdf: Any = pytest.importorskip("pymupdf")
PIL_Image: Any = pytest.importorskip("PIL.Image")

REPOSITORY = Path(__file__).parents[1]
SAMPLES = REPOSITORY / "sample_docs"
SUFFIXES = {".pdf", ".png", ".jpg", ".tif"}
MAX_BYTES = 3_000_000
PICTURES_ONLY = "letter-harbour-master.pdf"
# Other versions write the same pages as other bytes (compression, glyph outlines).
MADE_WITH = {"pymupdf": "1.28.2", "pillow": "13.0.0"}


def documents() -> list[Path]:
    return sorted(path for path in SAMPLES.iterdir() if path.suffix in SUFFIXES)


def page_count(path: Path) -> int:
    if path.suffix == ".pdf":
        with pymupdf.open(path) as pdf:
            return int(pdf.page_count)
    with PIL_Image.open(path) as image:
        return int(getattr(image, "n_frames", 1))


def queries() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / "queries.jsonl").read_text(encoding="utf-8").splitlines()]


def rebuild(folder: Path, *, hash_seed: str) -> dict[str, bytes]:
    command = [sys.executable, "-m", "sample_docs.make", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return rebuild(tmp_path_factory.mktemp("samples"), hash_seed="1")


def test_two_builds_are_the_same_bytes(built: dict[str, bytes], tmp_path: Path) -> None:
    assert rebuild(tmp_path, hash_seed="2") == built


def test_the_documents_are_the_output_of_the_script(built: dict[str, bytes]) -> None:
    found = {"pymupdf": pymupdf.VersionBind, "pillow": PIL_Image.__version__}
    if found != MADE_WITH:
        pytest.skip(f"the documents were made with {MADE_WITH}; installed are {found}")
    assert built == {path.name: path.read_bytes() for path in documents()}


def test_there_are_enough_documents_pages_and_queries() -> None:
    assert len(documents()) >= 10
    assert sum(page_count(path) for path in documents()) >= 40
    assert len(queries()) >= 30


def test_the_documents_stay_small() -> None:
    assert sum(path.stat().st_size for path in documents()) < MAX_BYTES


def test_every_query_names_pages_that_exist() -> None:
    pages = {path.name: page_count(path) for path in documents()}
    for row in queries():
        assert set(row) == {"query_id", "query", "path", "pages"}, row
        assert row["pages"], row
        assert all(1 <= page <= pages[row["path"]] for page in row["pages"]), row


def test_query_ids_are_unique() -> None:
    ids = [row["query_id"] for row in queries()]
    assert len(ids) == len(set(ids))


def test_every_document_answers_a_query() -> None:
    assert {row["path"] for row in queries()} == {path.name for path in documents()}


def test_a_query_asks_for_the_revenue_chart_of_2023() -> None:
    (row,) = [row for row in queries() if row["query"] == "revenue chart 2023"]
    with pymupdf.open(SAMPLES / row["path"]) as pdf:
        page = pdf[row["pages"][0] - 1]
        assert "Revenue chart 2023" in page.get_text()
        bars = [drawing for drawing in page.get_drawings() if drawing["fill"] and drawing["rect"].height > 100]
        assert len(bars) >= 4


def test_decoys_share_the_words_of_the_revenue_chart() -> None:
    with pymupdf.open(SAMPLES / "annual-report-2023.pdf") as pdf:
        words = [{word[4].strip(".,;").lower() for word in page.get_text("words")} for page in pdf]
    assert [number for number, page in enumerate(words, 1) if {"revenue", "chart", "2023"} <= page] == [6, 13]
    assert sum({"revenue", "quarter"} <= page for page in words) >= 3


def test_the_scanned_letter_has_no_text_layer() -> None:
    with pymupdf.open(SAMPLES / PICTURES_ONLY) as pdf:
        for page in pdf:
            assert page.get_text().strip() == ""
            assert len(page.get_images()) == 1


def test_every_page_of_the_other_pdfs_has_words() -> None:
    for path in documents():
        if path.suffix == ".pdf" and path.name != PICTURES_ONLY:
            with pymupdf.open(path) as pdf:
                assert all(len(page.get_text("words")) >= 10 for page in pdf), path.name


def test_the_readme_gives_the_command_the_licence_and_the_number_of_pages() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert "python -m sample_docs.make" in text
    assert "licence of the project" in text
    assert f"{sum(page_count(path) for path in documents())} pages" in text
