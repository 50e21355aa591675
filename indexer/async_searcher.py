"""The searcher for programs with an event loop: searches run in a few threads, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial as bound
from functools import wraps
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..engine.errors import UsageError
from ..engine.latest import LatestSearcher, Opening
from ..engine.models.encoder import QueryEncoder
from ..engine.searcher import BATCH_QUERIES, Searcher
from .cluster_address import split_address
from .page_images import PageImages

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_THREADS = 2
"""Searches that run at once; each of them uses several cores where that helps."""


def _in_thread(
    method: Callable[Concatenate[Searcher, P], T],
) -> Callable[Concatenate[AsyncSearcher, P], Coroutine[Any, Any, T]]:
    """The coroutine that calls a method of the searcher in one of the threads."""

    @wraps(method)
    async def call(self: AsyncSearcher, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(lambda: method(self._latest.current(), *args, **kwargs))

    return call


def _batches_in_thread(
    method: Callable[Concatenate[Searcher, P], Iterator[T]],
) -> Callable[Concatenate[AsyncSearcher, P], AsyncIterator[T]]:
    """What a method of the searcher yields, all from one snapshot, made in the threads, some at a time."""

    @wraps(method)
    async def call(self: AsyncSearcher, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        searcher = await self.run(self._latest.current)
        found = method(searcher, *args, **kwargs)
        while some := await self.run(bound(_some, found)):
            for each in some:
                yield each

    return call


class AsyncSearcher:
    """Answers from the last commit of an index without blocking an event loop; an async context manager.

    The index is opened by the first call, or on entering. At most `threads` calls run at once, the others wait. A call
    that is cancelled while it waits is never made; one that runs already ends in its thread, and its result is dropped.
    The methods are those of `Searcher`. Attributes of a hit that read the index, such as `hit.text`, block: get them in
    a function that is passed to `run`.

    Examples:
        >>> async def first(question):
        ...     async with AsyncSearcher("reports.index") as index:
        ...         hits = await index.search(question, k=1)
        ...         return hits[0].ref.page, "Revenue" in await index.run(lambda: hits[0].text)
        >>> asyncio.run(first("revenue chart 2023"))
        (6, True)
    """

    def __init__(
        self,
        directory: Path | str | Sequence[Path | str],
        *,
        threads: int = DEFAULT_THREADS,
        encoder: QueryEncoder | None = None,
        device: str = "cpu",
        ray: str | None = None,
        replicas: int = 1,
        partial: bool = False,
    ) -> None:
        """The arguments besides `threads` are those of `open_index`, a cluster's among them; it is connected to when
        the index is opened. Raises UsageError for `threads` below 1, and for several indexes on a cluster.
        """
        if threads < 1:
            raise UsageError(f"threads must be 1 or more, not {threads}")
        directory, ray = split_address(directory, ray)
        self._opening: Opening | None = None
        if ray is not None:
            # By name: the package `cluster` imports this one.
            cluster = importlib.import_module("docsearch.cluster.search.opening")
            self._opening = cluster.OpenOnRay(ray, replicas=replicas, partial=partial)
        opened = Path(directory) if isinstance(directory, str | Path) else {str(path): Path(path) for path in directory}
        pictures = PageImages.readable(opened)
        self._latest = LatestSearcher(opened, encoder=encoder, pictures=pictures, device=device, opening=self._opening)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="docsearch")

    async def __aenter__(self) -> AsyncSearcher:
        try:
            await self.run(self._latest.current)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def run(self, function: Callable[[], T]) -> T:
        """The result of a function that is called in one of the threads; its errors are raised here.

        Raises UsageError after `close`.
        """
        try:
            waiting = self._threads.submit(function)
        except RuntimeError as err:
            raise UsageError("the index was closed; open it again") from err
        return await asyncio.wrap_future(waiting)

    async def close(self) -> None:
        """Wait for the calls that run, drop those that wait, and close the index. Closing twice is harmless."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._latest.close)
        if self._opening is not None:
            await asyncio.to_thread(self._opening.close)

    search = _in_thread(Searcher.search)
    more_like = _in_thread(Searcher.more_like)
    scores = _in_thread(Searcher.scores)
    explain = _in_thread(Searcher.explain)
    text = _in_thread(Searcher.text)
    vectors = _in_thread(Searcher.vectors)
    pages = _in_thread(Searcher.pages)
    facets = _in_thread(Searcher.facets)
    info = _in_thread(Searcher.info)
    prepare = _in_thread(Searcher.prepare)
    search_many = _batches_in_thread(Searcher.search_many)


def _some(found: Iterator[T]) -> list[T]:
    return list(islice(found, BATCH_QUERIES))
