"""`docsearch index` on a Ray cluster: the same run as on one machine, with the work done by the cluster's workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ...engine.errors import UsageError
from ...engine.models.encoder import PageEncoder
from ...indexer import pipeline
from ...indexer.report import IndexReport, Progress
from ...indexer.settings import ALL_FILES, DEFAULTS, FileChoice, IndexSettings
from . import remote_documents
from .coordinator import ClusterOptions, render_and_store
from .staging import is_url


def index_documents(
    paths: Sequence[Path | str],
    directory: Path | str,
    choice: FileChoice = ALL_FILES,
    settings: IndexSettings = DEFAULTS,
    *,
    options: ClusterOptions,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
) -> IndexReport:
    """As `pipeline.index_paths`, on the cluster that this process is connected to.

    `paths` are files and folders that every machine reaches under the same paths, or URLs of object storage such as
    s3://bucket/reports. An `encoder` is sent to the workers; otherwise each opens the model itself.
    Raises UsageError for paths and URLs in one call, or where no worker can be started, and what that function raises.
    """
    work = partial(render_and_store, options=options)
    urls = [str(path) for path in paths if is_url(str(path))]
    if not urls:
        return pipeline.index_paths(
            paths, directory, choice, settings, on_progress=on_progress, encoder=encoder, render_and_store=work
        )
    if len(urls) < len(paths):
        raise UsageError(
            "folders and URLs cannot be indexed in one run; give them to two commands, one after the other"
        )
    if choice.where is not None:
        raise UsageError("--where chooses among files; URLs of object storage are chosen with --exclude and --kinds")
    discovery = remote_documents.find(urls, exclude=choice.exclude, kinds=choice.kinds, renderer=settings.renderer)
    return pipeline.index_found(
        lambda _files: discovery,
        Path(directory),
        [],
        settings,
        on_progress=on_progress,
        encoder=encoder,
        render_and_store=work,
    )
