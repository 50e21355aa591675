"""Headings of a page: lines in larger or bolder print than its running text, and titles of tables and figures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

LARGER = 1.15
"""A line is larger than running text from this many times its size."""
BOLD_SHARE = 0.34
"""Share of bold print on a page from which bold is its running text, and tells no headings."""
NEARLY_ALL = 0.9
"""Share of a line's characters in bold from which the line is bold."""
WORDS_MAX, LARGE_WORDS_MAX, TITLE_WORDS_MAX = 14, 20, 30
"""Words of a bold heading, of a heading in larger print, and of the title of a table or figure, at most."""
TITLE = re.compile(
    r"(?:table|tableau|tabelle|tabla|tabella|figure|fig\.|figura|abbildung|abb\.|chart|graph|exhibit|schedule|box|note"
    r"|item|appendix|annex|section|chapter|part)\s*[\divxlc]+[\w.\-]*",
    re.IGNORECASE,
)
"""How the title of a table, a figure or a part of a document begins."""
HEADINGS_MAX_CHARS = 10_000
"""Characters of a page's headings that are kept."""


class PrintedLine(NamedTuple):
    """A line of a page: its text, the size of its font in points, and the share of its characters in bold, 0..1."""

    text: str
    size_pt: float
    bold: float


def headings(lines: Sequence[PrintedLine]) -> str:
    """The headings among the `lines` of a page, each on a line of its own.

    >>> headings([PrintedLine("Debt", 12, 1), PrintedLine("We owe what we owe, as we did.", 9, 0)])
    'Debt'
    """
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size_pt * 2) / 2] += len(line.text)
    characters = sizes.total()
    if not characters:
        return ""
    usual = sizes.most_common(1)[0][0]
    is_bold_rare = sum(len(line.text) * line.bold for line in lines) < BOLD_SHARE * characters
    found = [line.text for line in lines if _is_heading(line, usual, is_bold_rare=is_bold_rare)]
    return "\n".join(found)[:HEADINGS_MAX_CHARS]


def _is_heading(line: PrintedLine, usual_pt: float, *, is_bold_rare: bool) -> bool:
    if not any(map(str.isalpha, line.text)):
        return False
    words = len(line.text.split())
    if line.size_pt >= LARGER * max(usual_pt, 1) and words <= LARGE_WORDS_MAX:
        return True
    if is_bold_rare and line.bold > NEARLY_ALL and words <= WORDS_MAX and line.size_pt >= 0.95 * usual_pt:
        return True
    return words <= TITLE_WORDS_MAX and TITLE.match(line.text) is not None
