from __future__ import annotations

import json

import pytest

from docsearch.engine.hits import Hits
from docsearch.engine.printable import UNSAFE_IN_TEXT, json_line, printable, printable_text
from docsearch.engine.records import Hit, PageRef

HOSTILE = "a\x1b[2J\x07\x9b31m\nb\tc\r\u202egpj.\u2028\u2066\U000e0041\x7f\udc80.pdf"


def test_nothing_that_a_terminal_obeys_is_left() -> None:
    shown = printable(HOSTILE)
    assert shown.isprintable()
    assert printable(shown) == shown
    assert shown.encode("utf-8")


@pytest.mark.parametrize(
    "name", ["Straße 1.pdf", "日本語.pdf", "עברית.pdf", "e\u0301.pdf", "C:\\new\\table.pdf", "👩‍🔬.png"]
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert printable(name) == name


def test_text_keeps_its_lines() -> None:
    assert printable_text("a\r\nb\tc\x1b[1m\n") == "a\nb\tc\\x1b[1m\n"


def test_hits_in_a_notebook_have_one_line_each() -> None:
    hits = Hits([Hit(PageRef("a" * 16, HOSTILE, 1), 0.5, rank) for rank in (1, 2)], "revenue")
    assert UNSAFE_IN_TEXT.search(repr(hits) + hits._repr_html_()) is None
    assert repr(hits).count("\n") == 2


def test_json_has_no_unsafe_character_and_the_same_value() -> None:
    line = json_line({"path": HOSTILE, "other": "Straße"})
    assert line.isprintable()
    assert "Straße" in line
    assert json.loads(line) == {"path": HOSTILE, "other": "Straße"}
