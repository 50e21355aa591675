"""Shards: folders of an index that its segments are divided among, for several disks or machines.

The catalog is not divided. It says what the index contains, so an index of shards is read as any other, with the same
rows, and its answers are the same to the last bit; it only has to be known where a segment is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import IndexDamaged
from . import durable, layout

FORMAT = 1


def names(directory: Path) -> tuple[str, ...]:
    """The names of the shards of an index, in order; none if it is not divided. Raises IndexDamaged."""
    file = directory / layout.SHARD_LIST
    try:
        found = json.loads(file.read_bytes())
        shards = found["shards"]
        if found["format"] != FORMAT or not all(isinstance(name, str) and name.isdecimal() for name in shards):
            raise ValueError(f"format {found['format']}, this version reads {FORMAT}")
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as err:
        raise IndexDamaged(f"{file}: not a list of shards ({err}); restore it from a copy of the index") from err
    return tuple(shards)


def write_names(directory: Path, shards: Sequence[str]) -> None:
    """Record the names of the shards durably; none means that the index is not divided."""
    file = directory / layout.SHARD_LIST
    if not shards:
        file.unlink(missing_ok=True)
        durable.sync_folder(directory)
        return
    with durable.atomic_file(file, follow_links=False) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, "shards": list(shards)}) + "\n", "ascii")


def folder(directory: Path, shard: str) -> Path:
    """The folder of a shard; that of the index for "", which stands for no shard."""
    return directory / layout.SHARDS / shard if shard else directory


def find_segment(directory: Path, segment: int) -> Path:
    """The folder of a segment, in the index or in one of its shards; where a new one belongs if there is none yet."""
    own = layout.segment_folder(directory, segment)
    if not own.is_dir():
        for shard in names(directory):
            found = layout.segment_folder(folder(directory, shard), segment)
            if found.is_dir():
                return found
    return own


def missing(directory: Path) -> list[str]:
    """The shards whose folders are not there, such as those on a disk that is not mounted."""
    return [shard for shard in names(directory) if not (folder(directory, shard) / layout.SEGMENTS).is_dir()]


def segment_entries(directory: Path) -> Iterator[Path]:
    """Everything in the folders of segments, temporary names included, of the index and of its shards."""
    for shard in ("", *names(directory)):
        try:
            with os.scandir(folder(directory, shard) / layout.SEGMENTS) as entries:
                yield from [Path(entry.path) for entry in entries]
        except FileNotFoundError:
            if not shard:
                raise


def placement(directory: Path) -> dict[int, str]:
    """The shard of each segment that is there, by its number; "" for those that are in none."""
    found: dict[int, str] = {}
    for entry in segment_entries(directory):
        if entry.name.isdecimal():
            inside = entry.parent.parent
            found.setdefault(int(entry.name), "" if inside == directory else inside.name)
    return found
