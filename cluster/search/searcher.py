"""Searches an index whose shards are held by workers on a Ray cluster, as one index.

>>> with RaySearch("local") as cluster, cluster.open("reports.index") as index:  # doctest: +SKIP
...     index.search("revenue chart 2023")
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from ...engine.errors import ShardsUnavailable, UsageError
from ...engine.hits import Hits, PagePictures
from ...engine.models.encoder import QueryEncoder
from ...engine.models.pooled import pooled_spec
from ...engine.models.registry import find_spec, load_query_encoder
from ...engine.records import Query
from ...engine.searcher import BATCH_QUERIES, Searcher
from ...engine.store import check_encoder, shards
from ...engine.store.currency import is_current
from ..connection import connected
from .fan_out import PREPARE_TIMEOUT_S, Call, FanOut
from .pages import ShardedPages, open_sharded_pages
from .workers import HeldShards, ShardWorker, Workers

TIMEOUT_S = 60.0
"""Seconds after which a shard that has not answered is given up."""
ASKED_AGAIN_AFTER_S = 15.0
"""Seconds for which a shard that was given up is left out of further answers, if these are accepted without it."""


class RaySearch:
    """Workers on a Ray cluster that search indexes; a context manager. May be shared between threads."""

    def __init__(
        self,
        address: str,
        *,
        replicas: int = 1,
        partial: bool = False,
        timeout_s: float | None = None,
        hedge: bool = True,
        cpus: float = 1.0,
        worker: type[ShardWorker] = ShardWorker,
    ) -> None:
        """`address` is as in `connection.connected`.

        `replicas` workers hold each shard, on different nodes where there are as many, and take `cpus` logical
        processors each. With `partial`, a shard none of whose workers answers within `timeout_s` seconds (TIMEOUT_S)
        is left out of an answer, which says so; else the question is refused with ShardsUnavailable. `hedge` asks a
        second worker where the first is slow. Raises UsageError where no cluster answers.
        """
        if replicas < 1:
            raise UsageError(f"replicas must be 1 or more, not {replicas}")
        self._replicas, self._cpus, self._worker = replicas, cpus, worker
        self.partial, self._hedge = partial, hedge
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._workers: dict[Path, Workers] = {}
        self._stack = ExitStack()
        self._stack.enter_context(connected(address))

    def __enter__(self) -> RaySearch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, and the connection."""
        workers, self._workers = self._workers, {}
        for each in workers.values():
            each.close()
        self._stack.close()

    def open(
        self,
        directory: Path | str,
        *,
        encoder: QueryEncoder | None = None,
        pictures: PagePictures | None = None,
        without: Sequence[str] = (),
    ) -> ShardedSearcher:
        """Open an index as of its last commit, as `open_searcher` does, without some shards if need be.

        Workers open or fetch its shards first. Raises what `open_searcher` raises, and ShardsUnavailable.
        """
        directory = Path(directory)
        snapshot = open_sharded_pages(directory, without)
        try:
            name, revision = (str(snapshot.fingerprint.get(each, "")) for each in ("name", "revision"))
            spec = pooled_spec(encoder.spec if encoder else find_spec(name, revision), snapshot.pool)
            check_encoder(directory, snapshot.fingerprint, spec.fingerprint)
            encoder = encoder or load_query_encoder(name, revision)
            specs = snapshot.specs(getattr(encoder, "visual_words", None))
            workers = self._workers.setdefault(directory.resolve(), self._new_workers(directory))
            held = workers.hold(specs)
            snapshot.held.callback(held.release)
            return ShardedSearcher(self, snapshot, encoder, pictures, held)
        except BaseException:
            snapshot.close()
            raise

    def is_current(self, searcher: Searcher) -> bool:
        """Whether a searcher is of the last commit of its index, and its segments are where they were."""
        snapshot = searcher.snapshot
        assert isinstance(snapshot, ShardedPages)
        return (
            is_current(snapshot.directory, snapshot.generation, {}, snapshot.columns.revision)
            and shards.placement(snapshot.directory).items() >= snapshot.placed_segments.items()
        )

    def _new_workers(self, directory: Path) -> Workers:
        known = self._workers.get(directory.resolve())
        return known or Workers(directory.resolve(), self._replicas, cpus=self._cpus, worker=self._worker)

    def fan_out(self, held: HeldShards) -> FanOut:
        """What calls these shards."""
        return FanOut(held, timeout_s=self._timeout_s, hedge=self._hedge)

    @property
    def together(self) -> int:
        """Batches of questions that are answered at the same time, so that workers do not wait for the driver."""
        return 2 * self._replicas


