"""The questions of the eval-dev corpus with their relevant pages and labelled evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .setting import Setting

if TYPE_CHECKING:
    from docsearch.engine.records import Hit, Query

NAME = "eval-dev"
Page = tuple[str, int]
"""A document's file name and a page number that counts from 1."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, asked over the whole collection (scope "corpus") or inside its document ("document")."""

    query_id: str
    text: str
    suite: str
    scope: str
    document: str
    relevant: frozenset[Page]
    image_only: bool
    """True if no page of its document has a text layer."""

    def as_query(self) -> Query:
        """The question as a query of the engine."""
        from docsearch.engine.records import Query

        return Query(self.query_id, self.text, self.document if self.scope == "document" else None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where on a page the answer to a question is: `boxes` x0, y0, x1, y1 in points from the top left corner.

    `kinds` are the kinds of evidence ("text", "table", "figure", "chart").
    """

    query_id: str
    text: str
    suite: str
    kinds: tuple[str, ...]
    page: Page
    boxes: tuple[tuple[float, float, float, float], ...]


def documents(setting: Setting) -> Path:
    """The folder of eval-dev's PDFs; raises Skipped if it is missing."""
    return setting.corpus(NAME) / "pdfs"


def questions(setting: Setting) -> list[Question]:
    """All questions: each inside its document, and self-contained ones over the collection as well."""
    folder = setting.corpus(NAME)
    without_text = {row["doc"] for row in _rows(folder / "docs.jsonl") if row["pages_without_text"] == row["pages"]}
    found = []
    for row in _rows(folder / "queries.jsonl"):
        for scope in ("corpus", "document") if row["scope"] == "corpus" else ("document",):
            found.append(
                Question(
                    query_id=row["query_id"] + ("@doc" if scope == "document" else ""),
                    text=row["query"],
                    suite=row["suite"],
                    scope=scope,
                    document=row["doc"],
                    relevant=frozenset((row["doc"], page) for page in row["pages"]),
                    image_only=row["doc"] in without_text,
                )
            )
    return found


def evidence(setting: Setting) -> list[Evidence]:
    """The labelled evidence of the questions, one item for each page that has some."""
    found = []
    for row in _rows(setting.corpus(NAME) / "queries.jsonl"):
        boxes: dict[int, list[tuple[float, float, float, float]]] = {}
        for page, x0, y0, x1, y1 in row["boxes"]:
            boxes.setdefault(page, []).append((x0, y0, x1, y1))
        for page, its in sorted(boxes.items()):
            kinds, where = tuple(row["evidence"]), (row["doc"], page)
            found.append(Evidence(row["query_id"], row["query"], row["suite"], kinds, where, tuple(its)))
    return found


def pages(hits: Sequence[Hit]) -> list[Page]:
    """Hits as file name and page number, as the labels have them."""
    return [(hit.ref.path.rsplit("/", 1)[-1], hit.ref.page) for hit in hits]


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").rstrip("\n").split("\n")]
