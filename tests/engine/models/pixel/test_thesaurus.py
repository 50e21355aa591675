from __future__ import annotations

from docsearch.engine.models.pixel import thesaurus
from docsearch.engine.models.pixel.words import split_words

MAX_SYNONYMS = 20
"""Each is one more vector to compare with every page."""


def test_a_group_finds_itself_and_an_arrow_points_one_way() -> None:
    found = thesaurus.parse(["staff employees", "", "# note", "headcount > staff", "staff > crew"])
    assert found == {"staff": ("employee", "crew"), "employee": ("staff",), "headcount": ("staff",)}


def test_the_list_that_ships_holds_words_as_queries_are_split() -> None:
    for line in thesaurus.FILE.read_text("utf-8").splitlines():
        entry = line.partition("#")[0].replace(">", " ", 1)
        assert all(split_words(word) for word in entry.split()), line
        assert len(split_words(entry)) == len(entry.split()), line


def test_common_synonyms_are_found() -> None:
    assert "sale" in thesaurus.synonyms("revenue")
    assert "revenue" not in thesaurus.synonyms("cost")


def test_a_word_has_the_synonyms_that_the_whole_list_gives_it() -> None:
    """Though only some lines are parsed for it."""
    lines = thesaurus.FILE.read_text("utf-8").splitlines()
    whole = thesaurus.parse(lines)
    listed = {word for line in lines for word in line.split()}
    for word in (*whole, *listed, "", ">", "#", "s", "nothing"):
        assert thesaurus._of_form(word) == whole.get(word, ()), word


def test_an_inflection_of_a_listed_word_has_its_synonyms() -> None:
    for form, word in (("injurie", "injury"), ("hiring", "hire"), ("cancelled", "cancel"), ("losse", "loss")):
        assert thesaurus.synonyms(word)
        assert set(thesaurus.synonyms(word)) - {form} <= set(thesaurus.synonyms(form)), form


def test_a_word_is_no_synonym_of_itself_through_an_inflection() -> None:
    assert "hired" in thesaurus.synonyms("hire")
    assert "hired" not in thesaurus.synonyms("hired")


def test_short_words_have_no_stem() -> None:
    assert thesaurus.stems("ring") == ("ring",)
    assert thesaurus.stems("fed") == ("fed",)


def test_no_word_has_too_many_synonyms() -> None:
    found = thesaurus.parse(thesaurus.FILE.read_text("utf-8").splitlines())
    assert max(len(others) for others in found.values()) <= MAX_SYNONYMS
