from __future__ import annotations

from docsearch.engine.models.pixel.concepts import CONCEPTS, KINDS, NAMES, is_concept, shown_by
from docsearch.engine.models.pixel.words import normal_form, word_features


def test_a_concept_is_one_feature_of_its_own() -> None:
    features = {int(feature) for concept in CONCEPTS for feature in word_features(concept)}
    assert len(features) == len(CONCEPTS)
    assert len(word_features("chart")) > 1


def test_names_are_words_as_queries_are_split() -> None:
    names = {name for names in NAMES.values() for name in names} | {name for own, _ in KINDS.values() for name in own}
    assert all(normal_form(name) == name for name in names)


def test_a_word_finds_every_kind_it_may_mean() -> None:
    assert "◆pie chart" in shown_by("chart")
    assert shown_by("pie", ["pie", "chart"]) == ("◆pie chart",)
    assert not shown_by("line", ["product", "line", "revenue"]), "it names no chart"
    assert not any(is_concept(word) for word in ("pie", "chart", ""))
