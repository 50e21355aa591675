from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.models.pixel.concept_detections import group_blocks
from docsearch.engine.models.pixel.concepts import (
    COLOUR_CONCEPTS,
    COLOUR_NAMES,
    COLOURABLE,
    FAMILIES,
    FAMILY_CONCEPTS,
    FIGURE_CONCEPTS,
    FIGURE_NAMES,
    FIGURE_PAIRS,
    PAGE_CONCEPTS,
    PAGE_NAMES,
    PAGE_PAIRS,
    described_concepts,
    is_concept,
    named_concepts,
)
from docsearch.engine.models.pixel.heads import load
from docsearch.engine.models.pixel.spec import CEILING, FLOOR
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.words import normal_form, split_query, word_features


def test_a_concept_is_one_feature_of_its_own() -> None:
    concepts = (*FIGURE_CONCEPTS, *FAMILY_CONCEPTS, *PAGE_CONCEPTS, *COLOUR_CONCEPTS)
    features = {int(feature) for concept in concepts for feature in word_features(concept)}
    assert len(features) == len(concepts)
    assert len(word_features("chart")) > 1


def test_concepts_resemble_neither_each_other_nor_words() -> None:
    text = PixelText.load()
    concepts = np.stack([*text.concepts.values()])
    assert set(text.concepts) == {*FIGURE_CONCEPTS, *FAMILY_CONCEPTS, *PAGE_CONCEPTS, *COLOUR_CONCEPTS}
    assert np.abs(concepts @ concepts.T - np.eye(len(concepts))).max() < 0.01
    words = text.embed(["petra", "kväll", "eduardo", "table", "signature", "cover", "βιβλίο", "карта", "1,577.5"])[0]
    assert np.abs(words @ concepts.T).max() < 0.2


def test_vectors_of_concepts_have_the_cosines_of_their_strengths() -> None:
    figures = load()[0]
    strengths = np.zeros((3, len(figures.vectors)), np.float32)
    strengths[0, [1, 30]] = 1, 0.5
    strengths[2, [4, 5, 31]] = 0.25, 1, 0.75
    rows, vectors = figures.concept_vectors(strengths, per_vector=2)
    assert sorted(rows.tolist()) == [0, 2, 2]
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-2
    cosine = vectors @ figures.vectors.T
    matches = ((cosine - FLOOR) / (CEILING - FLOOR)).clip(0, 1)
    found = np.stack([matches[rows == row].max(axis=0, initial=0) for row in range(3)])
    assert np.abs(found - strengths).max() < 0.03


def test_blocks_of_a_group_share_their_maxima_and_the_box_of_those_that_show_something() -> None:
    strengths = np.zeros((3, 5, 2), np.float32)
    strengths[0, 1, 0], strengths[1, 0, 1], strengths[2, 4, 0] = 0.5, 0.25, 1
    grouped, boxes = group_blocks(strengths)
    assert grouped.shape == (6, 2)
    assert grouped[0].tolist() == [0.5, 0.25]
    assert boxes[0].tolist() == [0, 0, 2, 2]
    assert grouped[5].tolist() == [1, 0]
    assert boxes[5].tolist() == [4, 2, 5, 3]
    assert not grouped[1:5].any()


def test_names_are_words_as_queries_are_split() -> None:
    lists = [*FIGURE_NAMES.values(), *PAGE_NAMES.values(), *COLOUR_NAMES.values(), COLOURABLE]
    lists += [words for words, _ in FAMILIES.values()]
    lists += [half for kinds in (FIGURE_PAIRS, PAGE_PAIRS) for halves in kinds.values() for half in halves]
    assert [name for names in lists for name in names if normal_form(name) != name] == []


@pytest.mark.parametrize(
    ("query", "word", "concepts"),
    [
        ("pie", "pie", ()),
        ("pie chart", "pie", ("◆pie chart",)),
        ("pie chart", "chart", ("◆pie chart",)),
        ("chart", "chart", ("◆any chart",)),
        ("Gantt chart", "chart", ("◆gantt chart",)),
        ("ring diagram", "ring", ("◆donut chart",)),
        ("Donut charts", "donut", ("◆donut chart",)),
        ("Organigramm der Abteilung", "organigramm", ("◆organisation chart",)),
        ("tableaux", "tableaux", ("◆table",)),
        ("warning triangle", "triangle", ("◆sign",)),
        ("product line revenue", "line", ()),
        ("risk figures", "risk", ()),
        ("green boxes", "green", ("◆colour green",)),
        ("green bond", "green", ()),
    ],
)
def test_words_of_a_query_name_concepts(query: str, word: str, concepts: tuple[str, ...]) -> None:
    assert named_concepts(split_query(query)).get(word, ()) == concepts


def test_kinds_of_a_family_are_kinds() -> None:
    assert {kind for _, kinds in FAMILIES.values() for kind in kinds} <= set(FIGURE_NAMES)
    assert set(FIGURE_PAIRS) <= set(FIGURE_NAMES)
    assert not any(is_concept(word) for word in ("pie", "chart", ""))


def test_page_is_not_searched_for_beside_the_name_of_a_figure() -> None:
    text = PixelText.load()
    assert text.encode_query("page with a map").tokens == ("map",)
    assert "page" in text.encode_query("page numbering rules").tokens
    assert text.encode_query("front page").tokens == ("front", "page")


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("portrait of a woman in a red dress", [("◆photo",), ("◆colour red",)]),
        ("blue ellipse", [("◆colour blue",)]),
        ("mind map", [("◆map", "◆organisation chart", "◆page plan"), ("◆organisation chart",)]),
        ("green bond", []),
        ("blue bar chart", [("◆bar chart",), ("◆colour blue",)]),
    ],
)
def test_kinds_and_colours_that_a_description_names(query: str, terms: list[tuple[str, ...]]) -> None:
    assert sorted(described_concepts(split_query(query))) == sorted(terms)
