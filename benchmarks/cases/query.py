"""`docsearch query` as a whole process, from the start of the interpreter to the last line: what a person waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import child_process, eval_dev, indexes
from ..setting import Row, Setting, Skipped
from ..timing import summary_ms
from .index import SAMPLE_DOCS

RUNS = 5
QUESTION = "revenue chart 2023"


def run(setting: Setting) -> Iterator[Row]:
    """Ask the index of sample_docs, built if need be, and that of eval-dev if the case `index` has left one."""
    yield row(SAMPLE_DOCS, indexes.ready(setting, SAMPLE_DOCS, [setting.sample_docs]))
    try:
        directory = indexes.existing(setting, eval_dev.NAME, [eval_dev.documents(setting)])
    except Skipped as err:
        yield {"what": eval_dev.NAME, "skipped": str(err)}
        return
    if directory is None:
        yield {"what": eval_dev.NAME, "skipped": "no index of it yet, or of another model; run the case 'index'"}
        return
    yield row(eval_dev.NAME, directory)


def row(name: str, directory: Path) -> Row:
    """Ask one index; the first run, which may build caches and reads files into memory, is told apart."""
    first, *others = [
        child_process.docsearch("query", QUESTION, "--index", directory, "--json") for _ in range(RUNS + 1)
    ]
    return {
        "what": name,
        **summary_ms([ran.seconds for ran in others]),
        "first_ms": round(first.seconds * 1000, 2),
        "hits": len(first.stdout.splitlines()),
        **size(directory),
    }


def size(directory: Path) -> Row:
    """Pages and vectors of an index, and how it is searched by default."""
    from docsearch.engine.searcher import open_index

    with open_index(directory) as searcher:
        info = searcher.info()
    wanted: Sequence[str] = ("pages", "vectors", "search")
    return {name: value for name in wanted if isinstance(value := info[name], int | str)}
