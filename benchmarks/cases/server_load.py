"""`docsearch serve` under load: many clients search while documents are uploaded and removed; answers are checked.

Each answer names its snapshot. Snapshots are kept open as they appear, so that afterwards each question is asked again,
alone, of the snapshot that answered it.
"""

from __future__ import annotations

import itertools
import random
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .. import eval_dev, indexes
from ..child_process import memory_of
from ..running_server import Answered, RunningServer, serving
from ..setting import Refused, Row, Setting
from ..timing import percentiles_ms, timed

if TYPE_CHECKING:
    from docsearch.engine.models.encoder import QueryEncoder
    from docsearch.engine.store import Snapshot

CLIENTS = 32
SECONDS = 60.0
WARM_QUERIES = 60
K = 10
ADDED = "diverse"
"""The corpus from which documents are uploaded."""
ADDED_MAX_BYTES = 400_000
UPLOADED_MAX = 3
"""Uploaded documents in the index at a time; beyond that the oldest is removed."""
POLL_EVERY_S = 0.01
ROUNDING = 2e-6
"""Largest difference of scores between a batch and a question alone: answers have six digits."""
Question = tuple[str, str]
"""A text, and the snapshot that answered it."""


@dataclass
class Load:
    """What the clients saw: times in seconds, answers, "busy" responses, errors, uploads and removals."""

    seconds: list[float] = field(default_factory=list)
    answers: dict[Question, list[Answered]] = field(default_factory=dict)
    busy: int = 0
    errors: list[str] = field(default_factory=list)
    uploads: int = 0
    removals: int = 0


def run(setting: Setting) -> Iterator[Row]:
    """Search a copy of eval-dev's index while small documents of another corpus are uploaded and removed."""
    documents = eval_dev.documents(setting)
    added = sorted(file for file in setting.corpus(ADDED).rglob("*.pdf") if file.stat().st_size <= ADDED_MAX_BYTES)
    texts = [question.text for question in eval_dev.questions(setting) if question.scope == "corpus"]
    index = indexes.ready(setting, eval_dev.NAME, [documents])
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
        copy = shutil.copytree(index, Path(folder) / "index")
        yield from measured(copy, texts, added, clients=CLIENTS, seconds=SECONDS)


def measured(
    index: Path, texts: Sequence[str], added: Sequence[Path], *, clients: int, seconds: float
) -> Iterator[Row]:
    """Rows for one warm query at a time, and for many clients. Raises Refused for an error or a wrong answer."""
    from docsearch.engine.models.registry import load_query_encoder

    with Snapshots(index) as snapshots:
        with serving(index) as server:
            yield from one_at_a_time(server, texts)
            prepare(server, added)
            before = memory_of(server.pid)
            peak, load = loaded(server, texts, added, clients=clients, seconds=seconds)
            after = memory_of(server.pid)
        if load.errors:
            raise Refused(f"{len(load.errors)} requests failed, the first: {load.errors[0]}")
        kept = snapshots.kept()
        encoder = load_query_encoder(str(next(iter(kept.values())).fingerprint["name"]))
        unchecked = check(load.answers, kept, encoder)
        yield {
            "what": f"{clients} clients, {seconds:g} s, documents uploaded and removed",
            **percentiles_ms(load.seconds),
            "queries": len(load.seconds),
            "queries_per_s": round(len(load.seconds) / seconds, 1),
            "busy_503": load.busy,
            "uploads": load.uploads,
            "removals": load.removals,
            "snapshots": len({snapshot for _, snapshot in load.answers}),
            "unchecked": unchecked,
            "rss_start_mb": before >> 20,
            "rss_end_mb": after >> 20,
            "rss_peak_mb": peak >> 20,
        }


def prepare(server: RunningServer, added: Sequence[Path]) -> None:
    """Upload and remove a document, so that memory for the first upload does not count as growth."""
    with server.client() as client:
        if (doc_id := client.upload(added[0])) is not None:
            client.remove(doc_id)


def one_at_a_time(server: RunningServer, texts: Sequence[str]) -> Iterator[Row]:
    """Latency without other clients: each query once (some of its tokens may be cached), then all again."""
    chosen = [*texts[: WARM_QUERIES + 1]]
    with server.client() as client:
        client.search(chosen.pop(), K)
        for what in ("one query at a time", "the same queries again"):
            seconds = [timed(lambda text=text: client.search(text, K)) for text in chosen]  # type: ignore[misc]
            yield {"what": what, **percentiles_ms(seconds), "queries": len(seconds)}


