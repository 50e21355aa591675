"""English words are no typing errors."""

from __future__ import annotations

import pytest

from docsearch.engine.query.known_words import is_known, word_filter


@pytest.mark.parametrize("word", ["margin", "onward", "descending", "wolve", "companie", "dass", "qui"])
def test_words(word: str) -> None:
    assert is_known(word)


@pytest.mark.parametrize("word", ["margni", "recieve", "accomodation", "demostration", "strengh"])
def test_typing_errors(word: str) -> None:
    assert not is_known(word)


def test_few_other_words_pass() -> None:
    assert sum(is_known(f"zq{i}xk") for i in range(2000)) < 20


def test_filters_do_not_depend_on_the_order() -> None:
    assert (word_filter(["a", "b"]) == word_filter(["b", "a"])).all()
