"""Snippets: the passage of a text with most of the query's words."""

from __future__ import annotations

from docsearch.engine.explain.snippet import snippet

TEXT = " ".join(
    ["filler"] * 50 + ["the", "operating", "margin", "fell", "to", "12", "%"] + ["filler"] * 50 + ["margin"]
)


def test_snippet_is_the_passage_with_most_query_words() -> None:
    cut = snippet(TEXT, "Operating margins in 2023?", words=9)
    assert "the operating margin fell" in cut
    assert cut.startswith("… ")
    assert cut.endswith(" …")
    assert len(cut.split()) == 9 + 2


def test_snippet_of_a_short_text_is_the_text() -> None:
    assert snippet("a b\n c", "b") == "a b c"
    assert snippet("", "b") == ""


def test_snippet_without_a_query_word_is_the_start_of_the_text() -> None:
    assert snippet("one two three four", "zebra", words=2) == "one two …"
