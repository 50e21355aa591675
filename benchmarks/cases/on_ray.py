"""Indexing on a Ray cluster with 1 to 8 workers, beside `docsearch index`: pages per second, the coordinator's share.

The encoder is the stand-in of the case `pipeline`: it takes a fixed time for each page, so that two cores can show how
workers add up. Everything else is real: child processes draw the pages, workers write segments, the coordinator commits
them. Times are from the first batch that is encoded, when all workers are ready, to the end of the run.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from ..setting import Refused, Row, Setting, Skipped
from . import pipeline as stand_in

MS_PER_PAGE = 1000.0
"""Slow, so that two cores draw and store the pages of eight workers, on a busy machine, too: 8 a second."""
WORKERS = (1, 2, 4, 8)
PAGES_PER_WORKER = 40
PAGES = 5
"""Pages of a document."""
RATE_35 = 35.0
"""Pages a second of a worker with a language model of 4 billion parameters on one GPU, at best."""


class SlowStandIn(stand_in.StandIn):
    """The stand-in with `MS_PER_PAGE`, which notes in a file when its first batch began."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def encode_pages(self, pages: Sequence[Any]) -> Any:
        """As the stand-in does."""
        file = self._folder / str(os.getpid())
        if not file.exists():
            file.write_text(repr(time.monotonic()))
        time.sleep((MS_PER_PAGE - stand_in.MS_PER_PAGE) / 1000 * len(pages))
        return super().encode_pages(pages)


def run(_setting: Setting) -> Iterator[Row]:
    """Index alone and on a cluster with each number of workers; each worker has the same number of pages to do."""
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ImportError as err:
        raise Skipped("needs the extra ray") from err
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone = measured(folder, None)
        yield alone
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 2 * max(WORKERS),
                "object_store_memory": 200_000_000,
                "include_dashboard": False,
            },
        )
        ray.init(address=cluster.address, log_to_driver=False)
        try:
            single = 0.0
            for workers in WORKERS:
                row = measured(folder, workers)
                single = single or float(str(row["pages_per_s"]))
                row["of_linear"] = round(float(str(row["pages_per_s"])) / (single * workers), 3)
                if workers == 1:
                    row["overhead_percent"] = round(100 * (float(str(alone["pages_per_s"])) / single - 1), 1)
                yield row
        finally:
            ray.shutdown()
            cluster.shutdown()


def measured(folder: Path, workers: int | None) -> Row:
    """Index as many documents as the workers have to do; alone without `workers`."""
    from docsearch.cluster.indexing import coordinator
    from docsearch.cluster.indexing.index import index_documents
    from docsearch.cluster.indexing.pool import PoolOptions
    from docsearch.indexer import pipeline

    what = "alone" if workers is None else f"{workers} workers"
    documents, noted, index = folder / f"{what} documents", folder / f"{what} noted", folder / f"{what} index"
    count = PAGES_PER_WORKER * (workers or 1)
    with mock.patch.multiple(stand_in, DOCUMENTS=count // PAGES, PAGES=PAGES):
        stand_in.write_documents(documents)
    noted.mkdir()
    encoder = SlowStandIn(noted)
    kept: list[coordinator._Coordinator] = []
    cpu = time.thread_time()
    if workers is None:
        report = pipeline.index_documents([documents], index, encoder=encoder, workers=1)
    else:
        give_out = coordinator._Coordinator._give_out

        def once_all_are_ready(self: coordinator._Coordinator) -> None:
            if len(self._pool.members) == workers or kept:
                kept.append(self)
                give_out(self)

        options = coordinator.ClusterOptions(PoolOptions(workers, cpus=1))
        with mock.patch.object(coordinator._Coordinator, "_give_out", once_all_are_ready):
            report = index_documents([documents], index, options=options, encoder=encoder, workers=1)
    ended = time.monotonic()
    if report.pages != count or report.failed:
        raise Refused(f"{report.pages} pages of {count} were indexed")
    seconds = ended - min(float(file.read_text()) for file in noted.iterdir())
    row: Row = {
        "what": what,
        "pages": count,
        "seconds": round(seconds, 1),
        "pages_per_s": round(count / seconds, 2),
        "of_encoder": round(count / seconds * MS_PER_PAGE / 1000 / (workers or 1), 3),
    }
    if kept:
        busy_ms = 1000 * kept[-1]._meter.busy_s / count
        row["coordinator_ms_per_page"] = round(busy_ms, 2)
        row["coordinator_cpu_ms_per_page"] = round(1000 * (time.thread_time() - cpu) / count, 2)
        row["coordinator_percent"] = round(busy_ms / 10 * count / seconds, 2)
        row["workers_of_35_pages_per_s_that_it_can_feed"] = int(1000 / busy_ms / RATE_35)
    return row
