"""Options of commands that run on a Ray cluster, and `docsearch index` on one."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .indexing import ProgressLine
from .output import message, plural

if TYPE_CHECKING:
    from ..cluster.indexing.status import ClusterStatus
    from ..indexer.report import IndexReport, Progress
    from ..indexer.settings import FileChoice, IndexSettings

EVENT_EVERY_S = 2.0
NODES_SHOWN = 4

Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Do the work on a Ray cluster: auto for the one that this machine is part of, HOST:PORT of its head node, "
        "or local for workers on this machine alone. Needs the extra ray.",
    ),
]
RayWorkers = Annotated[
    int | None,
    typer.Option(
        "--ray-workers",
        min=1,
        metavar="N",
        help="Workers on the Ray cluster. By default one for each machine, or for each share of a GPU.",
    ),
]
RayGpus = Annotated[
    float | None,
    typer.Option(
        "--ray-gpus",
        min=0.0,
        metavar="SHARE",
        help="GPUs of each worker on the Ray cluster: 0.5 puts two on one GPU. By default 1 where the cluster has GPUs "
        "and the model uses one, else 0.",
    ),
]
Staging = Annotated[
    str,
    typer.Option(
        "--staging",
        metavar="PLACE",
        help="Where workers on other machines leave what they embedded: a folder that all of them reach, or a URL such "
        "as s3://bucket/staging. By default a folder in the index.",
    ),
]


def places(given: Sequence[str], *, on_cluster: bool) -> list[Path | str]:
    """The paths and URLs that a command was given, paths as such. Raises UsageError for a URL without a cluster."""
    urls = [place for place in given if "://" in place]
    if urls and not on_cluster:
        raise UsageError(f"{urls[0]}: object storage is read with --ray; --ray local needs no other machine")
    return [place if place in urls else Path(place) for place in given]


def check_ray_options(address: str | None, ray_workers: int | None, gpus: float | None, staging: str) -> None:
    """Raise UsageError for options of a cluster without the address of one."""
    if address is None and (ray_workers is not None or gpus is not None or staging):
        raise UsageError("--ray-workers, --ray-gpus and --staging need --ray, the address of a cluster")


class ClusterProgress:
    """Says how far a run on a cluster is: beside the bar, or with `as_json` in lines of JSON on stderr."""

    def __init__(self, *, as_json: bool, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._as_json = as_json and not quiet
        self._clock = clock
        self._status: ClusterStatus | None = None
        self._progress: Progress | None = None
        self._line = ProgressLine()
        self._printed = -EVENT_EVERY_S
        self._last_printed: ClusterStatus | None = None

    def on_status(self, status: ClusterStatus) -> None:
        """Keep a status, and print it with the progress if it is time for an event."""
        self._status = status
        if self._clock() - self._printed >= EVENT_EVERY_S:
            self._print(status)

    def end(self) -> None:
        """Print the last status, unless it was printed: the run has ended."""
        if self._status is not None and self._status is not self._last_printed:
            self._print(self._status)

    def _print(self, status: ClusterStatus) -> None:
        self._printed, self._last_printed = self._clock(), status
        if self._as_json:
            progress = None if self._progress is None else asdict(self._progress)
            message(json.dumps({"event": "progress", "progress": progress, "cluster": asdict(status)}))

    def line(self, progress: Progress) -> str:
        """A line about how far the run is, where the work is done, and what holds it up."""
        self._progress = progress
        parts = [self._line(progress), *([] if self._status is None else [status_line(self._status)])]
        return ("\n" if sys.stderr.isatty() else " · ").join(parts)


def status_line(status: ClusterStatus) -> str:
    """A line about workers and machines, pages per second of each stage, and the stage that holds the others up."""
    workers = sum(node.workers for node in status.nodes)
    rates = f"rendered {status.rendered_per_s:.1f}, embedded {status.embedded_per_s:.1f}"
    parts = [plural(workers, "worker"), f"{rates}, committed {status.committed_per_s:.1f} pages/s"]
    busiest = sorted(status.nodes, key=lambda node: -node.pages)[:NODES_SHOWN]
    if len(status.nodes) > 1:
        parts.append(", ".join(f"{node.host} {node.pages_per_s:.1f}/s" for node in busiest))
    if status.bottleneck:
        parts.append(f"held up by {status.bottleneck}")
    if status.lost_workers:
        parts.append(f"{plural(status.lost_workers, 'worker')} lost")
    return " · ".join(parts)


def index_on_cluster(
    paths: Sequence[Path | str],
    index: Path,
    choice: FileChoice,
    settings: IndexSettings,
    *,
    address: str,
    ray_workers: int | None,
    gpus: float | None,
    staging: str,
    shown: ClusterProgress,
    on_progress: Callable[[Progress], None],
) -> IndexReport:
    """As `pipeline.index_paths`, on the Ray cluster at `address`."""
    from ..cluster.connection import connected

    with connected(address):
        from ..cluster.indexing import index as on_cluster
        from ..cluster.indexing.coordinator import ClusterOptions
        from ..cluster.indexing.pool import PoolOptions, default_gpus

        share = default_gpus(settings.model, settings.device) if gpus is None else gpus
        options = ClusterOptions(PoolOptions(ray_workers, share), staging, shown.on_status)
        report = on_cluster.index_documents(paths, index, choice, settings, options=options, on_progress=on_progress)
        shown.end()
        return report
