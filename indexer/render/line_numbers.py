"""Tells which lines of a text file stand on each page that a program made of it.

The program breaks long lines and drops markup, so the text of a page is looked up in the file, from where the page
before it ended. Of Markdown only letters and digits are compared: its marks are not on the page.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from ...engine.records import Lines

LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line in editors; Python's `splitlines` knows more."""
WITHIN = 20_000
"""Characters of the file, spaces not counted, among which a line of a page is looked up."""
KEY_CHARS, KEY_CHARS_MIN = 24, 6
"""Characters by which a line is found that does not follow the one before it; one with fewer is not looked for."""
NO_SPACE, LETTERS = re.compile(r"\s+"), re.compile(r"\W+")


class LineNumbers:
    """The lines of a `text` on the pages that it was laid out on; `page_lines` returns the printed lines of a page.

    With `only_letters`, whatever is no letter and no digit is ignored. Pages are numbered from 1.
    """

    def __init__(self, text: str, page_lines: Callable[[int], Sequence[str]], *, only_letters: bool) -> None:
        self._page_lines = page_lines
        self._dropped = LETTERS if only_letters else NO_SPACE
        kept = [self._dropped.sub("", line) for line in split_lines(text)]
        self._text = "".join(kept)
        self._ends = list(accumulate(map(len, kept)))  # of each line, in `_text`
        self._at = 0  # where in `_text` the last page that was looked up ended
        self._found: list[Lines] = []

    def of_page(self, page: int) -> Lines:
        """The first and the last line on a page. All pages before it are looked up first, each once."""
        while len(self._found) < page:
            self._found.append(self._next(self._page_lines(len(self._found) + 1)))
        return self._found[page - 1]

    def _next(self, printed: Sequence[str]) -> Lines:
        first = None
        for line in printed:
            key = self._dropped.sub("", line)
            if not key:
                continue
            start, length = self._at, len(key)
            if not self._text.startswith(key, start):
                length = min(length, KEY_CHARS)
                start = self._text.find(key[:length], start, start + WITHIN) if length >= KEY_CHARS_MIN else -1
            if start >= 0:
                first = start if first is None else first
                self._at = start + length
        return self._line(self._at if first is None else first), self._line(max(self._at - 1, 0))

    def _line(self, at: int) -> int:
        """The number of the line that has the character at this place of `_text`."""
        return min(bisect_right(self._ends, at), len(self._ends) - 1) + 1


def split_lines(text: str) -> list[str]:
    r"""The lines of a text, as editors number them.

    >>> split_lines("one\r\ntwo\n")
    ['one', 'two']
    """
    lines = LINE_END.split(text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines
