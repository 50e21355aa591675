"""Rows of questions, whatever file they stand in: a mapping from the names of columns to values, checked and merged.

A row has the question, and one answer or several. Rows with the same query id, or without one and with the same text,
are one question.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...engine.errors import UsageError
from ...engine.records import FloatBox
from ..questions import Judgement, Question, Questions

QUERY = ("query", "question", "text")
QUERY_ID = ("query_id", "query-id", "qid", "_id", "id")
PATH = ("path", "doc", "file")
PAGES = ("page", "pages")
GRADE = ("score", "grade", "relevance", "rel", "label")
OTHER = ("relevant", "within", "scope", "boxes", "synthetic", "image", "negatives")
ANSWER = "path, or doc or file, with page or pages; or relevant, a list of such objects"
EXAMPLE = '{"query": "notice period", "path": "lease.pdf", "page": 3}'
PAGE_DIGITS_MAX = 9
GRADE_MAX = 1000
"""Higher grades are taken for a mistake: gains add up, and no benchmark has more than a few grades."""
COLUMN_LENGTH_MAX = 100
"""Longer values are no groups: answers, comments."""
SHOWN_CHARS = 40
"""Characters of a bad value that a message shows."""


class BadRow(Exception):
    """A row cannot be used; the message says why."""


@dataclass(slots=True)
class MergedQuestion:
    """A question whose rows are being merged."""

    query_id: str
    text: str
    within: str | None
    inside: bool
    where: str
    judgements: dict[tuple[str, int | None], Judgement] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)


def merge(source: str, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Questions:
    """Questions from `rows`, each with where it was read. Raises UsageError for the first one that cannot be used."""
    merged: dict[tuple[object, ...], MergedQuestion] = {}
    are_synthetic = []
    for number, (where, row) in enumerate(rows, 1):
        try:
            are_synthetic.append(_flag(row))
            _add(merged, row, number, where)
        except BadRow as err:
            raise UsageError(f"{where}: {err}") from err
    if not merged:
        raise UsageError(f"{source}: no questions; a row looks like {EXAMPLE}")
    given = {key[0] for key in merged if len(key) == 1}
    for key, question in merged.items():
        while len(key) > 1 and question.query_id in given:
            question.query_id = f"row-{question.query_id}"
    return finish(source, merged.values(), synthetic=any(are_synthetic))


def finish(source: str, found: Iterable[MergedQuestion], *, synthetic: bool = False) -> Questions:
    """The questions that have an answer, with a count of the others."""
    items: list[Question] = []
    unjudged = 0
    for each in found:
        judgements = tuple(each.judgements.values())
        if not any(judgement.grade > 0 for judgement in judgements):
            unjudged += 1
            continue
        if len({judgement.page is None for judgement in judgements}) > 1:
            raise UsageError(
                f"{each.where}: the question '{each.query_id}' has both pages and whole documents as answers; give "
                "pages for all of them, or for none"
            )
        items.append(
            Question(
                each.query_id,
                each.text,
                judgements,
                each.within,
                each.inside,
                each.columns,
                each.where,
            )
        )
    if not items:
        raise UsageError(f"{source}: no question has an answer; a row looks like {EXAMPLE}")
    return Questions(source, tuple(items), unjudged, synthetic)


def _add(merged: dict[tuple[object, ...], MergedQuestion], row: Mapping[str, Any], number: int, where: str) -> None:
    text, query_id = query_of(row), query_id_of(row)
    within, inside = _within(row), row.get("scope") == "document"
    key = (text, within, inside) if query_id is None else (query_id,)
    question = merged.get(key)
    if question is None:
        question = merged[key] = MergedQuestion(query_id or str(number), text, within, inside, where)
    elif question.text != text:
        raise BadRow(f"query_id '{query_id}' has another question at {question.where}")
    for judgement in _judgements(row):
        judge(question, judgement)
    question.columns.update(columns_of(row))


def query_of(row: Mapping[str, Any]) -> str:
    text = _first(row, QUERY)
    if not isinstance(text, str) or not text.strip():
        raise BadRow("'query' is missing or empty")
    return text


def query_id_of(row: Mapping[str, Any]) -> str | None:
    found = _first(row, QUERY_ID)
    if found is None or found == "":
        return None
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise BadRow("'query_id' is neither text nor a whole number")
    return str(found)


def _within(row: Mapping[str, Any]) -> str | None:
    found = row.get("within")
    if found is not None and not isinstance(found, str):
        raise BadRow("'within' is not text; it is a path or a glob")
    return found or None


def _judgements(row: Mapping[str, Any]) -> list[Judgement]:
    """What is judged in a row; nothing is an unanswerable question."""
    relevant = row.get("relevant")
    if relevant is None:
        return _judged(row)
    if not isinstance(relevant, list) or not all(isinstance(each, dict) for each in relevant):
        raise BadRow("'relevant' is not a list of objects with path and page")
    return [judgement for each in relevant for judgement in _judged(each)]


def _judged(row: Mapping[str, Any]) -> list[Judgement]:
    path = _first(row, PATH)
    if path is None or path == "":
        if _first(row, PAGES) not in (None, "", []):
            raise BadRow(f"a page without its document; an answer is {ANSWER}")
        return []
    if not isinstance(path, str):
        raise BadRow(f"the path of the answer is not text, but {path!r}")
    boxes = _boxes(row)
    pages = _first(row, PAGES)
    if pages is None or pages == "":
        return [Judgement(path, None, _grade(row))]
    numbers = [page_number(each) for each in _listed(pages)]
    return [Judgement(path, page, _grade(row), tuple(boxes.get(page, ()))) for page in numbers]


def _listed(pages: object) -> list[object]:
    """Pages as a list: 3, [3, 4], "3", "3;4", "3,4" or "[3, 4]"."""
    if isinstance(pages, str):
        try:
            found = json.loads(pages) if pages.lstrip().startswith("[") else re.split("[;,]", pages)
        except (ValueError, RecursionError) as err:
            raise BadRow(f"pages are like 3, [3, 4] or 3;4, not {_shortened(pages)}") from err
        return list(found)
    return pages if isinstance(pages, list) else [pages]


def page_number(value: object) -> int:
    """A page number, from 1; BadRow for anything else."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value) if len(value.strip()) <= PAGE_DIGITS_MAX else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 10**PAGE_DIGITS_MAX:
        raise BadRow(f"a page is a whole number from 1, not {_shortened(repr(value))}")
    return value


def grade_of(value: object) -> int:
    """A grade of relevance, 0 for negative ones; BadRow if it is no whole number, or above GRADE_MAX."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError as err:
            raise BadRow(f"the score of an answer is a whole number, not {value!r}") from err
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise BadRow(f"the score of an answer is a whole number, not {value!r}")
    if value > GRADE_MAX:
        raise BadRow(f"the score of an answer is at most {GRADE_MAX:,}, not {_shortened(str(value))}")
    return max(int(value), 0)


def _grade(row: Mapping[str, Any]) -> int:
    found = _first(row, GRADE)
    return 1 if found is None or found == "" else grade_of(found)


def _boxes(row: Mapping[str, Any]) -> dict[int, list[FloatBox]]:
    """Boxes of a row by page: rows of page, x0, y0, x1, y1 in points."""
    found: dict[int, list[FloatBox]] = {}
    given = row.get("boxes") or []
    try:
        for page, x0, y0, x1, y1 in given:
            box = float(x0), float(y0), float(x1), float(y1)
            if not all(map(math.isfinite, box)):
                raise ValueError("not finite")
            found.setdefault(page_number(page), []).append(box)
    except (TypeError, ValueError, OverflowError) as err:
        raise BadRow("'boxes' is not a list of [page, x0, y0, x1, y1]") from err
    return found


def columns_of(row: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The facts of a question by which results can be grouped: short values of the columns that mean nothing else."""
    used = {*QUERY, *QUERY_ID, *PATH, *PAGES, *GRADE, *OTHER} - {"scope"}
    found = {}
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        texts = tuple(_text(each) for each in values if isinstance(each, str | int | float | bool) and each != "")
        if name and name not in used and texts and max(map(len, texts)) <= COLUMN_LENGTH_MAX:
            found[name] = texts
    return found


def judge(question: MergedQuestion, judgement: Judgement) -> None:
    """Add what is judged to a question; BadRow if the same page was judged differently before."""
    place = judgement.path, judgement.page
    known = question.judgements.get(place)
    if known is not None and known.grade != judgement.grade:
        page = "" if judgement.page is None else f", page {judgement.page}"
        raise BadRow(f"{judgement.path}{page} has two grades for the question '{question.text}'")
    question.judgements[place] = judgement


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def column_name(name: str) -> str:
    """The name of a column without blanks around it; one that means something here in lower case.

    >>> column_name(" Query"), column_name("Author")
    ('query', 'Author')
    """
    name = name.strip()
    return name.lower() if name.lower() in {*QUERY, *QUERY_ID, *PATH, *PAGES, *GRADE, *OTHER} else name


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flag(row: Mapping[str, Any]) -> bool:
    return row.get("synthetic") in (True, "true", "True", "1")


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)
