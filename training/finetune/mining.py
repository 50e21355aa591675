"""Hard-negative mining for `docsearch train`: pages ranked high for a question but that are not labelled as answers.

A page that scores close to the labelled page, or above it, may be an unlabelled answer, and is left out:
positive-aware mining, Moreira et al., "NV-Retriever", 2024 (arXiv 2407.15831).
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ...engine.printable import json_line
from ...engine.records import Hit, PageRef, Query
from ...engine.searcher import Searcher
from ...engine.store import Snapshot
from ...engine.store.durable import atomic_file
from ...evaluation.sample_queries import sample_queries
from ...indexer import source_folders
from . import rows
from .rows import BadRow

EXAMPLE = '{"query": "notice period", "path": "contracts/lease.pdf", "page": 3}'
Labels = Mapping[str, Sequence[PageRef]]


@dataclass(frozen=True, slots=True)
class Mined:
    """A question; the page that answers it, its score and whether it ranked first; and hard negatives, best first."""

    query: str
    positive: PageRef
    score: float
    is_first: bool
    negatives: tuple[Hit, ...]


def read_labels(file: Path, snapshot: Snapshot) -> Labels:
    """The labelled pages of each question, from a file of JSON lines with "query", "path" and "page" or "pages".

    "path" and "page" are as `docsearch query --json` prints them; "pages" is a list. UsageError lists the lines that
    cannot be used, including those whose page is not in the index.
    """
    refs = {(ref.path, ref.page): ref for ref in snapshot.refs(range(len(snapshot)))}

    def parse(row: Mapping[str, Any], _line: int) -> tuple[str, list[PageRef]]:
        path = row.get("path")
        pages = row.get("pages", [row.get("page")])
        if not isinstance(path, str) or not isinstance(pages, list) or not pages:
            raise BadRow("'path' is not text, or 'pages' is not a list of numbers")
        for page in pages:
            if (path, page) not in refs:
                raise BadRow(f"the index holds no page {page!r} of {path!r}")
        return rows.read_query(row), [refs[path, page] for page in pages]

    labels: dict[str, list[PageRef]] = defaultdict(list)
    for query, found in rows.read_lines(file, parse, EXAMPLE):
        labels[query] += [ref for ref in found if ref not in labels[query]]
    return labels


def labels_from_text(snapshot: Snapshot, count: int) -> Labels:
    """Lines of the pages' own text as questions, each answered by its page; UsageError if no page has a text layer.

    A line found on several pages, such as a running title, is left out. Such labels are weak: a model learns from them
    to read the words on a page, not to answer questions.
    """
    found = sample_queries(snapshot, count)
    often = Counter(query for _, query in found)
    labels = {query: snapshot.refs([row]) for row, query in found if often[query] == 1}
    if not labels:
        raise UsageError("no page of this index has a text layer to take questions from; give a file of questions")
    return labels


def mine(searcher: Searcher, labels: Labels, *, negatives: int, depth: int, margin: float) -> Iterator[Mined]:
    """Yield each question with each of its labelled pages and up to `negatives` hard negatives.

    Negatives are taken from the `depth` best hits. They are not labelled for the question, and score at most
    `1 - margin` times the labelled page's score.
    """
    asked = [Query(str(number), query) for number, query in enumerate(labels)]
    for query, hits in searcher.search_many(asked, k=depth, mode="visual"):
        answers = labels[query.text]
        scores = {hit.ref: hit.score for hit in hits}
        if (missing := [ref for ref in answers if ref not in scores]) and hits:
            scores |= dict(zip(missing, searcher.scores(query.text, missing), strict=True))
        for ref in answers:
            score = scores.get(ref, 0.0)
            others = [hit for hit in hits if not _is_one_of(hit, answers) and hit.score <= (1 - margin) * score]
            yield Mined(query.text, ref, score, bool(hits) and _is_one_of(hits[0], [ref]), tuple(others[:negatives]))


def _is_one_of(hit: Hit, refs: Sequence[PageRef]) -> bool:
    """Whether a hit is one of the pages `refs`, or has the content of one."""
    return any(hit.ref.page == ref.page and ref.path in (hit.ref.path, *hit.also) for ref in refs)


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of rows, rows without negatives, and negatives; and the share of rows whose labelled page ranked first."""

    rows: int
    without_negatives: int
    negatives: int
    labelled_first: float


def write(mined: Iterable[Mined], out: Path, index: Path) -> Report:
    """Write rows for `docsearch train`, atomically; pages are named by the absolute paths of their files."""
    folders = source_folders.recorded(index)
    files: dict[str, str] = {}
    counted, without, total, first = 0, 0, 0, 0

    def page(ref: PageRef, score: float) -> dict[str, object]:
        if ref.path not in files:
            files[ref.path] = os.fspath(source_folders.locate(ref.path, folders))
        return {"image": files[ref.path], "page": ref.page, "score": round(score, 6)}

    try:
        with atomic_file(out) as temporary, temporary.open("w", encoding="utf-8") as stream:
            for each in mined:
                others = [page(hit.ref, hit.score) for hit in each.negatives]
                row = {"query": each.query, **page(each.positive, each.score), "negatives": others}
                stream.write(json_line(row) + "\n")
                counted += 1
                total += len(others)
                without += not others
                first += each.is_first
    except OSError as err:
        raise UsageError(f"{out}: cannot be written: {err.strerror or err}") from err
    return Report(counted, without, total, first / max(counted, 1))
