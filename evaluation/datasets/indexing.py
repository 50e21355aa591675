"""Indexes the pages of a benchmark: pictures one by one under their ids, PDF files as any folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...engine.models.encoder import PageEncoder
from ...indexer import pipeline
from ...indexer.pictures import Picture, index_pictures
from ...indexer.report import IndexReport, Progress
from .collection import Corpus


def index_corpus(
    corpus: Corpus,
    directory: Path,
    *,
    model: str = "pixel",
    device: str = "auto",
    codec: str | None = None,
    pool: int | None = None,
    workers: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
) -> IndexReport:
    """Bring the index in `directory` up to date with a corpus; pages that it has already are skipped.

    A picture keeps its id even where another one is identical. The arguments, and what is raised, are those of
    `pipeline.index_documents`; on Ctrl-C, what is embedded is committed, and the next call continues there.
    """
    if corpus.documents is not None:
        return pipeline.index_documents(
            [corpus.documents],
            directory,
            model=model,
            device=device,
            codec=codec,
            pool=pool,
            workers=workers,
            on_progress=on_progress,
            encoder=encoder,
        )
    return index_pictures(
        (Picture(page.page_id, page.picture, page.text) for page in corpus.read()),
        directory,
        names=corpus.ids,
        model=model,
        device=device,
        codec=codec,
        pool=pool,
        workers=workers,
        on_progress=on_progress,
        encoder=encoder,
    )
