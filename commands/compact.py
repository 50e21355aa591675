"""`docsearch compact`: reclaims the space of removed pages, or changes the codec."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .interrupts import interruptible
from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import print_json
from .shard import print_shards

if TYPE_CHECKING:
    from ..engine.compression.residual import Codebook

KEPT = "every page is kept, and the same command continues from the last segment that was written"


def compact(
    index: IndexDirectory = DEFAULT_INDEX,
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="CODEC",
            help="Store vectors as float16, int8, int4, residual or binary from now on. By default the codec stays.",
        ),
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Then move the segments into this many shards, cut as small as that takes; 0 moves them back. See "
            "'docsearch shard'.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Reclaim the space of removed pages, or change the codec.

    A codec with fewer bits loses precision for good; 'docsearch verify --loss' measures the loss beforehand.

    Examples:

        docsearch compact

        docsearch compact --index office.index --codec binary

        docsearch compact --index office.index --shards 4
    """
    from ..engine.store import open_writer

    codebook = _codebook(index) if codec == "residual" else None
    with interruptible(lambda: KEPT), open_writer(index, fingerprint=None, create=False) as writer:
        report = writer.compact(codec, codebook, shards=shards or 0)
        divided = None if shards is None else writer.divide(shards)
    facts = asdict(report)
    if as_json:
        if divided is not None:
            facts["shards"] = [asdict(shard) for shard in divided]
        print_json(facts)
    else:
        print("; ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in facts.items()))
        if divided is not None:
            print_shards(divided)


def _codebook(index: Path) -> Codebook | None:
    """The codebook of the index's model; None for models without visual words."""
    from ..engine.searcher import open_searcher
    from ..engine.store import open_snapshot

    with open_snapshot(index) as snapshot:
        if not snapshot.has_words:
            return None
    with open_searcher(index) as searcher:
        return searcher.codebook
