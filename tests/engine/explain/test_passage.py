"""Where on a page a passage stands: boxes of its lines, from the words of the page's text layer."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.explain.passage import line_boxes
from docsearch.engine.records import PageWords

LINES = ("the margin of the year", "was twelve per cent, and", "staff left the margin")
TEXT = "\n".join(LINES)


def page(lines: tuple[str, ...] = LINES) -> PageWords:
    """Lines of a page, a tenth of its height each, whose words are a tenth of its width each."""
    words = [(word, x, y) for y, line in enumerate(lines) for x, word in enumerate(line.split())]
    boxes = [(0.1 * x, 0.1 * y, 0.1 * x + 0.09, 0.1 * y + 0.05) for _, x, y in words]
    return PageWords(tuple(word for word, _, _ in words), np.array(boxes, np.float32).reshape(-1, 4))


def test_a_passage_within_a_line_has_its_words() -> None:
    start = TEXT.index("twelve")
    boxes = line_boxes(TEXT, start, start + len("twelve per"), page())
    np.testing.assert_allclose(boxes, [[0.1, 0.1, 0.29, 0.15]], atol=1e-6)


def test_a_passage_over_several_lines_has_a_box_for_each() -> None:
    boxes = line_boxes(TEXT, TEXT.index("year"), TEXT.index("left"), page())
    np.testing.assert_allclose(boxes, [[0.4, 0, 0.49, 0.05], [0, 0.1, 0.49, 0.15], [0, 0.2, 0.09, 0.25]], atol=1e-6)


def test_words_that_stand_on_the_page_twice_are_marked_where_the_passage_is() -> None:
    start = TEXT.rindex("the margin")
    boxes = line_boxes(TEXT, start, len(TEXT), page())
    np.testing.assert_allclose(boxes, [[0.2, 0.2, 0.39, 0.25]], atol=1e-6)


def test_words_that_the_text_has_otherwise_are_passed_over() -> None:
    hyphenated = "the margin of the year was twelve per cent, and staff left the margin"
    cut = page(("the mar- gin of the year", *LINES[1:]))
    start = hyphenated.index("staff")
    np.testing.assert_allclose(line_boxes(hyphenated, start, start + 10, cut), [[0, 0.2, 0.19, 0.25]], atol=1e-6)


@pytest.mark.parametrize("lines", [("quite another page", "was made of it"), ()])
def test_a_page_that_has_changed_has_none(lines: tuple[str, ...]) -> None:
    assert line_boxes(TEXT, TEXT.index("twelve"), len(TEXT), page(lines)).shape == (0, 4)
