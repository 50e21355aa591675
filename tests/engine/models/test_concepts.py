from __future__ import annotations

from docsearch.engine.models.pixel.concepts import (
    COLOURED,
    COLOURS,
    CONCEPTS,
    KINDS,
    NAMES,
    PAGE_KINDS,
    PAGES,
    PAINTED,
    WHOLE_PAGE,
    is_concept,
    shown_by,
)
from docsearch.engine.models.pixel.words import normal_form, word_features


def test_a_concept_is_one_feature_of_its_own() -> None:
    concepts = (*CONCEPTS, *WHOLE_PAGE, *PAINTED)
    features = {int(feature) for concept in concepts for feature in word_features(concept)}
    assert len(features) == len(concepts)
    assert len(word_features("chart")) > 1


def test_names_are_words_as_queries_are_split() -> None:
    lists = [*NAMES.values(), *PAGES.values(), *COLOURS.values(), COLOURED]
    lists += [half for kinds in (KINDS, PAGE_KINDS) for halves in kinds.values() for half in halves]
    assert [name for names in lists for name in names if normal_form(name) != name] == []


def test_a_word_finds_every_kind_it_may_mean() -> None:
    assert "◆pie chart" in shown_by(["chart"])["chart"]
    assert shown_by(["pie", "chart"])["pie"] == ("◆pie chart",)
    assert not shown_by(["product", "line", "revenue"]), "it names no chart"
    assert not any(is_concept(word) for word in ("pie", "chart", ""))
