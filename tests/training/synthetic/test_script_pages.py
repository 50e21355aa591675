"""Synthetic pages in other scripts: what is labelled is printed there, in the order in which it is read."""

from __future__ import annotations

import random
import re
from itertools import accumulate

import numpy as np
import pytest

from docsearch.engine.models.pixel.units import PAIRED, clusters, is_unit, split_units
from docsearch.training.pixel.labelled_pages import UNREAD
from docsearch.training.synthetic import script_fonts, script_pages
from docsearch.training.synthetic.script_fonts import Fonts
from docsearch.training.synthetic.script_pages import Canvas, Style
from docsearch.training.synthetic.script_words import RIGHT_TO_LEFT, Language, has_letter, punctuated, starts

WORDS = {
    "zh-hans": ("公司", "收入", "报告", "数据库"),
    "ja": ("売上", "でした", "コーヒー"),
    "ko": ("대한", "민국", "보고서"),
    "ar": ("الكتاب", "حزب", "المدرسة"),
    "he": ("שלום", "הבית", "מדעים"),
    "hi": ("हिन्दी", "किताब"),
    "bn": ("বাংলা", "সরকার"),
    "ta": ("தமிழ்", "அரசியல்"),
    "th": ("กำไร", "น้ำเย็น", "เศรษฐกิจ"),
}


def language(code: str) -> Language:
    words = WORDS[code]
    characters = dict.fromkeys(part for word in words if re.match(PAIRED, word) for part in clusters(word))
    return Language(code, words, tuple(accumulate([1.0] * len(words))), tuple(characters))


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    pytest.importorskip("fontTools", reason="needs the extra train")
    try:
        return Fonts.load(tuple(WORDS))
    except FileNotFoundError:
        pytest.skip("fontconfig is not installed")


@pytest.fixture(params=list(WORDS))
def code(request: pytest.FixtureRequest, fonts: Fonts) -> str:
    chosen: str = request.param
    if not fonts.families[chosen]:
        pytest.skip(f"no font for {chosen} is installed")
    return chosen


def test_a_page_has_the_units_of_its_words_where_they_are_printed(code: str, fonts: Fonts) -> None:
    page = script_pages.draw_page(fonts, {code: language(code)}, random.Random(5), least_px=20)
    height, width = page.pixels.shape
    assert (width, height) == script_pages.PAGE_PX
    known = [i for i, word in enumerate(page.words) if word != UNREAD]
    assert len(known) > 10
    for i in known:
        assert split_units(page.words[i]) == [page.words[i]]
        x0, y0, x1, y1 = np.rint(page.boxes[i]).astype(int).clip(0, [width, height] * 2)
        part = page.pixels[y0:y1, x0:x1]
        assert int(part.max()) - int(part.min()) > 40, page.words[i]


def test_words_of_a_line_are_in_reading_order(code: str, fonts: Fonts) -> None:
    canvas = Canvas(900, 60, 255, random.Random(2))
    style = Style(language(code), fonts.choose(code, random.Random(4)), 24, 0)
    canvas.text_line(style, 10, 890, 40)
    lefts = [box[0] for box in canvas.boxes]
    assert len(lefts) > 3
    assert lefts == sorted(lefts, reverse=code in RIGHT_TO_LEFT)


def test_fonts_that_are_held_out_are_not_trained_on(code: str) -> None:
    held_out = script_fonts.families(code, held_out=True)
    assert not held_out.keys() & script_fonts.families(code, held_out=False).keys()
    assert set(held_out) <= set(script_fonts.HELD_OUT[code])


def test_random_words_are_in_their_script(code: str) -> None:
    rng, words = random.Random(3), language(code)
    for _ in range(60):
        word = words.word(rng)
        assert all(is_unit(unit) for unit in split_units(word))
        assert split_units(punctuated(word, words, rng)) == split_units(word)


def test_words_are_cut_between_letters() -> None:
    assert starts("हिन्दी") == [0, 2]
    assert starts("שלום") == [0, 1, 2, 3]
    assert [has_letter(c) for c in ("กำ", "ะ", "แ", "東", "น้ำ")] == [True, False, False, True, True]


def test_a_stretched_word_is_the_same_word() -> None:
    rng = random.Random(1)
    stretched = {script_pages.stretched("المستقبل", rng) for _ in range(20)}
    assert len(stretched) > 3
    assert {unit for word in stretched for unit in split_units(word)} == {"المستقبل"}
    assert script_pages.stretched("دار", rng) == "دار"
