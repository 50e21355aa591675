"""`docsearch index` on a Ray cluster: the same run as on one machine, with the work done by the cluster's workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ...engine.models.encoder import PageEncoder
from ...indexer import pipeline
from ...indexer.discover import Discovery
from ...indexer.report import IndexReport
from . import remote_documents
from .coordinator import ClusterOptions, render_and_store
from .staging import is_url


def index_documents(
    paths: Sequence[Path | str],
    directory: Path | str,
    *,
    options: ClusterOptions,
    exclude: Sequence[str] = (),
    kinds: Sequence[str] | None = None,
    where: str | None = None,
    model: str = "pixel",
    renderer: str = "mupdf",
    encoder: PageEncoder | None = None,
    **settings: Any,
) -> IndexReport:
    """As `pipeline.index_documents`, with the same `settings`, on the cluster that this process is connected to.

    `paths` are files and folders that every machine reaches under the same paths, or URLs of object storage such as
    s3://bucket/reports. An `encoder` is sent to the workers; otherwise each opens the `model` itself.
    Raises UsageError for paths and URLs in one call, or where no worker can be started, and what that function raises.
    """
    work = partial(render_and_store, options=options)
    urls = [str(path) for path in paths if is_url(str(path))]
    if not urls:
        return pipeline.index_documents(
            paths,
            directory,
            exclude=exclude,
            kinds=kinds,
            where=where,
            model=model,
            renderer=renderer,
            encoder=encoder,
            render_and_store=work,
            **settings,
        )
    if len(urls) < len(paths):
        raise UsageError(
            "folders and URLs cannot be indexed in one run; give them to two commands, one after the other"
        )
    if where is not None:
        raise UsageError("--where chooses among files; URLs of object storage are chosen with --exclude and --kinds")
    discovery = remote_documents.find(urls, exclude=exclude, kinds=kinds, renderer=renderer)

    def find(_files: Mapping[str, bytes]) -> Discovery:
        return discovery

    return pipeline.index_found(
        find,
        Path(directory),
        [],
        model=model,
        renderer=renderer,
        encoder=encoder,
        render_and_store=work,
        **settings,
    )
