"""`docsearch index` into an empty index, rendering included: speed, memory and its growth, size on disk."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

from .. import child_process, eval_dev, indexes
from ..child_process import FinishedCommand
from ..setting import Row, Setting, Skipped

SAMPLE_DOCS = "sample_docs"
MB = 1e6


def run(setting: Setting) -> Iterator[Row]:
    """Index sample_docs, and eval-dev if it is available; the indexes stay in the cache folder."""
    yield row(setting, SAMPLE_DOCS, setting.sample_docs)
    try:
        folder = eval_dev.documents(setting)
    except Skipped as err:
        yield {"what": eval_dev.NAME, "skipped": str(err)}
        return
    yield row(setting, eval_dev.NAME, folder)


def row(setting: Setting, name: str, folder: Path) -> Row:
    """Index one folder and measure it. Seconds are of the whole process; RSS is summed over its processes."""
    directory, ran = indexes.build(setting, name, [folder])
    report = json.loads(ran.stdout)
    info = json.loads(child_process.docsearch("info", "--index", directory, "--json").stdout)
    first, last = thirds(ran)
    return {
        "what": name,
        "documents": report["documents"],
        "pages": report["pages"],
        "failed": len(report["failed"]),
        "seconds": round(ran.seconds, 1),
        "pages_per_s": round(report["pages"] / ran.seconds, 2),
        "peak_rss_mb": round(max(ran.rss) / MB),
        "first_third_rss_mb": round(first / MB),
        "last_third_rss_mb": round(last / MB),
        "bytes_per_page": round(info["bytes_per_page"]),
    }


def thirds(ran: FinishedCommand) -> tuple[float, float]:
    """The median RSS of the first and of the last third of a run, in bytes: equal if memory does not grow."""
    third = max(len(ran.rss) // 3, 1)
    return statistics.median(ran.rss[:third]), statistics.median(ran.rss[-third:])
