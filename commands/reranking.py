"""The options --rerank and --rerank-hits of commands that search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import UsageError
from ..engine.printable import printable
from .defaults import RERANKED_HITS
from .output import message, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..engine.ranking.third_stage import ThirdStage
    from ..engine.searcher import Searcher


def check_rerank_hits(model: str | None, count: int | None) -> None:
    """Raise UsageError where --rerank-hits is given without --rerank."""
    if model is None and count is not None:
        raise UsageError("--rerank-hits has no effect without --rerank MODEL, which reads these hits")


def third_stage(model: str | None, count: int | None, device: str) -> ThirdStage | None:
    """What reranks the first `count` hits (None: RERANKED_HITS) with the cross-encoder `model`; None without one.

    Raises UsageError where the model cannot be opened, or a `count` is given without one.
    """
    check_rerank_hits(model, count)
    if model is None:
        return None
    from ..engine.models.reranker import Reranker
    from ..engine.ranking.third_stage import ThirdStage

    return ThirdStage(Reranker.open(model, device=device), count or RERANKED_HITS)


def give_pictures(stage: ThirdStage | None, searcher: Searcher, directory: Path | Mapping[str, Path]) -> None:
    """Have a searcher of the index at `directory`, or of several by their names, draw pages for a model that reads
    pictures. The searcher closes what draws. Loads the model; raises UsageError if it cannot be loaded.
    """
    if stage is None or not stage.model.reads_pictures:
        return
    from ..indexer.page_images import PageImages

    searcher.pictures = PageImages.readable(directory)


def tell_undrawn(stage: ThirdStage | None) -> None:
    """Say on stderr which pages a model that reads pictures had no picture of."""
    if stage is None or not stage.undrawn:
        return
    reason = printable(next(iter(stage.undrawn.values())))
    message(f"{plural(len(stage.undrawn), 'page')} could not be drawn for --rerank, which read text instead: {reason}")
