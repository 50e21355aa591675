"""Search by text layers, and by both pictures and text layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.records import Query
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder

QUESTIONS = ["w3 w17", "w250", "w9 w99 w199", "w3", "w1 w2 w3 w4 w5"]


def collection() -> tuple[dict[str, list[list[int]]], dict[str, list[str]]]:
    """Documents of random words; some have the text of their pages, some other words, some none."""
    rng = np.random.default_rng(7)
    pages = {f"{name}.pdf": [rng.choice(300, 25, replace=False).tolist() for _ in range(12)] for name in "abcdef"}
    texts = {}
    for path in ("a.pdf", "b.pdf", "c.pdf"):
        texts[path] = [" ".join(f"w{word}" for word in page) for page in pages[path]]
    texts["d.pdf"] = [" ".join(f"w{word}" for word in rng.choice(300, 25)) for _ in range(12)]
    return pages, texts


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    directory = tmp_path_factory.mktemp("toy") / "index"
    pages, texts = collection()
    pages |= {"w250 report.pdf": [[7], [3, 17, 250], [8, 9]], "scan.pdf": [[3, 17]], "hidden.pdf": [[100]]}
    texts |= {"w250 report.pdf": ["w7", "w3 w17 w250", "w8"], "hidden.pdf": ["w3 w17 w18"]}
    toy_words.write(directory, pages, texts=texts)
    with open_searcher(directory, encoder=ToyEncoder(pairs=True)) as opened:
        yield opened


def places(searcher: Searcher, text: str, **choices: object) -> list[tuple[str, int]]:
    return [(hit.ref.path, hit.ref.page) for hit in searcher.search(text, k=200, **choices)]  # type: ignore[arg-type]


def test_pages_that_only_their_text_finds(searcher: Searcher) -> None:
    assert ("hidden.pdf", 1) not in places(searcher, "w18 w17", mode="visual")
    assert ("hidden.pdf", 1) in places(searcher, "w18 w17", mode="text")
    assert ("hidden.pdf", 1) in places(searcher, "w18 w17", mode="hybrid")


def test_pages_that_only_their_picture_finds(searcher: Searcher) -> None:
    assert ("scan.pdf", 1) not in places(searcher, "w3 w17", mode="text")
    assert places(searcher, "w3 w17", mode="hybrid").index(("scan.pdf", 1)) <= 2


def test_the_name_of_a_document_decides_among_equals(searcher: Searcher) -> None:
    assert places(searcher, "w250 w3", mode="hybrid")[0] == ("w250 report.pdf", 2)


@pytest.mark.parametrize("text", QUESTIONS)
def test_two_stages_over_all_pages_equal_exact(searcher: Searcher, text: str) -> None:
    exact = searcher.search(text, exact=True, mode="hybrid")
    assert searcher.search(text, candidates=1000, mode="hybrid") == exact
    assert exact


@pytest.mark.parametrize("mode", ["visual", "text", "hybrid"])
@pytest.mark.parametrize("count", [None, 20])
def test_a_batch_answers_as_each_question_alone(searcher: Searcher, mode: str, count: int | None) -> None:
    queries = [Query(text, text, path) for text in QUESTIONS for path in (None, "b.pdf")]
    together = [hits for _, hits in searcher.search_many(queries, candidates=count, mode=mode)]  # type: ignore[arg-type]
    for query, hits in zip(reversed(queries), reversed(together), strict=True):
        ((_, alone),) = searcher.search_many([query], candidates=count, mode=mode)  # type: ignore[arg-type]
        assert hits == alone


def test_the_best_of_many_are_the_best_of_few(searcher: Searcher) -> None:
    """Pages that are not matched by pairs of words, because they cannot be among the first, are not."""
    for text in QUESTIONS:
        assert searcher.search(text, k=3, mode="hybrid") == searcher.search(text, k=200, mode="hybrid")[:3]


def test_unknown_modes_are_refused(searcher: Searcher) -> None:
    with pytest.raises(UsageError, match="visual, text, hybrid"):
        searcher.search("w3", mode="psychic")  # type: ignore[arg-type]


def test_models_without_words_of_their_own_search_by_pictures(tmp_path: Path) -> None:
    toy_words.write(tmp_path, {"a.pdf": [[1]]})

    class Contextual(ToyEncoder):
        visual_words = None

        def __init__(self) -> None: ...

    with open_searcher(tmp_path, encoder=Contextual()) as opened, pytest.raises(UsageError, match="visual only"):
        opened.search("w1", mode="hybrid")
