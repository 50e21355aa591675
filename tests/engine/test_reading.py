"""Operators and typing errors, from the question to the answer."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.hits import Hits
from docsearch.engine.models.pixel.words import split_words
from docsearch.engine.records import QUESTION_MAX_CHARS, Query, QueryVectors
from docsearch.engine.searcher import Searcher, open_searcher

TEXTS = {
    "a.pdf": ["net sales in europe", "sales of the net", "operating margin in asia", "margin call in europe"],
    "scan.pdf": ["", ""],
}
SCANNED = ["invoice", "europe"]


def direction(word: str) -> int:
    return zlib.crc32(word.encode()) % toy_words.WORDS


class AnyWords(toy_words.ToyEncoder):
    """Takes any words, each as one of the toy's directions."""

    def encode_query(self, text: str) -> QueryVectors:
        words = split_words(text)
        if not words:
            raise UsageError("no word")
        vectors = toy_words.directions()[[direction(word) for word in words]]
        weights = np.full(len(words), 1 / len(words), np.float32)
        return QueryVectors(vectors, weights, self.visual_words.query_vector(vectors, weights), tuple(words), 0.5)


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    directory = tmp_path_factory.mktemp("toy") / "index"
    pages = {"a.pdf": [[direction(word) for word in split_words(text)] for text in TEXTS["a.pdf"]]}
    toy_words.write(directory, pages | {"scan.pdf": [[direction(word)] for word in SCANNED]}, texts=TEXTS)
    with open_searcher(directory, encoder=AnyWords()) as opened:
        yield opened


def places(hits: Hits) -> list[tuple[str, int]]:
    return [(hit.ref.path, hit.ref.page) for hit in hits]


@pytest.mark.parametrize("count", [None, 3])
def test_phrases_leave_out_other_pages(searcher: Searcher, count: int | None) -> None:
    assert ("a.pdf", 2) in places(searcher.search("net sales", candidates=count))
    found = searcher.search('"net sales"', candidates=count)
    assert places(found) == [("a.pdf", 1)]
    assert found.text == '"net sales"'


@pytest.mark.parametrize("mode", ["visual", "text", "hybrid"])
@pytest.mark.parametrize("count", [None, 3])
def test_operators_may_leave_no_page(searcher: Searcher, mode: str, count: int | None) -> None:
    assert searcher.search('"net sales" -europe', mode=mode, candidates=count) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "question", ['"', '""" -', "-", "*", "“”", 'a* -b* "c*"', "\ud800 margin", "\0 margin", "x" * 5000, "1" * 500]
)
def test_odd_questions_are_answered(searcher: Searcher, question: str) -> None:
    for mode in ("visual", "text", "hybrid"):
        with suppress(UsageError):  # there is no word
            assert searcher.search(question, mode=mode).corrections == {}  # type: ignore[arg-type]


def test_a_phrase_that_no_page_has_is_said(searcher: Searcher) -> None:
    found = searcher.search('"sales net"')
    assert found.missing_phrases == ("sales net",)
    assert ("a.pdf", 1) in places(found)


def test_excluded_words_leave_out_pages_whose_text_or_picture_has_them(searcher: Searcher) -> None:
    assert ("a.pdf", 4) in places(searcher.search("margin europe"))
    found = places(searcher.search("margin sales invoice -europe"))
    assert found
    assert not {("a.pdf", 1), ("a.pdf", 4), ("scan.pdf", 2)} & set(found)


def test_beginnings_find_longer_words(searcher: Searcher) -> None:
    assert places(searcher.search("operat*", mode="text")) == [("a.pdf", 3)]


@pytest.mark.parametrize("mode", ["hybrid", "text"])
def test_typing_errors_are_corrected_and_said(searcher: Searcher, mode: str) -> None:
    found = searcher.search("operatnig margin", mode=mode)  # type: ignore[arg-type]
    assert found.corrections == {"operatnig": "operating"}
    assert places(found)[0] == ("a.pdf", 3)
    assert "showing results for 'operating' (no page has 'operatnig')" in repr(found)
    assert found.as_dict()["corrections"] == {"operatnig": "operating"}
    assert pickle.loads(pickle.dumps(found)).corrections == found.corrections


@pytest.mark.parametrize("question", ["operating margin", "invoice", "asia 2023", "1,234.57"])
def test_words_that_pages_have_or_show_are_not_corrected(searcher: Searcher, question: str) -> None:
    assert searcher.search(question).corrections == {}


def test_pictures_alone_correct_nothing(searcher: Searcher) -> None:
    assert searcher.search("operatnig margin", mode="visual").corrections == {}


def test_a_batch_reads_as_each_question_alone(searcher: Searcher) -> None:
    questions = ['"net sales"', "margin -europe", "operatnig margin", "sales", "operat*"]
    together = dict(searcher.search_many([Query(text, text) for text in questions]))
    assert [query.text for query in together] == questions
    for query, hits in together.items():
        alone = searcher.search(query.text)
        assert (hits, hits.corrections) == (alone, alone.corrections)


LONG = {
    "a word": "x" * 128_000,
    "words": "ab " * 100_000,
    "spaces": " " * 1_000_000 + "net",
    "combining marks": "e" + "\u0301" * 100_000,
    "characters without width": "\u200b" * 100_000 + "net",
    "halves of characters": "\ud800" * 100_000,
    "one too many": "n" * (QUESTION_MAX_CHARS + 1),
}


@pytest.mark.parametrize("kind", LONG)
def test_a_question_that_is_too_long_is_refused_before_anything_is_done_with_it(searcher: Searcher, kind: str) -> None:
    text = LONG[kind]
    found = f"has {len(text):,} characters; the limit is 2,000"
    with pytest.raises(UsageError, match=f"^the question {found}"):
        searcher.search(text)
    with pytest.raises(UsageError, match=f"^question q7 {found}"):
        [*searcher.search_many(iter([Query("q6", "net"), Query("q7", text)]))]
    for ask in (searcher.encode, lambda text: searcher.rescored(text, "hybrid")):
        with pytest.raises(UsageError, match=found):
            ask(text)


@pytest.mark.parametrize("kind", LONG)
def test_a_question_of_the_longest_length_is_read(searcher: Searcher, kind: str) -> None:
    """Whatever it is made of: it has hits, or nothing in it can be searched for."""
    try:
        searcher.search(LONG[kind][-QUESTION_MAX_CHARS:])
    except UsageError as err:
        assert "the limit is" not in str(err)  # noqa: PT017 - most kinds raise nothing
