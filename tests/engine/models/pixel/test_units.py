"""Units of other scripts: a query is cut as a page is, with one spelling for what is written in several ways."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from docsearch.engine.models.pixel.units import (
    BUCKETS,
    clusters,
    is_unit,
    simplify,
    split_units,
    spotted_spellings,
    spotted_words,
    unit_features,
)
from docsearch.engine.models.pixel.words import split_words


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("數據庫", ["數據", "據庫"]),
        ("网", ["网"]),
        ("第3回、東京", ["第", "回", "東京"]),
        ("すし屋", ["すし", "し屋"]),
        ("ｺｰﾋｰ", ["コー", "ーヒ", "ヒー"]),
        ("대한민국 만세", ["대한", "한민", "민국", "만세"]),
        ("กำไรสุทธิ", ["กำไร", "ไรสุ", "สุท", "ทธิ"]),
        ("مَدْرَسَة، كـــتاب", ["مدرسه", "كتاب"]),
        ("ﻛﺘﺎﺏ", ["كتاب"]),
        ("שָׁלוֹם צה״ל", ["שלום", "צהל"]),
        ("हिन्दी में ज़रूर", ["हिन्दी", "में", "जरूर"]),
        ("বাংলা। தமிழ்", ["বাংলা", "தமிழ்"]),
        ("Latin, Ελληνικά, кириллица 2024", []),
    ],
)
def test_units_of_a_text(text: str, units: list[str]) -> None:
    assert split_units(text) == units


@pytest.mark.parametrize("text", ["हिन्दी", "cafe\u0301", "বাংলা", "தமிழ்", "שָׁלוֹם", "नि:शुल्क"[:2], "ไทย"])
def test_a_word_is_not_cut_at_its_marks(text: str) -> None:
    assert len(split_words(text)) == 1


def test_a_pair_is_cut_into_the_clusters_it_was_made_of() -> None:
    for run in ("น้ำเย็นที่สุด", "東京都庁", "เศรษฐกิจไทย"):
        parts = clusters(run)
        assert all(clusters(a + b) == [a, b] for a, b in pairwise(parts))


def test_words_and_units_of_a_query_stay_in_order() -> None:
    assert spotted_words("Toyota トヨタ 2024年 GDP") == ["toyota", "トヨ", "ヨタ", "2024", "年", "gdp"]
    assert spotted_words("margin in FY2022") == ["margin", "in", "fy2022", "2022"]


def test_a_unit_is_shown_as_the_query_spells_it() -> None:
    assert spotted_spellings("«المدرسة» 東京 Margins")["المدرسه"].strip("«»") == "المدرسة"
    assert spotted_spellings("東京 Margins") == {"margin": "Margins"}


def test_what_is_a_unit() -> None:
    assert [is_unit(word) for word in ("東京", "هذا", "हिन्दी", "margin", "1,577.5", "κόσμος", "")] == [True] * 3 + [
        False
    ] * 4


def test_a_pair_has_the_features_of_its_parts() -> None:
    """So a pair that training never saw has a vector made of others."""

    def features(unit: str) -> set[int]:
        return set(unit_features(unit).tolist())

    assert features("東京") <= features("東海") | features("北京")
    assert features("東京") != features("京東")
    assert features("대한") & features("대학")
    assert all(0 <= i < BUCKETS for unit in ("東京", "น้ำเย็", "المدرسه") for i in features(unit))
    assert unit_features("東京").dtype == np.int64


def test_simple_spelling_leaves_other_text_alone() -> None:
    text = "Société Générale, naïve Ἑλλάς й"
    assert simplify(text) == text
