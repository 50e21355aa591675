"""`docsearch query` as a whole process, from the start of the interpreter to its exit: the time a user waits."""

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
    """Search the index of sample_docs, built if necessary, and that of eval-dev if the case `index` has built it."""
    yield row(SAMPLE_DOCS, indexes.ready(setting, SAMPLE_DOCS, [setting.sample_docs]))
    try:
        directory = indexes.existing(setting, eval_dev.NAME, [eval_dev.documents(setting)])
    except Skipped as err:
        yield {"what": eval_dev.NAME, "skipped": str(err)}
        return
    if directory is None:
        yield {"what": eval_dev.NAME, "skipped": "no index of it, or one of another model; run the case 'index' first"}
        return
    yield row(eval_dev.NAME, directory)


def row(name: str, directory: Path) -> Row:
    """Search one index. The first run is reported apart: it may build derived files, and reads files into memory."""
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
    from docsearch.engine.searcher import open_searcher

    with open_searcher(directory) as searcher:
        info = searcher.info()
    wanted: Sequence[str] = ("pages", "vectors", "search")
    return {name: value for name in wanted if isinstance(value := info[name], int | str)}
