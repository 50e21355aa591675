"""Reading and validating the rows of `docsearch train`: questions with what answers them, and pairs with scores.

A file has one JSON object per line, {"query": …, "image": …, "page": …, "negatives": […]}. `image` is the path of a
picture or a PDF, relative to the file; `page` counts from 1 and is required for PDFs. A passage that answers is `text`
instead. `negatives` do not answer: each is the path of a picture, or an object with `image` and `page`, or with `text`.
A pair is {"pair": [text, text], "score": …}; a higher score says that the texts are more alike. Other keys are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ...engine import json_text
from ...engine.errors import UsageError
from ...engine.json_text import NotJson
from ...indexer.kinds import IMAGE_SUFFIXES, SUFFIXES

T = TypeVar("T")
SHOWN_CHARS = 40
"""Characters of a text that messages show."""
PROBLEMS_SHOWN = 5
"""Problems listed in one error message, at most."""
EXAMPLE = '{"query": "notice period", "image": "contract.pdf", "page": 3, "negatives": [{"image": "offer.png"}]}'


@dataclass(frozen=True, slots=True, order=True)
class PageKey:
    """One page: the absolute path of its file, and its number, from 1."""

    file: Path
    page: int

    def __str__(self) -> str:
        return f"{self.file}, page {self.page}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that answers a question, or does not."""

    text: str

    def __str__(self) -> str:
        return f"the text {self.text[:SHOWN_CHARS]!r}"


Document = PageKey | Passage


@dataclass(frozen=True, slots=True)
class Row:
    """A question, the page or passage that answers it, hard negatives, and the row's line number, from 1."""

    query: str
    positive: Document
    negatives: tuple[Document, ...]
    line: int

    @property
    def documents(self) -> tuple[Document, ...]:
        return (self.positive, *self.negatives)

    @property
    def pages(self) -> tuple[PageKey, ...]:
        return tuple(each for each in self.documents if isinstance(each, PageKey))


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Two texts, the score that says how much alike they are, and the row's line number, from 1."""

    first: str
    second: str
    score: float
    line: int


class BadRow(Exception):
    """A row cannot be used; the message says why."""


def read(file: Path) -> tuple[list[Row], list[ScoredPair]]:
    """Read the questions and the pairs of a file; UsageError lists the lines that cannot be used, and why."""
    every = read_lines(file, lambda row, line: read_any(row, line, file.parent), EXAMPLE)
    return [each for each in every if isinstance(each, Row)], [each for each in every if isinstance(each, ScoredPair)]


def read_lines(file: Path, parse: Callable[[Mapping[str, Any], int], T], example: str) -> list[T]:
    """Parse a file of JSON lines with `parse(object, line number)`; blank lines are skipped.

    UsageError, with the `example` in its message, if a line is not a JSON object, if `parse` raises BadRow, or if the
    file has no rows.
    """
    try:
        lines = file.read_text("utf-8-sig").split("\n")  # not at U+2028, as splitlines does
    except UnicodeDecodeError as err:
        raise UsageError(f"{file}: not UTF-8 (byte {err.start}); save it as UTF-8") from err
    except OSError as err:
        raise UsageError(f"{file}: cannot be read: {err.strerror or err}") from err
    rows: list[T] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(parse(json_object(line), number))
        except BadRow as err:
            problems.append(f"{file}:{number}: {err}")
    if problems:
        raise UsageError(summary(problems, f"correct or remove these lines; a row looks like {example}"))
    if not rows:
        raise UsageError(f"{file}: no rows; a row looks like {example}")
    return rows


def summary(problems: list[str], advice: str) -> str:
    """One error message: the first PROBLEMS_SHOWN problems, the number of the others, and what to do."""
    more = f"; and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
    return f"{'; '.join(problems[:PROBLEMS_SHOWN])}{more}; {advice}"


def json_object(line: str) -> Mapping[str, Any]:
    """Parse a line as a JSON object; BadRow if it is not one."""
    try:
        row = json_text.parse(line)
    except NotJson as err:
        raise BadRow(str(err)) from err
    if not isinstance(row, dict):
        raise BadRow("not an object")
    return row


def read_query(row: Mapping[str, Any]) -> str:
    """The question of a row; BadRow if it is missing or empty."""
    query = row.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRow("'query' is missing or empty")
    return query


def read_any(row: Mapping[str, Any], number: int, folder: Path) -> Row | ScoredPair:
    """Validate the object in line `number` of a file in `folder`; BadRow if it cannot be used."""
    return read_pair(row, number) if "pair" in row else read_row(row, number, folder)


def read_pair(row: Mapping[str, Any], number: int) -> ScoredPair:
    """Validate a pair of texts with its score; BadRow if it cannot be used."""
    texts, score = row["pair"], row.get("score")
    if (
        not isinstance(texts, list)
        or len(texts) != 2
        or not all(isinstance(each, str) and each.strip() for each in texts)
    ):
        raise BadRow("'pair' is not a list of two texts")
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise BadRow("'score' is missing, or not a number")
    return ScoredPair(texts[0], texts[1], float(score), number)


def read_row(row: Mapping[str, Any], number: int, folder: Path) -> Row:
    """Validate a question with its answer and negatives; BadRow if it cannot be used."""
    query = read_query(row)
    positive = read_document(row, "image", folder)
    given = row.get("negatives", [])
    if not isinstance(given, list):
        raise BadRow("'negatives' is not a list")
    negatives = tuple(
        read_document(each if isinstance(each, dict) else {"image": each}, f"negative {i}", folder)
        for i, each in enumerate(given, 1)
    )
    if positive in negatives:
        what = "page" if isinstance(positive, PageKey) else "text"
        raise BadRow(f"negative {1 + negatives.index(positive)} is the {what} that answers")
    return Row(query, positive, negatives, number)


def read_document(row: Mapping[str, Any], what: str, folder: Path) -> Document:
    """The page or the passage that a row, or one of its negatives, names; `what` names it in the message of BadRow."""
    if "text" not in row:
        return read_page(row, what, folder)
    if "image" in row:
        raise BadRow(f"{what}: there are both 'image' and 'text'; give one of them")
    if not isinstance(row["text"], str) or not row["text"].strip():
        raise BadRow(f"{what}: 'text' is empty, or no text")
    return Passage(row["text"])


def read_page(row: Mapping[str, Any], what: str, folder: Path) -> PageKey:
    """The page that a row, or one of its negatives, names; `what` names it in the message of BadRow."""
    image, page = row.get("image"), row.get("page")
    if not isinstance(image, str) or not image:
        raise BadRow(f"{what}: 'image' is missing; it is the path of a picture or a PDF")
    file = folder / Path(image).expanduser()
    if file.suffix.lower() not in SUFFIXES:
        raise BadRow(f"{what}: {image} has none of the suffixes {', '.join(SUFFIXES)}")
    if not file.is_file():
        raise BadRow(f"{what}: there is no file {file}")
    if page is None and file.suffix.lower() in IMAGE_SUFFIXES:
        page = 1
    if isinstance(page, bool) or not isinstance(page, int) or page < 1:
        raise BadRow(f"{what}: {image} needs 'page', a whole number from 1")
    return PageKey(file.resolve(), page)
