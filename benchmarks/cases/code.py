"""Search of source code: questions on this repository's own source, by pictures, by text and by both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from docsearch.evaluation.metrics import mean

from .. import indexes
from ..setting import REPOSITORY, Row, Setting

if TYPE_CHECKING:
    from docsearch.engine.records import Hit

FOLDERS = ("engine", "indexer", "commands", "server", "evaluation", "exchange", "integrations", "training")
"""What is indexed: the package without its tests."""
QUESTIONS = REPOSITORY / "benchmarks/code_questions.jsonl"
"""A row is {"query", "path", "kind"}: kind "words" asks in words, "identifiers" for names in the code."""
HITS = 100
FIRST = 5


def run(setting: Setting) -> Iterator[Row]:
    """Ask every question in each mode; one row for each kind of questions, and one for all."""
    from docsearch.engine.searcher import open_searcher

    folders = [REPOSITORY / name for name in FOLDERS]
    asked = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    with open_searcher(indexes.ready(setting, "code", folders, ["--kinds", "code"])) as searcher:
        for mode in searcher.modes:
            ranks = [rank(searcher.search(each["query"], k=HITS, mode=mode), each["path"]) for each in asked]
            for kind in (*dict.fromkeys(each["kind"] for each in asked), "all"):
                own = [found for found, each in zip(ranks, asked, strict=True) if kind in (each["kind"], "all")]
                yield {
                    "what": kind,
                    "mode": mode,
                    "queries": len(own),
                    "recall@1": round(mean([float(found == 1) for found in own]), 4),
                    f"recall@{FIRST}": round(mean([float(found <= FIRST) for found in own]), 4),
                    "pages": len(searcher.snapshot),
                }


def rank(hits: list[Hit], path: str) -> int:
    """The rank of the first hit in the file at `path` of the repository; HITS + 1 where none is.

    Paths in the index begin in one of FOLDERS.
    """
    return next((hit.rank for hit in hits if f"/{path}".endswith(f"/{hit.ref.path}")), HITS + 1)
