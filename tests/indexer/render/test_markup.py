"""Web pages are laid out as browsers show them: nothing is cut off in silence, and words stay apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pymupdf", reason="MuPDF lays these pages out")

from docsearch.indexer.render.laid_out import LaidOutDocument, open_laid_out
from docsearch.indexer.render.markup import GRID, from_markdown, self_contained


def test_no_column_of_a_wide_table_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "wide.md"
    names = [f"Column{number:02}withalongname" for number in range(16)]
    file.write_text(f"| {' | '.join(names)} |\n{'|---' * len(names)}|\n| {' | '.join('x' * len(names))} |\n")
    document = open_laid_out(file)
    bitmap = document.render(1, dpi=72, max_pixels=10_000_000)
    assert bitmap.width > bitmap.height
    assert isinstance(document, LaidOutDocument)
    assert document.needed_width_pt() < bitmap.size_pt[0]
    assert all(name in document.text() for name in names)
    assert document.unread() == []


def test_a_table_that_is_wider_than_any_page_is_told(tmp_path: Path) -> None:
    file = tmp_path / "wide.html"
    file.write_text("<table><tr>" + "<td>averyverylongwordinacell" * 100 + "</table>")
    document = open_laid_out(file)
    assert [unread.detail for unread in document.unread()] == [
        "a table that is too wide for a page is cut off at its right"
    ]


def test_lines_that_a_page_would_not_break_are_broken(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    line = " ".join(f"word{number}" for number in range(60))
    file.write_text(
        f"<style>.a{{white-space: nowrap}}</style><p class=a>{line}</p><p style='white-space:pre'>{line}</p>"
        f"<p>{'longword' * 40}</p>"
    )
    document = open_laid_out(file)
    assert isinstance(document, LaidOutDocument)
    assert document.needed_width_pt() <= 595


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("<nav><a>Home</a><a>Products</a></nav>", "Home Products"),
        ("<select><option>one<option>two</select>", "one two"),
        ("<details><summary>More</summary>Hidden</details>", "More Hidden"),
        ("<input value='typed'> <input type=hidden value=secret>", "typed"),
        ("<noscript>Enable scripts</noscript>Page", "Page"),
    ],
    ids=["links", "choices", "details", "fields", "no script"],
)
def test_words_that_browsers_put_apart_stay_apart(tmp_path: Path, markup: str, shown: str) -> None:
    file = tmp_path / "a.html"
    file.write_text(markup)
    document = open_laid_out(file)
    document.render(1, dpi=40, max_pixels=1_000_000)
    assert " ".join(document.text().split()) == shown


def test_a_drawing_in_a_page_is_drawn_in_its_colours(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text(
        "<svg width=200 height=100 viewBox='0 0 200 100'><rect width=200 height=100 fill='#ff0000' /></svg>"
        "<svg width=50 height=50><rect width=50 height=50 fill='url(http://example.org/x#y)' /></svg>"
    )
    document = open_laid_out(file)
    bitmap = document.render(1, dpi=72, max_pixels=1_000_000)
    pixels = np.frombuffer(bytes(bitmap.rgb), np.uint8).reshape(-1, 3)
    assert (pixels == (255, 0, 0)).all(axis=1).sum() > 15_000


@pytest.mark.parametrize(
    "markup",
    [
        "<div style='margin-left:900px'>far</div>",
        "<div style='width:2000px;text-align:right'>far</div>",
        "<style>div{margin-left:40px}</style>" + "<div>" * 40 + "far",
    ],
)
def test_a_page_is_as_wide_as_what_is_shifted_to_the_right(tmp_path: Path, markup: str) -> None:
    (tmp_path / "a.html").write_text(markup)
    document = open_laid_out(tmp_path / "a.html")
    document.render(1, dpi=72, max_pixels=10_000_000)
    assert document.text().strip() == "far"
    assert document.unread() == []


def test_what_begins_beyond_the_widest_page_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<div style='margin-left:90000px'>far</div>near")
    document = open_laid_out(tmp_path / "a.html")
    assert [each.detail for each in document.unread()] == ["what is too wide for a page is cut off at its right"]
    document.render(1, dpi=72, max_pixels=1_000_000)
    assert document.text().strip() == "near"


def test_elements_without_end_tags_are_not_taken_to_be_in_each_other() -> None:
    rows = "<tr><td>a<td>b" * 200
    page = f"<table><thead><tr><th>h<tbody>{rows}</table><ul>{'<li>c<p>d' * 200}</ul>{'<p>e<br>f' * 200}"
    written = self_contained(page)
    assert [written.count(f"<{tag}>") for tag in ("td", "li", "p")] == [400, 200, 400]


def test_a_long_table_is_split_between_rows_that_no_cell_joins() -> None:
    rows = "<tr><td>a</td><td>b</td></tr>"
    whole = self_contained(f"<table class=a>{rows * 1000}</table>")
    assert whole.count("<table") == 1
    assert self_contained(f"<table class=a>{rows * 2001}</table>").count('</table><table class="a">') == 2
    joined = self_contained(f"<table>{rows * 998}<tr><td rowspan=40>c</td></tr>{rows * 100}</table>")
    first, _, second = joined.partition("</table><table>")
    assert (first.count("<tr"), second.count("<tr")) == (998 + 40, 61)
    inner = self_contained(f"<table>{rows * 999}<tr><td><table>{rows * 3}</table></td></tr></table>")
    assert inner.count("<table") == 2


def test_only_tables_of_data_have_lines() -> None:
    assert f'class="{GRID}"' in self_contained("<table><tr><th>Item<td>Price</table>")
    assert f'class="a {GRID}"' in self_contained("<table class=a border=1><tr><td>Item</table>")
    layout = self_contained("<table border=0><tr><td>Left<td>Right</table><table><tr><th>x</table>")
    assert layout.count(f'class="{GRID}"') == 1


def test_lists_and_quotations_of_markdown_in_each_other_are_read_to_the_innermost() -> None:
    lists = "".join(f"{'  ' * number}- item{number}\n" for number in range(60)) + "\nafter"
    quotations = "".join(f"{'> ' * number}word{number}\n\n" for number in range(60)) + "after"
    for text, word in ((lists, "item"), (quotations, "word")):
        shown = from_markdown(text)
        assert all(f"{word}{number}" in shown for number in range(60))
        assert "after" in shown
