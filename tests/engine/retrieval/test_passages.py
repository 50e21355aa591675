"""Passages of a page's text: they cover it in order, overlap, and are of a size."""

from __future__ import annotations

from itertools import pairwise

import pytest

from docsearch.engine.retrieval.passages import LONGEST_WORD, PASSAGE_WIDTH, passages, placed_passages


def test_passages_cover_the_words_in_order_and_overlap() -> None:
    words = [f"word{i}" for i in range(500)]
    found = [passage.split() for passage in passages("  ".join(words))]
    assert len(found) > 5
    assert found[0][0] == "word0"
    assert found[-1][-1] == "word499"
    for before, after in pairwise(found):
        place = before.index(after[0])
        assert place > 0
        assert before[place:] == after[: len(before) - place]
        assert len(" ".join(before)) <= PASSAGE_WIDTH


def test_short_text_is_one_passage_and_no_text_is_none() -> None:
    assert passages("Water levels,\n2023") == ["Water levels, 2023"]
    assert passages(" \n\t") == []


def test_languages_without_spaces_have_passages_of_a_third_of_the_characters() -> None:
    found = passages("水" * 400)
    assert "".join(found).count("水") >= 400
    assert all(len(passage) <= PASSAGE_WIDTH // 3 + 1 for passage in found)


@pytest.mark.parametrize("size", [1, 63, 10_000])
def test_text_that_is_one_word_of_any_length_ends(size: int) -> None:
    found = passages("x" * size)
    assert max(len(word) for passage in found for word in passage.split()) <= LONGEST_WORD
    assert sum(passage.count("x") for passage in found) >= size


@pytest.mark.parametrize(
    "text", ["  one\ttwo \n\n three  ", "水" * 400 + " water", "x" * 1000 + "\u3000end", "a\x1cb\x85c " * 300]
)
def test_a_passage_is_the_text_of_its_place(text: str) -> None:
    found = placed_passages(text)
    assert [passage.text for passage in found] == passages(text)
    for passage in found:
        assert "".join(text[passage.start : passage.end].split()) == "".join(passage.text.split())
    assert (found[0].start, found[-1].end) == (len(text) - len(text.lstrip()), len(text.rstrip()))
