"""Whether a query describes what is looked for, or asks."""

from __future__ import annotations

import pytest

from docsearch.engine.models.pixel.descriptions import is_description, no_heads
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.words import split_words


@pytest.mark.parametrize(
    "query",
    ["photo of a castle", "revenue chart 2023", "show me a map of Florida", "rotes Balkendiagramm", "a listing"],
)
def test_descriptions(query: str) -> None:
    assert is_description(query)


@pytest.mark.parametrize(
    "query",
    [
        "What does the pie chart show",
        "in the table, which year was best",
        "Is there a red box in the form",
        "Please list the scores in the chart",
        "the highest bar of the chart?",
        "Wie hoch ist der Umsatz im Diagramm",
        "Quel est le titre du graphique",
        "图表中的收入是多少",
        "グラフの売上はいくらですか",
    ],
)
def test_questions(query: str) -> None:
    assert not is_description(query)


def test_a_described_picture_has_the_vectors_of_its_kinds_and_colours() -> None:
    text = PixelText.load()
    found = text.encode_query("photo of a blue car with a red sign").described
    assert found is not None
    assert found.vectors.shape == (3, 128)
    assert found.terms.tolist() == [0, 1, 2]
    assert found.is_colour.tolist() == [False, True, True]
    assert text.encode_query("revenue of 2023").described is None
    assert text.encode_query("What is blue in the photo?").described is None


@pytest.mark.parametrize(
    ("query", "modifiers"),
    [
        ("stamp duty", {"stamp"}),
        ("picture this", {"picture"}),
        ("table tennis rules", {"table"}),
        ("pie chart patterns", {"chart"}),
        ("blue bar chart", set()),
        ("revenue chart 2023", set()),
        ("chart comparing probes and loggers", set()),
        ("map of Florida", set()),
        ("letter with a round blue stamp", set()),
        ("picture red car", set()),
        ("table tennis table", set()),
        ("cartoon penguin", set()),
        ("carte bleue", set()),
    ],
)
def test_a_kind_before_another_noun_is_no_head(query: str, modifiers: set[str]) -> None:
    assert no_heads(split_words(query)) == modifiers


@pytest.mark.parametrize("query", ["stamp duty", "picture this", "table tennis"])
def test_modifiers_gain_nothing_from_kinds(query: str) -> None:
    text = PixelText.load()
    encoded = text.encode_query(query)
    assert encoded.described is None
    concepts = [*text.concepts.values()]
    added = [] if encoded.expansion is None else [*encoded.expansion.vectors]
    assert not any((vector == concept).all() for vector in added for concept in concepts)
