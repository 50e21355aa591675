"""Options of commands that search, for an index whose shards are searched by workers on a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .indexes import opened

if TYPE_CHECKING:
    from ..engine.searcher import Searcher

SearchOnRay = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Have workers on a Ray cluster search the shards of the index: HOST:PORT of its head node, auto for the "
        "one that 'ray start' started on this machine, or local for workers on this machine alone. Needs the extra "
        "ray.",
    ),
]
Replicas = Annotated[
    int,
    typer.Option(
        "--replicas", min=1, help="With --ray: workers for each shard; another one steps in where one is lost."
    ),
]
Partial = Annotated[
    bool,
    typer.Option(
        "--partial", help="With --ray: where no worker of a shard answers, answer without its pages and say so."
    ),
]


def check(indexes: Sequence[Path], ray: str | None, replicas: int, *, partial: bool) -> None:
    """Raise UsageError for options that have no effect, or do not go together."""
    if ray is None and (replicas != 1 or partial):
        raise UsageError("--replicas and --partial need --ray, the address of a cluster")
    if ray is not None and len(indexes) > 1:
        raise UsageError("--ray searches one index; leave the others out, or make one of them with 'docsearch index'")


def open_to_search(
    indexes: Sequence[Path], *, device: str, ray: str | None = None, replicas: int = 1, partial: bool = False
) -> Searcher:
    """Open what a command searches: here, or on a cluster. Raises UsageError, and what `open_searcher` raises."""
    check(indexes, ray, replicas, partial=partial)
    if ray is None:
        from ..engine.searcher import open_searcher

        return open_searcher(opened(indexes), device=device)
    from ..cluster.search.searcher import open_on_ray

    return open_on_ray(indexes[0], ray, replicas=replicas, partial=partial)
