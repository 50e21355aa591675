"""A document is found by its own file name, whatever its pages show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch import Searcher, open_index
from docsearch.indexer.pipeline import index_documents

SHOWN = {
    "annual_report_2021.png": "kitchen garden",
    "scans/scan0001.png": "violin concert",
    "minutes 12 march.png": "glacier hiking",
}


def write(folder: Path) -> None:
    for path, text in SHOWN.items():
        picture = Image.new("L", (500, 650), 255)
        ImageDraw.Draw(picture).text((60, 60), text, fill=0, font=ImageFont.load_default(30))
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        picture.save(folder / path)
    shutil.copy(folder / "scans/scan0001.png", folder / "holiday_photo.png")


@pytest.fixture(scope="module", params=["scans", "with text"])
def searcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """Scans in an index without any text, and beside a document that prints what they are called."""
    place = tmp_path_factory.mktemp("named")
    write(place / "docs")
    if request.param == "with text":
        document = pymupdf.open()
        document.new_page().insert_text((72, 100), "the annual report of 2021: costs, scans, march", fontsize=14)
        document.save(place / "docs/other.pdf")
    index_documents([place / "docs"], place / "index")
    with open_index(place / "index") as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("annual_report_2021", "annual_report_2021.png"),
        ("Annual-Report 2021.PNG", "annual_report_2021.png"),
        ("minutes 12 march", "minutes 12 march.png"),
        ("docs/scans/scan0001.png", "holiday_photo.png"),
        ("scan0001", "holiday_photo.png"),
        ("holiday photo", "holiday_photo.png"),
    ],
)
def test_a_document_is_found_by_its_name(searcher: Searcher, question: str, path: str) -> None:
    hits = searcher.search(question)
    assert (hits[0].ref.path, hits.no_good_match) == (path, False)
    assert 0.9 < hits[0].score <= 1
    assert searcher.search(question, candidates=1)[0].ref.path == path


def test_a_name_is_the_whole_question(searcher: Searcher) -> None:
    assert all(hit.score < 0.9 for hit in searcher.search("scan0001 of somebody"))
    assert all(hit.score < 0.9 for hit in searcher.search("minutes"))


def test_what_a_named_document_scores_is_explained(searcher: Searcher) -> None:
    hits = searcher.search("annual_report_2021")
    (found, *_) = searcher.explain("annual_report_2021", hits)
    assert found.from_document > 0.9
    assert found.score == pytest.approx(hits[0].score, abs=1e-5)