def open_on_ray(
    directory: Path | str,
    address: str,
    *,
    encoder: QueryEncoder | None = None,
    pictures: PagePictures | None = None,
    replicas: int = 1,
    partial: bool = False,
) -> ShardedSearcher:
    """Open an index whose shards workers on a Ray cluster search; closing it ends them. See `RaySearch`."""
    cluster = RaySearch(address, replicas=replicas, partial=partial)
    try:
        found = cluster.open(directory, encoder=encoder, pictures=pictures)
        found.ends_cluster = True
    except BaseException:
        cluster.close()
        raise
    return found


class ShardedSearcher(Searcher):
    """A `Searcher` of an index whose vectors the workers of its shards hold. Answers are those of the index alone."""

    snapshot: ShardedPages
    ends_cluster = False
    """Whether closing it ends the workers of its cluster, and the connection."""

    def __init__(
        self,
        cluster: RaySearch,
        snapshot: ShardedPages,
        encoder: QueryEncoder,
        pictures: PagePictures | None,
        held: HeldShards,
    ) -> None:
        self._cluster = cluster
        self._held = held
        self._rest: dict[frozenset[str], ShardedSearcher] = {}
        self._down: dict[str, float] = {}
        self.fan_out = cluster.fan_out(held)
        snapshot.send = self.fan_out
        super().__init__(snapshot, encoder, pictures)
        try:
            self.fan_out([Call(each.name, "opened") for each in snapshot.shard_rows], timeout_s=PREPARE_TIMEOUT_S)
        except ShardsUnavailable as err:
            if not cluster.partial:
                raise
            self._mark_down(err.shards)

    @property
    def workers(self) -> Workers:
        """The workers of all shards."""
        return self._held.workers

    def close(self) -> None:
        """Close the snapshot, and end the workers that nobody else needs."""
        for each in self._rest.values():
            each.close()
        self._rest.clear()
        super().close()
        if self.ends_cluster:
            self._cluster.close()

    def search_many(self, queries: Iterable[Query | str], **options: Any) -> Iterator[tuple[Query, Hits]]:
        """As `Searcher.search_many`. Several batches are answered at the same time; the answers are in order.

        Raises ShardsUnavailable where shards do not answer, unless answers without them are accepted.
        """
        if isinstance(queries, Sequence) and len(queries) <= BATCH_QUERIES:
            yield from self._answered(queries, options, is_alone=len(queries) == 1)
            return
        waiting = iter(queries)
        under_way: deque[Future[list[tuple[Query, Hits]]]] = deque()
        with ThreadPoolExecutor(self._cluster.together, thread_name_prefix="docsearch-shards") as pool:
            try:
                while batch := list(islice(waiting, BATCH_QUERIES)):
                    under_way.append(pool.submit(self._answered, batch, options))
                    if len(under_way) > self._cluster.together:
                        yield from under_way.popleft().result()
                while under_way:
                    yield from under_way.popleft().result()
            finally:
                for each in under_way:
                    each.cancel()

    def _answered(
        self, batch: Sequence[Query | str], options: dict[str, Any], *, is_alone: bool = False
    ) -> list[tuple[Query, Hits]]:
        """The answers of a batch; where shards do not answer, those of the others if that is accepted."""
        down = self._still_down()
        try:
            if not down:
                return list(super().search_many(batch if is_alone else iter(batch), **options))
        except ShardsUnavailable as err:
            if not self._cluster.partial or self.snapshot.names <= {*err.shards}:
                raise
            self._mark_down(err.shards)
            down = frozenset(err.shards)
        rest = self._without(down)
        missing, pages = sorted(rest.snapshot.without), rest.snapshot.pages_missing
        answers = rest._answered(batch, options, is_alone=is_alone)
        return [(query, hits if hits.missing_shards else hits.without(missing, pages)) for query, hits in answers]

    def _mark_down(self, shards: Sequence[str]) -> None:
        """Leave shards out of answers for a while, rather than wait for each in turn."""
        self._down.update(dict.fromkeys(shards, time.monotonic() + ASKED_AGAIN_AFTER_S))

    def _still_down(self) -> frozenset[str]:
        """The shards that did not answer a moment ago."""
        now = time.monotonic()
        return frozenset(shard for shard, until in list(self._down.items()) if now < until)

    def _without(self, shards: frozenset[str]) -> ShardedSearcher:
        """The searcher of the pages outside some shards."""
        without = self.snapshot.without | shards
        if without not in self._rest:
            rest = self._cluster.open(self.snapshot.directory, encoder=self.encoder, without=sorted(without))
            self.snapshot.held.callback(rest.snapshot.close)
            self._rest[without] = rest
        return self._rest[without]
