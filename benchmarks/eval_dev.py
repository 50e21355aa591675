"""The questions of the eval-dev corpus, once for each scope they are asked in, with the pages that answer them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .setting import Setting

if TYPE_CHECKING:
    from docsearch.engine.records import Hit
    from docsearch.engine.search import Query

NAME = "eval-dev"
Page = tuple[str, int]
"""A document's file name and a page number that counts from 1."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is asked: of the whole collection (scope "corpus") or inside its document ("document")."""

    query_id: str
    text: str
    suite: str
    scope: str
    document: str
    relevant: frozenset[Page]
    image_only: bool
    """Whether no page of its document has a text layer."""

    def as_query(self) -> Query:
        """As the engine takes it."""
        from docsearch.engine.search import Query

        return Query(self.query_id, self.text, self.document if self.scope == "document" else None)


def documents(setting: Setting) -> Path:
    """The folder of eval-dev's PDFs; raises Skipped without it."""
    return setting.corpus(NAME) / "pdfs"


def questions(setting: Setting) -> list[Question]:
    """All questions: each inside its document, and those that stand by themselves over the collection too."""
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


def pages(hits: Sequence[Hit]) -> list[Page]:
    """Hits by file name and page, as questions name them."""
    return [(hit.ref.path.rsplit("/", 1)[-1], hit.ref.page) for hit in hits]


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]
