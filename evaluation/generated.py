"""Known-item questions from the text layers of an index: synthetic, for people who have no questions of their own.

A question is a piece of a page's text that no other page has all words of: a distinctive phrase, a title, or the label
of a table row. Known-item search: Azzopardi, de Rijke and Balog, "Building simulated queries for known-item topics",
2007.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..engine.printable import printable
from ..engine.query.terms import terms_of
from ..engine.store import Snapshot

PHRASE_WORDS = range(5, 9)
TITLE_WORDS = range(3, 11)
LABEL_WORDS = range(2, 9)
TITLE_LINES = 3
"""A title is among so many first lines of a page."""
ROW_NUMBERS = 2
"""A table row has at least so many numbers after its label."""
DRAWN = 3
"""Pages that are looked at for each question: not every page has a text that sets it apart."""
SPARE = 2
"""Pieces of a page that are tried, of each kind."""
SENTENCE_ENDS = (".", ";", "?", "!", ":")
KINDS = ("phrase", "title", "table row")
WORD = re.compile(r"[^\W\d_]{2,}")
NUMBER = re.compile(r"[\s$€£¥(+\-–−.]*\d[\d.,\s%()$€£¥]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text of the page `row`, with its `terms`, and the mean inverse document frequency of them."""

    row: int
    kind: str
    text: str
    terms: frozenset[str]
    idf: float


def questions(snapshot: Snapshot, count: int, *, seed: int = 0) -> list[dict[str, object]]:
    """At most `count` questions as rows of a question file, in the order of documents and pages.

    Pages are drawn at random, and kinds take turns. The same index and seed give the same questions. Reads every text
    layer twice; the memory is that of the vocabulary.
    """
    rows = _rows(snapshot)
    frequency: Counter[str] = Counter()
    for row in rows:
        frequency.update(set(terms_of(snapshot.text(row))))
    order = np.random.default_rng(seed).permutation(rows)[: DRAWN * count].tolist()
    pieces = [piece for row in order for piece in _pieces(row, snapshot.text(row), frequency, len(rows))]
    unique = _on_one_page(snapshot, rows, pieces, frequency)
    chosen = _by_turns(unique, order, count)
    refs = snapshot.refs([piece.row for piece in chosen])
    found = sorted(zip(refs, chosen, strict=True), key=lambda each: (each[0].path, each[0].page))
    return [
        {
            "query_id": f"synthetic-{number}",
            "query": piece.text,
            "path": ref.path,
            "page": ref.page,
            "kind": piece.kind,
            "synthetic": True,
        }
        for number, (ref, piece) in enumerate(found, 1)
    ]


def _rows(snapshot: Snapshot) -> list[int]:
    """All pages, each content once, in an order that does not depend on the history of the index."""
    order = snapshot.page_order()
    shown = np.arange(len(snapshot)) if snapshot.copies is None else snapshot.copies.shown
    rows: list[int] = shown[np.argsort(order[shown])].tolist()
    return rows


def _pieces(row: int, text: str, frequency: Counter[str], pages: int) -> Iterator[Piece]:
    """The most distinctive pieces of each kind on a page."""
    lines = [" ".join(printable(line).split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    for kind, texts in (
        ("phrase", _phrases(lines)),
        ("title", [line for line in lines[:TITLE_LINES] if _is_title(line)]),
        ("table row", _labels(lines)),
    ):
        found = []
        for each in dict.fromkeys(texts):
            terms = frozenset(terms_of(each))
            if terms:
                idf = sum(math.log(1 + pages / max(frequency[term], 1)) for term in terms) / len(terms)
                found.append(Piece(row, kind, each, terms, idf))
        yield from sorted(found, key=lambda piece: (-piece.idf, piece.text))[:SPARE]


def _phrases(lines: list[str]) -> Iterator[str]:
    """Runs of words within a line and a sentence; a hyphenated word at the end of the line is left out."""
    for line in lines:
        words = line.split()
        if words and words[-1].endswith(("-", "\xad")):
            words.pop()
        for size in PHRASE_WORDS:
            for first in range(len(words) - size + 1):
                run = words[first : first + size]
                is_text = WORD.search(run[0]) and WORD.search(run[-1]) and sum(map(_has_word, run)) >= size - 1
                if is_text and not any(word.endswith(SENTENCE_ENDS) for word in run[:-1]):
                    yield " ".join(run).strip(" .,;:()[]“”\"'")


def _has_word(text: str) -> bool:
    return WORD.search(text) is not None


def _is_title(line: str) -> bool:
    words = line.split()
    if line[0].islower():  # the second half of a sentence
        return False
    return len(words) in TITLE_WORDS and bool(WORD.match(words[0])) and not line.endswith((".", ",", ";", "-"))


def _labels(lines: list[str]) -> Iterator[str]:
    """Labels of table rows: words with at least ROW_NUMBERS numbers after them, on their line or on the next ones."""
    for i, line in enumerate(lines):
        if not WORD.match(line) or line[0].islower():  # the latter is the second half of a sentence
            continue
        words = line.split()
        numbers = 0
        while words and NUMBER.fullmatch(words[-1]):
            words.pop()
            numbers += 1
        following = lines[i + 1 : i + 1 + ROW_NUMBERS]
        is_row = numbers >= ROW_NUMBERS or (
            not numbers and len(following) == ROW_NUMBERS and all(NUMBER.fullmatch(each) for each in following)
        )
        if is_row and len(words) in LABEL_WORDS:
            yield " ".join(words).strip(" .:")


def _on_one_page(snapshot: Snapshot, rows: list[int], pieces: list[Piece], frequency: Counter[str]) -> list[Piece]:
    """The pieces whose words are not all on another page as well."""
    by_rarest: dict[str, list[int]] = {}
    for i, piece in enumerate(pieces):
        by_rarest.setdefault(min(piece.terms, key=lambda term: (frequency[term], term)), []).append(i)
    elsewhere: set[int] = set()
    for row in rows:
        terms = set(terms_of(snapshot.text(row)))
        for term in terms & by_rarest.keys():
            elsewhere.update(i for i in by_rarest[term] if pieces[i].row != row and pieces[i].terms <= terms)
    return [piece for i, piece in enumerate(pieces) if i not in elsewhere]


def _by_turns(pieces: list[Piece], order: list[int], count: int) -> list[Piece]:
    """One piece of each page in `order` until there are `count`, of the kind that was used least so far."""
    by_row: dict[int, list[Piece]] = {}
    for piece in pieces:
        by_row.setdefault(piece.row, []).append(piece)
    used: Counter[str] = Counter()
    chosen: list[Piece] = []
    for row in order:
        if len(chosen) == count:
            break
        if row in by_row:
            best = min(by_row[row], key=lambda piece: (used[piece.kind], KINDS.index(piece.kind), -piece.idf))
            used[best.kind] += 1
            chosen.append(best)
    return chosen
