from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.models.pixel.concepts import (
    COLOURED,
    COLOURS,
    CONCEPTS,
    FAMILIES,
    FAMILY,
    KINDS,
    NAMES,
    PAGE_KINDS,
    PAGES,
    PAINTED,
    WHOLE_PAGE,
    is_concept,
    shown_by,
)
from docsearch.engine.models.pixel.heads import load
from docsearch.engine.models.pixel.pages import grouped
from docsearch.engine.models.pixel.spec import CEILING, FLOOR
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.words import normal_form, split_query, word_features


def test_a_concept_is_one_feature_of_its_own() -> None:
    concepts = (*CONCEPTS, *FAMILY, *WHOLE_PAGE, *PAINTED)
    features = {int(feature) for concept in concepts for feature in word_features(concept)}
    assert len(features) == len(concepts)
    assert len(word_features("chart")) > 1


def test_concepts_resemble_neither_each_other_nor_words() -> None:
    text = PixelText.load()
    concepts = np.stack([*text.concepts.values()])
    assert set(text.concepts) == {*CONCEPTS, *FAMILY, *WHOLE_PAGE, *PAINTED}
    assert np.abs(concepts @ concepts.T - np.eye(len(concepts))).max() < 0.01
    words = text.embed(["petra", "kväll", "eduardo", "table", "signature", "cover", "βιβλίο", "карта", "1,577.5"])[0]
    assert np.abs(words @ concepts.T).max() < 0.2


def test_what_is_told_has_the_cosine_that_it_is_sure_of() -> None:
    figures = load()[0]
    sure = np.zeros((3, len(figures.vectors)), np.float32)
    sure[0, [1, 30]] = 1, 0.5
    sure[2, [4, 5, 31]] = 0.25, 1, 0.75
    rows, vectors = figures.tell(sure, together=2)
    assert sorted(rows.tolist()) == [0, 2, 2]
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-2
    cosine = vectors @ figures.vectors.numpy().T
    told = ((cosine - FLOOR) / (CEILING - FLOOR)).clip(0, 1)
    found = np.stack([told[rows == row].max(axis=0, initial=0) for row in range(3)])
    assert np.abs(found - sure).max() < 0.03


def test_blocks_are_told_once_a_group_where_they_show_something() -> None:
    sure = np.zeros((3, 5, 2), np.float32)
    sure[0, 1, 0], sure[1, 0, 1], sure[2, 4, 0] = 0.5, 0.25, 1
    told, boxes = grouped(sure)
    assert told.shape == (6, 2)
    assert told[0].tolist() == [0.5, 0.25]
    assert boxes[0].tolist() == [0, 0, 2, 2]
    assert told[5].tolist() == [1, 0]
    assert boxes[5].tolist() == [4, 2, 5, 3]
    assert not told[1:5].any()


def test_names_are_words_as_queries_are_split() -> None:
    lists = [*NAMES.values(), *PAGES.values(), *COLOURS.values(), COLOURED]
    lists += [words for words, _ in FAMILIES.values()]
    lists += [half for kinds in (KINDS, PAGE_KINDS) for halves in kinds.values() for half in halves]
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
def test_words_name_what_pictures_show(query: str, word: str, concepts: tuple[str, ...]) -> None:
    assert shown_by(split_query(query)).get(word, ()) == concepts


def test_kinds_of_a_family_are_kinds() -> None:
    assert {kind for _, kinds in FAMILIES.values() for kind in kinds} <= set(NAMES)
    assert set(KINDS) <= set(NAMES)
    assert not any(is_concept(word) for word in ("pie", "chart", ""))


def test_a_page_that_holds_a_picture_is_no_word_to_search_for() -> None:
    text = PixelText.load()
    assert text.encode_query("page with a map").tokens == ("map",)
    assert "page" in text.encode_query("page numbering rules").tokens
    assert text.encode_query("front page").tokens == ("front", "page")
