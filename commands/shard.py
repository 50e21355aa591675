"""`docsearch shard`: makes a copy of an index that is divided into shards, for several disks or machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .interrupts import interruptible
from .options import DEFAULT_INDEX, AsJson, Quiet
from .output import print_json

if TYPE_CHECKING:
    from ..engine.store.sharding import ShardReport

NOTHING = "nothing was made; the index is as it was"
SEGMENTS_DONE = "{task.completed:.0f} of {task.total:.0f} segments"


def shard(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="New folder of the divided index.")],
    shards: Annotated[int, typer.Option("--shards", min=1, help="How many shards to make.")],
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Folder of the index.")] = DEFAULT_INDEX,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a copy of an index whose segments are divided into shards.

    Nothing is embedded again: whole segments get a second name in the copy, which takes no space, or are copied to
    another disk. The copy is an index as any other and gives the same answers. Each folder in its shards/ may be a disk
    of its own.

    'docsearch compact --shards' divides an index where it is.

    Examples:

        docsearch shard --shards 4 --output divided.index

        docsearch shard office.index --shards 8 --output /data/office.shards
    """
    from ..engine.store import sharding
    from .progress import progress_bar

    with (
        interruptible(lambda: NOTHING),
        progress_bar(text=SEGMENTS_DONE, time_left=True, quiet=quiet, lines=True) as bar,
    ):
        made = sharding.divide_copy(index, output, shards, lambda done, total: bar.update(done, total, ""))
    if as_json:
        print_json({"output": str(output), "shards": [asdict(each) for each in made]})
    else:
        print_shards(made)


def print_shards(made: Sequence[ShardReport]) -> None:
    """Print a line for each shard."""
    for each in made:
        print(f"shard {each.name}: segments {each.segments:,}; pages {each.pages:,}; vectors {each.vectors:,}")
