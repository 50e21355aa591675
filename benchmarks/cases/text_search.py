"""Text search as a peer: BM25 over the exact text layer of eval-dev, by bm25s and by SQLite's FTS5, beside docsearch.

The peers read what was typed, which scans do not have; docsearch reads pixels. One question at a time, each asked once.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import import_module
from time import perf_counter

from docsearch.evaluation.metrics import mean, ndcg

from .. import eval_dev, indexes
from ..eval_dev import Page, Question
from ..setting import Row, Setting
from ..timing import summary_ms

HITS = 10
WORD = re.compile(r"\w+")
Search = Callable[[str], list[Page]]
"""The best HITS pages for a question."""


def run(setting: Setting) -> Iterator[Row]:
    """Questions about the whole collection, to docsearch and to both peers."""
    from docsearch.engine.searcher import open_searcher

    asked = [question for question in eval_dev.questions(setting) if question.scope == "corpus"]
    with open_searcher(indexes.ready(setting, eval_dev.NAME, [eval_dev.documents(setting)])) as searcher:
        searcher.search("docsearch")  # opens what is opened once
        yield {
            "what": "docsearch, from pixels",
            **measured(lambda text: eval_dev.pages(searcher.search(text, k=HITS, mode="visual")), asked),
        }
        snapshot = searcher.snapshot
        refs = snapshot.refs(range(len(snapshot)))
        pages = [(ref.path.rsplit("/", 1)[-1], ref.page) for ref in refs]
        texts = [snapshot.text(row) for row in range(len(snapshot))]
    for name, prepare in (("SQLite FTS5, exact text", fts5), ("bm25s, exact text", bm25s)):
        started = perf_counter()
        try:
            search = prepare(texts, pages)
        except ImportError as err:
            yield {"what": name, "skipped": str(err)}
            continue
        built = perf_counter() - started
        yield {"what": name, **measured(search, asked), "built_s": round(built, 2)}


def measured(search: Search, asked: Sequence[Question]) -> Row:
    """Times of the questions, each asked once, and how good the answers are."""
    seconds, gains = [], []
    for question in asked:
        started = perf_counter()
        found = search(question.text)
        seconds.append(perf_counter() - started)
        gains.append(ndcg(found, question.relevant, 5))
    return {**summary_ms(seconds), "ndcg@5": round(mean(gains), 4)}


def fts5(texts: Sequence[str], pages: Sequence[Page]) -> Search:
    """A table in memory with the settings of the catalog's own; any word of a question may match."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE page USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')")
    rows = enumerate(texts)
    connection.executemany("INSERT INTO page (rowid, text) VALUES (?, ?)", rows)

    def search(text: str) -> list[Page]:
        query = " OR ".join(f'"{word}"' for word in WORD.findall(text))
        find = "SELECT rowid FROM page WHERE page MATCH ? ORDER BY bm25(page) LIMIT ?"
        with closing(connection.execute(find, (query, HITS))) as found:
            return [pages[row] for (row,) in found]

    return search


def bm25s(texts: Sequence[str], pages: Sequence[Page]) -> Search:
    """The package bm25s with its defaults. Raises ImportError without it."""
    package = import_module("bm25s")
    retriever = package.BM25()
    retriever.index(package.tokenize(list(texts), show_progress=False), show_progress=False)

    def search(text: str) -> list[Page]:
        tokens = package.tokenize([text], show_progress=False)
        found, _ = retriever.retrieve(tokens, k=HITS, show_progress=False)
        return [pages[int(row)] for row in found[0]]

    return search
