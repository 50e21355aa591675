"""PageSearch: text and pictures of hits, changes of the index, threads."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from docsearch import IndexNotFound, UsageError, index_documents, open_index
from docsearch.integrations.page_search import PageSearch

QUESTION = "revenue chart 2023"


def test_pages_are_the_hits_of_the_index(sample_index: Path) -> None:
    with PageSearch(sample_index) as search, open_index(sample_index) as index:
        pages, hits = search.search(QUESTION, 4), index.search(QUESTION, k=4)
        assert [page.hit for page in pages] == list(hits)
        assert [page.text for page in pages] == [index.text(hit.ref) for hit in hits]
        assert pages[0].jpeg is None
        assert pages[0].picture_url is None
        ref = hits[0].ref
        assert pages[0].identifier == f"{ref.path}#page={ref.page}"
        assert pages[0].metadata == {"source": ref.path, "page": ref.page, "rank": 1, "score": hits[0].score}


def test_pictures_are_jpegs_of_the_pages(sample_index: Path) -> None:
    with PageSearch(sample_index, path="invoice*", pictures=True) as search:
        (page,) = search.search("invoice total", 1)
        assert page.jpeg is not None
        with Image.open(io.BytesIO(page.jpeg)) as picture:
            assert picture.format == "JPEG"
            assert picture.width > 900
        assert page.picture_url is not None
        assert page.picture_url.startswith("data:image/jpeg;base64,/9j/")


def test_conditions_on_columns_choose_documents(sample_index: Path) -> None:
    with PageSearch(sample_index, where="kind = 'pdf' and pages > 3") as search:
        with open_index(sample_index) as index:
            long = {path for path, row in index.snapshot.documents().items() if (row.page_count or 0) > 3}
        found = {page.hit.ref.path for page in search.search("2023", 20)}
        assert found
        assert found <= long


def test_a_page_whose_document_is_gone_has_no_picture(tmp_path: Path, make_pdf: Callable[..., Path]) -> None:
    document = make_pdf(tmp_path / "docs/harbour.pdf", ["harbour dues"])
    index_documents([tmp_path / "docs"], tmp_path / "index")
    document.unlink()
    with PageSearch(tmp_path / "index", pictures=True) as search:
        (page,) = search.search("harbour", 3)
        assert (page.jpeg, page.text.strip()) == (None, "harbour dues")


def test_what_was_indexed_since_is_found(tmp_path: Path, make_pdf: Callable[..., Path]) -> None:
    make_pdf(tmp_path / "docs/harbour.pdf", ["harbour dues"])
    index_documents([tmp_path / "docs"], tmp_path / "index")
    with PageSearch(tmp_path / "index") as search:
        assert [page.hit.ref.path for page in search.search("lighthouse", 1)] != ["lighthouse.pdf"]
        make_pdf(tmp_path / "docs/lighthouse.pdf", ["lighthouse keepers"])
        index_documents([tmp_path / "docs"], tmp_path / "index")
        assert [page.hit.ref.path for page in search.search("lighthouse", 1)] == ["lighthouse.pdf"]


def test_threads_and_an_event_loop_share_it(sample_index: Path) -> None:
    questions = [QUESTION, "invoice total", "notice period", "Kündigungsfrist"] * 2
    with PageSearch(sample_index) as search:
        alone = [search.search(question, 3) for question in questions]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda question: search.search(question, 3), questions)) == alone

        async def ask() -> list[list[object]]:
            return list(await asyncio.gather(*(search.search_async(question, 3) for question in questions)))

        assert asyncio.run(ask()) == alone


def test_errors_are_those_of_the_index(tmp_path: Path, sample_index: Path) -> None:
    with pytest.raises(IndexNotFound):
        PageSearch(tmp_path / "nothing")
    with PageSearch(sample_index) as search, pytest.raises(UsageError):
        search.search("   ", 3)
    shutil.rmtree(tmp_path, ignore_errors=True)
    with pytest.raises(UsageError):
        search.search(QUESTION, 3)
