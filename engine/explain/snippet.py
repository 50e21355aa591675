"""Snippets: the passage of a page's text that holds most of a question's words, with the places of these words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..details import Snippet
from ..models.pixel.words import composed
from ..query.terms import UNSPACED
from ..records import SoughtWord
from .text_matches import TextMatch, find

SNIPPET_CHARS = 150
"""Characters of a snippet: about two lines of a terminal."""
BEFORE = 0.35
"""Share of the context of a snippet's matches that stands before them."""
MATCHES_READ = 2000
"""Matches of a text that are looked at; no page meant for people has more."""
ELLIPSIS = "…"
SPACE = re.compile(r"\s+")
CONTROL = re.compile(r"(?!\s)[\x00-\x1f\x7f-\x9f]")
"""What some text layers have in place of a bullet or an arrow; shown as a space."""


def snippet(text: str, sought: Sequence[SoughtWord], *, chars: int = SNIPPET_CHARS) -> Snippet | None:
    """The passage of about `chars` characters of a text that holds most of the `sought` words, by their weights.

    Of equal passages the one with more matches is taken, then the first; without any match, the start of the text.
    White space is single, and "…" marks where the text goes on. None for a text without words.

    >>> found = snippet("Costs rose. The margin was 12 %. Staff left.", [SoughtWord(("margin",), 1.0, {})], chars=26)
    >>> found.text, [found.text[start:end] for start, end in found.spans]
    ('… The margin was 12 %. …', ['margin'])
    """
    text = CONTROL.sub(" ", composed(text))
    if not text.strip():
        return None
    matches = find(text, sought)[:MATCHES_READ]
    first, last = _densest(matches, sought, chars)
    held = matches[first:last]
    start, end = (
        _around(text, held[0].start, max(match.end for match in held), chars) if held else _around(text, 0, 0, chars)
    )
    return _cut(
        text, start, end, [(match.start, match.end) for match in matches if match.end > start and match.start < end]
    )


def passage_snippet(text: str, start: int, end: int, sought: Sequence[SoughtWord]) -> Snippet:
    """The characters `start` to `end` of a text as a snippet, in which the `sought` words are marked.

    >>> found = passage_snippet("Costs rose. Staff left.", 12, 23, [SoughtWord(("staff",), 1.0, {})])
    >>> found.text, found.spans
    ('… Staff left.', ((2, 7),))
    """
    pieces = [CONTROL.sub(" ", composed(piece)) for piece in (text[:start], text[start:end], text[end:])]
    start, end = len(pieces[0]), len(pieces[0]) + len(pieces[1])
    matches = [(start + each.start, start + each.end) for each in find(pieces[1], sought)[:MATCHES_READ]]
    return _cut("".join(pieces), start, end, matches)


def has_match(text: str, sought: Sequence[SoughtWord]) -> bool:
    """Whether a text has any of the `sought` words."""
    return bool(find(CONTROL.sub(" ", composed(text)), sought))


def _densest(matches: Sequence[TextMatch], sought: Sequence[SoughtWord], chars: int) -> tuple[int, int]:
    """The first of the matches of the best passage of at most `chars` characters, and the one after its last."""
    best, chosen = (0.0, 0), (0, 0)
    for first in range(len(matches)):
        worth = [0.0] * len(sought)
        for last in range(first, len(matches)):
            match = matches[last]
            if match.end - matches[first].start > chars:
                break
            worth[match.word] = max(worth[match.word], sought[match.word].weight * match.strength)
            found = (round(sum(worth), 6), last - first)
            if found > best or chosen == (0, 0):
                best, chosen = found, (first, last + 1)
    return chosen


def _around(text: str, first: int, last: int, chars: int) -> tuple[int, int]:
    """Where a passage of about `chars` characters with those from `first` to `last` starts and ends, between words."""
    context = max(0, chars - (last - first))
    start = max(0, first - round(context * BEFORE))
    end = min(len(text), start + chars)
    start = max(0, min(start, end - chars))
    while 0 < start < first and not _is_between_words(text, start):
        start += 1
    while last < end < len(text) and not _is_between_words(text, end):
        end -= 1
    return start, max(end, last)


def _is_between_words(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    return before.isspace() or after.isspace() or bool(UNSPACED.match(before) or UNSPACED.match(after))


def _cut(text: str, start: int, end: int, matches: Sequence[tuple[int, int]]) -> Snippet:
    """The passage from `start` to `end` with single spaces, and the places of `matches` in it, joined if they meet."""
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end -= len(text[start:end]) - len(text[start:end].rstrip())
    out = [f"{ELLIPSIS} "] if text[:start].strip() else []
    spans: list[tuple[int, int]] = []
    length, at = sum(map(len, out)), start
    for first, last in _joined(matches):
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        for piece, is_match in ((text[at:first], False), (text[first:last], True)):
            single = SPACE.sub(" ", piece)
            if is_match:
                spans.append((length, length + len(single)))
            out.append(single)
            length += len(single)
        at = last
    out.append(SPACE.sub(" ", text[at:end]))
    if text[end:].strip():
        out.append(f" {ELLIPSIS}")
    return Snippet("".join(out), tuple(spans))


def _joined(matches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Matches in order, those that touch or overlap as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(matches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
