"""Cuts text, Markdown and source files into passages of lines that a model of text reads as one.

A passage ends where something new begins if it can: before a definition, a heading or after a blank line, rather than
in the middle of a function or paragraph. Where it cannot, the next passage repeats some lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

PASSAGE_TOKENS = 400
"""Tokens of a passage at most, as `tokens` estimates them; models of text read 512 and more."""
FILLED = 0.5
"""A passage is cut at the best place behind this share of it."""
REPEATED_LINES = 3
"""Lines that a passage repeats where the one before it was cut between lines that belong together."""
LINE_MAX_CHARS = 1600
"""A longer line, such as of data, is cut into pieces of this many characters, each a line of the same number."""
TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d{1,3}|[^\W\d_a-zA-Z]|_|[^\w\s]+")
"""What tokenizers make a token of, roughly: parts of identifiers, three digits, a letter of another alphabet, signs."""
LETTERS_A_TOKEN = 5
"""Letters of a word that are one token; longer words are several."""
DEFINITION = re.compile(
    r"\s*(?:@\w|#{1,6} |=+ |\*+ |\\(?:sub)*section|(?:export |public |private |protected |static |async |abstract |"
    r"pub |default |final |inline |unsafe |virtual |const |template)*"
    r"(?:def|class|func|fn|function|interface|struct|enum|impl|trait|type|module|namespace|sub|object|protocol|"
    r"extension|CREATE|create)\b)"
)
"""The beginning of a definition in common languages, and of headings in Markdown, AsciiDoc, Org and LaTeX."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The `lines` of a text that belong together; the first of them has the number `first`, the last `last`."""

    first: int
    last: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as they stand in the file."""
        return "\n".join(self.lines)


def passages(lines: Sequence[str], budget: int = PASSAGE_TOKENS) -> list[Passage]:
    """The passages of a text of these lines, in order; each has at most `budget` tokens, or a single line.

    Blank lines at the ends of a passage are left out; a text of blank lines has no passage.

    >>> [(each.first, each.last) for each in passages(["def f():", "    return 1", "", "def g():", "    return 2"], 12)]
    [(1, 2), (4, 5)]
    """
    pieces = [piece for number, line in enumerate(lines, 1) for piece in _pieces(number, line)]
    sizes = [tokens(text) for _, text in pieces]
    breaks = _break_costs([text for _, text in pieces])
    found: list[Passage] = []
    start = 0
    while start < len(pieces):
        if not pieces[start][1].strip():
            start += 1
            continue
        end, used = start + 1, sizes[start]
        while end < len(pieces) and used + sizes[end] <= budget:
            used += sizes[end]
            end += 1
        if end < len(pieces):
            end = _best_end(start, end, sizes, breaks, budget)
        last = end
        while not pieces[last - 1][1].strip():
            last -= 1
        found.append(Passage(pieces[start][0], pieces[last - 1][0], tuple(text for _, text in pieces[start:last])))
        if end == len(pieces):
            break
        is_torn = breaks[end] >= IN_TEXT
        start = max(end - REPEATED_LINES, start + 1) if is_torn and _fits(sizes, end, budget) else end
    return found


def tokens(text: str) -> int:
    """How many tokens a model makes of a text, roughly; with the end of the line.

    >>> tokens("return max_tokens(text)"), tokens("")
    (10, 1)
    """
    return 1 + sum(-(-len(part) // LETTERS_A_TOKEN) for part in TOKEN.findall(text))


BEFORE_DEFINITION, AFTER_BLANK, LESS_INDENTED, IN_TEXT = range(4)
"""How bad it is to cut before a line, from best to worst. A place that is indented is worse than one that is not."""


def _break_costs(lines: Sequence[str]) -> list[float]:
    """How bad it is to cut before each line."""
    costs: list[float] = []
    for at, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        before = lines[at - 1] if at else ""
        depth = min(indent, 40) / 50
        if not line.strip():
            costs.append(IN_TEXT)  # after it is the better place
        elif DEFINITION.match(line) and not before.lstrip().startswith(("@", "#[")):
            costs.append(BEFORE_DEFINITION + depth)
        elif not before.strip():
            costs.append(AFTER_BLANK + depth)
        elif indent < len(before) - len(before.lstrip()):
            costs.append(LESS_INDENTED + depth)
        else:
            costs.append(IN_TEXT)
    return costs


def _best_end(start: int, end: int, sizes: Sequence[int], breaks: Sequence[float], budget: int) -> int:
    """Where to end a passage that could go on to `end`: the best place in its second half, of equals the last."""
    used = accumulate(sizes[start:end])
    behind_half = (at for at, filled in enumerate(used, start + 1) if filled >= FILLED * budget)
    return min((*behind_half, end), key=lambda at: (breaks[at], -at))


def _fits(sizes: Sequence[int], end: int, budget: int) -> bool:
    """Whether the lines that would be repeated before `end` leave half of a passage to new ones."""
    return sum(sizes[max(0, end - REPEATED_LINES) : end]) <= budget * (1 - FILLED)


def _pieces(number: int, line: str) -> list[tuple[int, str]]:
    """A line with its number, or the pieces of a long one."""
    if len(line) <= LINE_MAX_CHARS:
        return [(number, line)]
    return [(number, line[at : at + LINE_MAX_CHARS]) for at in range(0, len(line), LINE_MAX_CHARS)]
