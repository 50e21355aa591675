"""The words of the text index: those that begin alike, and those within an edit distance, as a plain program has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.retrieval import vocabulary
from docsearch.engine.retrieval.vocabulary import Vocabulary, collect

WORDS = ["margin", "margins", "marginal", "merging", "market", "zebra", "数据", "маржа", "маржу", "a", "1,577.5"]
ALPHABETS = ["abcd", "жшаб"]


def of(words: list[str]) -> Vocabulary:
    return collect((word, n) for n, word in enumerate(dict.fromkeys(words), start=1))


def distance(one: str, other: str) -> int:
    """Optimal string alignment, by its definition."""
    rows = [[max(i, j) if not i or not j else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            cost = one[i - 1] != other[j - 1]
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@pytest.mark.parametrize("alphabet", ALPHABETS)
@given(data=st.data())
def test_near_words_are_those_within_the_distance(alphabet: str, data: st.DataObject) -> None:
    letters = st.text(st.sampled_from(alphabet), min_size=1, max_size=7)
    word, words, most = data.draw(letters), data.draw(st.lists(letters, min_size=1)), data.draw(st.integers(1, 2))
    expected = {each: distance(word, each) for each in words if distance(word, each) <= most}
    assert {each: far for each, far, _ in of(words).near(word, most)} == expected


@pytest.mark.parametrize(
    ("word", "near"), [("margni", "margin"), ("magrin", "margin"), ("маржи", "маржа"), ("数", "数据")]
)
def test_near_words(word: str, near: str) -> None:
    assert (near, 1) in [(each, far) for each, far, _ in of(WORDS).near(word, 1)]


def test_beginnings() -> None:
    assert [word for word, _ in of(WORDS).beginning_with("margin")] == ["margin", "marginal", "margins"]
    assert [word for word, _ in of(WORDS).beginning_with("марж")] == ["маржа", "маржу"]
    assert [*of(WORDS).beginning_with("marginally")] == [*of([]).beginning_with("a")] == []


def test_parts() -> None:
    assert [word for word, _ in of(WORDS).containing("arg")] == ["margin", "marginal", "margins"]
    assert [word for word, _ in of(["ab", "ba"]).containing("bb")] == []  # not across two words
    assert [word for word, _ in of(["aaaa"]).containing("aa")] == ["aaaa"]


def test_words_keep_their_pages(tmp_path: Path) -> None:
    made = of(WORDS)
    vocabulary.save(made, tmp_path)
    assert dict(made.beginning_with("ze")) == {"zebra": 6}
    files = {file.name: np.load(file) for file in tmp_path.iterdir()}
    again = Vocabulary(
        *(files[name] for name in (vocabulary.BYTES, vocabulary.LENGTHS, vocabulary.PAGES, vocabulary.LETTERS))
    )
    assert sorted(again.word(i) for i in range(len(again.lengths))) == sorted(WORDS)
