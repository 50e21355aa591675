from __future__ import annotations

from docsearch.engine.models.pixel import thesaurus
from docsearch.engine.models.pixel.words import split_words


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
