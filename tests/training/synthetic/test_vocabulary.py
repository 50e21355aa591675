"""The word lists of synthetic pages."""

from __future__ import annotations

from docsearch.training.synthetic import vocabulary


def test_greek_words_are_printed_with_their_final_sigma() -> None:
    words = vocabulary.load()["el"].words
    assert any(word.endswith("ς") for word in words)
    assert not any(word.endswith("σ") for word in words)
