"""Whether a query describes what is looked for, or asks."""

from __future__ import annotations

import pytest

from docsearch.engine.models.pixel.descriptions import is_description
from docsearch.engine.models.pixel.text import PixelText


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
