"""Snippets: the passage of a text with most of the words that were asked for, and where these are in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.details import Snippet
from docsearch.engine.explain.snippet import has_match, passage_snippet, snippet
from docsearch.engine.query.terms import plain_words
from docsearch.engine.records import SoughtWord

TEXT = " ".join(["filler"] * 50 + ["the operating margin fell to 12 %"] + ["filler"] * 50 + ["margin"])


def cut(text: str, question: str, chars: int = 60) -> Snippet:
    found = snippet(text, plain_words(question), chars=chars)
    assert found is not None
    return found


def marked(found: Snippet) -> list[str]:
    return [found.text[start:end] for start, end in found.spans]


def test_snippet_is_the_passage_with_most_of_the_words() -> None:
    found = cut(TEXT, "Operating margins in 2023?")
    assert "the operating margin fell" in found.text
    assert found.text.startswith("… ")
    assert found.text.endswith(" …")
    assert marked(found) == ["operating", "margin"]
    assert len(found.text) <= 60 + 4


def test_control_characters_are_shown_as_spaces() -> None:
    found = snippet("\x07points\x0c per\x07purchase\nin shops", [SoughtWord(("purchase",), 1.0, {})])
    assert found == Snippet("points per purchase in shops", ((11, 19),))


def test_a_rare_word_counts_more_than_two_frequent_ones() -> None:
    text = "the revenue of the group " + "filler " * 30 + "gearbox"
    sought = [SoughtWord(("revenue",), 0.2, {}), SoughtWord(("group",), 0.2, {}), SoughtWord(("gearbox",), 0.6, {})]
    found = snippet(text, sought, chars=30)
    assert found is not None
    assert marked(found) == ["gearbox"]


def test_snippet_of_a_short_text_is_the_text_on_one_line() -> None:
    assert cut(" a revenue\n  c ", "revenue") == Snippet("a revenue c", ((2, 9),))


def test_text_without_words_has_no_snippet() -> None:
    assert snippet("", plain_words("b")) is None
    assert snippet(" \n ", plain_words("b")) is None


def test_snippet_without_a_match_is_the_start_of_the_text() -> None:
    assert cut("one two three four", "zebra", chars=8) == Snippet("one two …")


def test_words_are_not_cut() -> None:
    words = {f"word{number}" for number in range(60)}
    found = cut(" ".join(sorted(words)), "word30", chars=50)
    assert set(found.text.split()) - {"…"} <= words


def test_scripts_without_spaces_are_cut_between_letters_and_marked_as_one() -> None:
    text = "国家" * 20 + "。国" + "数据库系统" + "家国家。" + "国家" * 20
    found = cut(text, "数据库系统", chars=40)
    assert marked(found) == ["数据库系统"]
    assert len(found.text) <= 40 + 4


def test_a_match_over_the_end_of_a_line_is_one_span() -> None:
    found = cut("of the photo-\nsynthesis of plants", "photosynthesis")
    assert marked(found) == ["photo- synthesis"]


def test_places_are_right_behind_characters_that_search_ignores() -> None:
    found = cut("a soft\u00adly ½ cup of caf\u0065\u0301 milk", "café milk")
    assert marked(found) == ["café", "milk"]


@given(
    st.text(st.sampled_from("ab Sé½\u00ad\n.,-数据ก'1 "), max_size=120),
    st.text(st.sampled_from("ab é数1 "), min_size=1, max_size=8).filter(str.strip),
    st.integers(1, 60),
)
def test_spans_are_in_order_apart_and_within_the_text(text: str, question: str, chars: int) -> None:
    found = snippet(text, plain_words(question) if any(map(str.isalnum, question)) else (), chars=chars)
    if found is None:
        assert not text.strip()
        return
    assert "\n" not in found.text
    ends = [0, *(at for span in found.spans for at in span), len(found.text)]
    assert ends == sorted(ends)
    assert all(start < end for start, end in found.spans)
    assert all(first < second for (_, first), (second, _) in zip(found.spans, found.spans[1:], strict=False))


def test_a_long_page_of_matches_is_cut_soon() -> None:
    found = cut("margin " * 50_000, "margin")
    assert len(found.spans) >= 5


@pytest.mark.parametrize("hostile", ["\x1b[2J margin", "margin\u202e", "\ud800 margin"])
def test_hostile_characters_stay_what_they_are(hostile: str) -> None:
    assert "margin" in marked(cut(hostile, "margin"))


@given(st.text("ab é\n\t\u0301\x07水 "), st.integers(0, 20), st.integers(0, 20))
def test_a_passage_is_shown_on_one_line_with_its_words_marked(text: str, start: int, length: int) -> None:
    found = passage_snippet(text, min(start, len(text)), min(start + length, len(text)), plain_words("ab"))
    assert "\n" not in found.text
    assert all(0 <= first < last <= len(found.text) for first, last in found.spans)


def test_a_passage_is_all_that_is_shown_and_says_where_the_text_goes_on() -> None:
    start = TEXT.index("the operating")
    found = passage_snippet(TEXT, start, start + len("the operating margin"), plain_words("margins"))
    assert found.text == "… the operating margin …"
    assert marked(found) == ["margin"]


def test_whether_a_text_has_any_word_is_told() -> None:
    assert has_match(TEXT, plain_words("margins of error"))
    assert not has_match(TEXT, plain_words("revenue"))
