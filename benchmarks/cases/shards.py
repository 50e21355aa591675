"""Search over shards: questions per second of a batch by the number of workers, and a simulation of 1,000 shards.

Workers take a fixed time for their MaxSim and sleep meanwhile, so that two cores can show how far a batch scales: what
remains is the driver's work, and Ray's. Where two stages search, every call takes a fixed time, as on a network.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..drawn_shards import Latencies, questions
from ..setting import Row, Setting, Skipped

WORKERS = (1, 2, 4, 8)
SECONDS_PER_BATCH = 2.0
"""How long one worker takes for the MaxSim of a batch of 32 questions with all pages, however many questions."""
BATCHES_PER_WORKER = 6
SECONDS_PER_CALL = 0.01
"""What a call of a worker takes in addition, where two stages search."""
TWO_STAGE_SHARDS, TWO_STAGE_CANDIDATES = 3, 20
SIMULATED_QUESTIONS, SIMULATED_SHARDS = 2000, 1000


def run(setting: Setting) -> Iterator[Row]:
    """The simulation, then the index of the sample documents: batches with 1 to 8 replicas, and of two stages."""
    yield from simulated()
    yield from batches(setting)
    yield from two_stages(setting)


def simulated() -> Iterator[Row]:
    """Questions to 1,000 shards."""
    for replicas, hedge in ((1, False), (2, False), (2, True)):
        took, hedged, failed = questions(
            Latencies(), shards=SIMULATED_SHARDS, count=SIMULATED_QUESTIONS, replicas=replicas, hedge=hedge
        )
        answered = took[np.isfinite(took)]
        yield {
            "what": f"{SIMULATED_SHARDS:,} shards, {replicas} replica{'s' if replicas > 1 else ''}"
            f"{', hedged' if hedge else ''}",
            "p50_ms": round(float(np.percentile(answered, 50)), 1),
            "p99_ms": round(float(np.percentile(answered, 99)), 1),
            "hedged_share": round(hedged, 4),
            "refused_share": round(failed, 4),
        }


def batches(setting: Setting) -> Iterator[Row]:
    """Batches of questions, each of which is new, to workers of fixed latency."""
    try:
        import ray
    except ImportError as err:
        raise Skipped("needs ray: the extra ray") from err
    from docsearch.cluster.search.searcher import RaySearch
    from docsearch.cluster.search.workers import ShardWorker
    from docsearch.engine.records import Query
    from docsearch.indexer.pipeline import index_documents

    class SlowWorker(ShardWorker):
        """A worker whose MaxSim takes SECONDS_PER_BATCH for all pages; nothing else of it is slowed."""

        def __init__(self) -> None:
            super().__init__()
            self._scoring = threading.Lock()

        def call(self, key, spec, method, arguments):  # type: ignore[no-untyped-def]
            found = super().call(key, spec, method, arguments)
            if method == "maxima" and arguments[1] is None:
                with self._scoring:
                    time.sleep(SECONDS_PER_BATCH)
            return found

    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "index")
        index_documents([setting.sample_docs], index, workers=1)
        ray.init(address="local", num_cpus=2 * max(WORKERS), include_dashboard=False, log_to_driver=False)
        try:
            alone = None
            for workers in WORKERS:
                with (
                    RaySearch("auto", replicas=workers, hedge=False, worker=SlowWorker) as cluster,
                    cluster.open(index) as searcher,
                ):
                    count = 32 * BATCHES_PER_WORKER * workers
                    asked = [Query(str(i), f"revenue {i} of {workers}") for i in range(count + 64)]
                    list(searcher.search_many(iter(asked[:64]), mode="visual"))  # everything is open by then
                    started = time.monotonic()
                    list(searcher.search_many(iter(asked[64:]), mode="visual"))
                    rate = count / (time.monotonic() - started)
                alone = alone or rate
                yield {
                    "what": f"batch, {workers} workers of {SECONDS_PER_BATCH:g} s",
                    "queries_per_s": round(rate, 2),
                    "of_linear": round(rate / alone / workers, 3),
                }
        finally:
            ray.shutdown()


def two_stages(setting: Setting) -> Iterator[Row]:
    """A batch of 32 questions, each new, that are answered from candidates of stage 1, in three shards."""
    try:
        import ray
    except ImportError as err:
        raise Skipped("needs ray: the extra ray") from err
    from docsearch.cluster.search.searcher import RaySearch
    from docsearch.cluster.search.workers import ShardWorker
    from docsearch.engine.records import Query
    from docsearch.engine.retrieval import first_stage
    from docsearch.engine.store import open_writer
    from docsearch.indexer.pipeline import index_documents

    class FarWorker(ShardWorker):
        """A worker each of whose answers takes SECONDS_PER_CALL to arrive."""

        def call(self, key, spec, method, arguments):  # type: ignore[no-untyped-def]
            found = super().call(key, spec, method, arguments)
            time.sleep(SECONDS_PER_CALL)
            return found

    usual, first_stage.EXACT_VECTORS = first_stage.EXACT_VECTORS, 0
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "index")
        index_documents([setting.sample_docs], index, workers=1)
        with open_writer(index, fingerprint=None) as writer:
            writer.compact(None, None, shards=TWO_STAGE_SHARDS)
            writer.divide(TWO_STAGE_SHARDS)
        ray.init(address="local", num_cpus=2 * TWO_STAGE_SHARDS, include_dashboard=False, log_to_driver=False)
        try:
            with RaySearch("auto", hedge=False, worker=FarWorker) as cluster, cluster.open(index) as searcher:
                for mode in ("visual", "hybrid"):
                    asked = [Query(str(i), f"revenue {i} of {mode} reports") for i in range(64)]
                    options = {"mode": mode, "candidates": TWO_STAGE_CANDIDATES}
                    list(searcher.search_many(iter(asked[:32]), **options))  # everything is open by then
                    started, used = time.monotonic(), time.process_time()
                    list(searcher.search_many(iter(asked[32:]), **options))
                    yield {
                        "what": f"two stages, {mode}, 32 questions, {1000 * SECONDS_PER_CALL:g} ms a call",
                        "ms_a_query": round(1000 * (time.monotonic() - started) / 32, 2),
                        "driver_cpu_ms": round(1000 * (time.process_time() - used) / 32, 2),
                    }
        finally:
            first_stage.EXACT_VECTORS = usual
            ray.shutdown()
