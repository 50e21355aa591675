"""Pages of text files know the lines that stand on them, whatever was broken or left out by the layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pymupdf", reason="MuPDF lays texts out")

import itertools

from docsearch.indexer.discover import Document
from docsearch.indexer.render.line_numbers import LineNumbers, split_lines
from docsearch.indexer.render.process import RenderProcess, RenderSettings
from docsearch.indexer.render.renderer import DocumentFailed, PageRendered, Renderer


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer(dpi=40, max_pixels=1_000_000) as renderer:
        yield renderer


@pytest.fixture(scope="module")
def cutting() -> Iterator[Renderer]:
    with Renderer(dpi=40, max_pixels=1_000_000, passages=True) as renderer:
        yield renderer


def pages(renderer: Renderer, file: Path) -> list[PageRendered]:
    events = list(renderer.render([(Document(file.name, file, 0, 0), frozenset())]))
    return [event for event in events if isinstance(event, PageRendered)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_a_text_are_counted_as_editors_do(renderer: Renderer, tmp_path: Path, end: str) -> None:
    lines = [f"line number {number}" + (" with many more words" * (number % 9)) for number in range(1, 301)]
    lines[100:140] = [""] * 40
    (tmp_path / "a.txt").write_bytes(end.join(lines).encode())
    shown = pages(renderer, tmp_path / "a.txt")
    assert len(shown) > 5
    for page in shown:
        assert page.lines is not None
        printed = [int(line.split()[2]) for line in page.image.text.splitlines() if line.startswith("line number")]
        first, last = page.lines
        assert {*printed} <= {*range(first, last + 1)}
        assert first in (printed[0], printed[0] - 1)  # the rest of a line that began on the page before
        assert last == printed[-1]
        assert not page.image.is_passage


def test_lines_of_source_code_are_those_on_the_page(renderer: Renderer, tmp_path: Path) -> None:
    lines = [f"    value_{number} = {{{number}: [(1, 2), 'x']}}  # {number}" for number in range(1, 201)]
    (tmp_path / "a.py").write_text("\n".join(lines) + "\n")
    shown = pages(renderer, tmp_path / "a.py")
    found = [page.lines for page in shown]
    assert found[0] is not None
    assert found[-1] is not None
    assert (found[0][0], found[-1][1]) == (1, 200)
    assert all(one[1] + 1 == other[0] for one, other in itertools.pairwise(found) if one and other)


def test_lines_of_markdown_are_those_of_the_file(renderer: Renderer, tmp_path: Path) -> None:
    parts = [
        f"## Part {number}\n\nSome *words* of `part{number}`, [a link](https://example.com/{number}).\n\n"
        f"- **one** item {number}\n- another item\n\n```\ncode_{number}()\n```\n"
        for number in range(40)
    ]
    text = "\n".join(parts)
    (tmp_path / "a.md").write_text(text)
    lines = split_lines(text)
    shown = pages(renderer, tmp_path / "a.md")
    assert len(shown) > 3
    for page in shown:
        assert page.lines is not None
        first, last = page.lines
        headings = [line for line in page.image.text.splitlines() if line.startswith("Part ")]
        for heading in headings:
            assert first <= lines.index(f"## {heading}") + 1 <= last
        assert last - first < 90


def test_other_documents_have_no_lines(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>Some words</p>")
    assert [page.lines for page in pages(renderer, tmp_path / "a.html")] == [None]


def test_a_line_that_is_not_found_costs_itself_only() -> None:
    printed = {1: ["one two", "\ufffd\ufffd", "five six"], 2: ["seven", "nothing like it in the file", "nine ten"]}
    found = LineNumbers(
        "one two\n\x01\x02\nfive six\nseven\n\nnine ten", lambda page: printed[page], only_letters=False
    )
    assert found.of_page(2) == (4, 6)
    assert found.of_page(1) == (1, 3)


def test_passages_are_pages_with_their_text_as_it_stands(cutting: Renderer, tmp_path: Path) -> None:
    body = "\n".join(f"    total += prices[{number}]  # {number}" for number in range(20))
    text = "\n\n\n".join(f"def part_{number}(prices):\n{body}" for number in range(12))
    (tmp_path / "a.py").write_text(text)
    lines, shown = split_lines(text), pages(cutting, tmp_path / "a.py")
    assert len(shown) == 12
    for page in shown:
        assert page.lines is not None
        first, last = page.lines
        assert page.image.text == "\n".join(lines[first - 1 : last])
        assert page.image.text.startswith("def part_")
        assert page.image.is_passage
        assert (page.image.pixels < 128).any()


def test_a_passage_is_one_page_however_long(tmp_path: Path, cutting: Renderer) -> None:
    (tmp_path / "a.csv").write_text("\n".join("1 " * 3 for _ in range(90)))
    (page,) = pages(cutting, tmp_path / "a.csv")
    assert page.lines == (1, 90)
    assert page.size_pt[1] > 1000


def test_a_text_without_words_fails_as_a_passage_does(cutting: Renderer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" \n\n ")
    (event,) = cutting.render([(Document("a.txt", tmp_path / "a.txt", 0, 0), frozenset())])
    assert isinstance(event, DocumentFailed)
    assert event.reason == "the file has no text"


def test_one_process_renders_a_file_as_pages_and_as_passages(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n    return 1\n" * 60)
    process = RenderProcess(RenderSettings(40, 1_000_000, lines=True))
    try:
        as_page = process.render(tmp_path / "a.py", 1)
        as_passage = process.render(tmp_path / "a.py", 1, passages=True)
        assert process.render(tmp_path / "a.py", 1) is not None
        assert as_page.lines is not None
        assert as_passage.lines is not None
        assert as_page.lines[1] != as_passage.lines[1]
    finally:
        process.close()