def loaded(
    server: RunningServer, texts: Sequence[str], added: Sequence[Path], *, clients: int, seconds: float
) -> tuple[int, Load]:
    """The peak memory of the server's processes in bytes, and what the clients saw."""
    load, end, lock = Load(), time.perf_counter() + seconds, threading.Lock()
    threads = [threading.Thread(target=asking, args=(server, texts, seed, end, load, lock)) for seed in range(clients)]
    threads.append(threading.Thread(target=changing, args=(server, added, end, load, lock)))
    for thread in threads:
        thread.start()
    peak = 0
    while time.perf_counter() < end:
        peak = max(peak, memory_of(server.pid))
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    return peak, load


def asking(
    server: RunningServer, texts: Sequence[str], seed: int, end: float, load: Load, lock: threading.Lock
) -> None:
    """One client: searches in an order of its own, and waits as told when the server is busy."""
    chance = random.Random(seed)
    with server.client() as client:
        while time.perf_counter() < end:
            text = chance.choice(texts)
            started = time.perf_counter()
            try:
                answered = client.search(text, K)
            except Refused as err:
                with lock:
                    load.errors.append(str(err))
                return
            took = time.perf_counter() - started
            with lock:
                if answered is None:
                    load.busy += 1
                else:
                    load.seconds.append(took)
                    different = load.answers.setdefault((text, answered.snapshot), [])
                    if answered not in different:
                        different.append(answered)
            if answered is None:
                time.sleep(client.retry_after_s)


def changing(server: RunningServer, added: Sequence[Path], end: float, load: Load, lock: threading.Lock) -> None:
    """Upload documents, and remove the oldest uploaded ones."""
    uploaded: deque[str] = deque()
    with server.client() as client:
        try:
            for file in itertools.cycle(added):
                if time.perf_counter() >= end:
                    return
                doc_id = client.upload(file)
                if doc_id is not None and doc_id not in uploaded:
                    uploaded.append(doc_id)
                    with lock:
                        load.uploads += 1
                if len(uploaded) > UPLOADED_MAX and client.remove(uploaded[0]):
                    uploaded.popleft()
                    with lock:
                        load.removals += 1
        except Refused as err:
            with lock:
                load.errors.append(str(err))


def check(answers: Mapping[Question, Sequence[Answered]], kept: Mapping[str, Snapshot], encoder: QueryEncoder) -> int:
    """Ask each question alone of the snapshot that answered it. Raises Refused if the answers differ.

    Returns the number of questions whose snapshot was gone before it could be kept.
    """
    from docsearch.engine.searcher import Searcher

    searchers = {name: Searcher(snapshot, encoder) for name, snapshot in kept.items()}
    unchecked = 0
    for (text, snapshot), different in answers.items():
        if snapshot not in searchers:
            unchecked += 1
            continue
        alone = searchers[snapshot].search(text, k=2 * K)
        scores = {(hit.ref.path, hit.ref.page): hit.score for hit in alone}
        best = [hit.score for hit in alone[:K]]
        for answered in different:
            near = len(answered.hits) == len(best) and all(
                abs(score - scores.get((path, page), -1.0)) <= ROUNDING and abs(score - rank) <= ROUNDING
                for (path, page, score), rank in zip(answered.hits, best, strict=True)
            )
            if not near:
                raise Refused(f"wrong answer to {text!r} in snapshot {snapshot}: {answered.hits}, alone {alone[:K]}")
    return unchecked


class Snapshots:
    """Polls an index and keeps a snapshot of every state that it sees; a context manager."""

    def __init__(self, index: Path) -> None:
        self._index = index
        self._kept: dict[str, Snapshot] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def __enter__(self) -> Snapshots:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for snapshot in self._kept.values():
            snapshot.close()

    def kept(self) -> dict[str, Snapshot]:
        """The snapshots, by generation."""
        return dict(self._kept)

    def _poll(self) -> None:
        from docsearch.engine.store import open_snapshot

        log = self._index / "catalog.sqlite-wal"
        seen = None
        while not self._ended.wait(POLL_EVERY_S):
            try:
                now = log.stat().st_mtime_ns
            except FileNotFoundError:  # nothing was written since the index was last opened
                now = 0
            if now != seen:
                seen = now
                snapshot = open_snapshot(self._index)
                if snapshot.generation in self._kept:
                    snapshot.close()
                else:
                    self._kept[snapshot.generation] = snapshot
