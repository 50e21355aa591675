"""Fetches the segments of a shard to a machine that cannot read the folder of the index; each is fetched once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ...engine.errors import IndexDamaged
from ...engine.store import durable, layout, shards
from ...engine.store.locks import FileLock
from .shard_pages import ShardSpec

CHUNK_BYTES = 8 << 20
"""Bytes that are sent at a time."""

Read = Callable[[int | None, str, int, int], bytes]
"""Reads part of a file of a segment, or of the index (None): its name, where the part begins, how many bytes."""


class SegmentSource:
    """Reads files of an index for machines that cannot: an actor on the driver's machine."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, segment: int | None, name: str, start: int, count: int) -> bytes:
        """At most `count` bytes of a file, from `start` on; b"" at its end."""
        folder = self._directory if segment is None else shards.find_segment(self._directory, segment)
        if name != Path(name).name:
            raise ValueError(f"{name!r} is no file of a segment")
        with (folder / name).open("rb") as file:
            file.seek(start)
            return file.read(count)


def has_all(directory: Path, spec: ShardSpec) -> bool:
    """Whether a machine has all segments of a shard in `directory`, by the sizes of their files."""
    for segment, files in spec.files.items():
        folder = shards.find_segment(directory, segment)
        for file in files:
            try:
                if (folder / file.name).stat().st_size != file.bytes:
                    return False
            except OSError:
                return False
    return spec.codec != "residual" or layout.codebook_file(directory).is_file()


def fetch(spec: ShardSpec, store: Path, read: Read) -> Path:
    """Fetch the segments of a shard that are not in `store` yet; the folder that they are in, as in an index.

    Raises IndexDamaged where a file is not what was committed, and what `read` raises.
    """
    directory = store / hashlib.sha256(str(spec.directory).encode()).hexdigest()[:16]
    (directory / layout.SEGMENTS).mkdir(parents=True, exist_ok=True)
    for segment in spec.files:
        lock = FileLock(directory / f"{segment:08d}.lock", blocking=True)  # of workers on one machine, one fetches it
        try:
            _fetch_segment(spec, segment, directory, read)
        finally:
            lock.release()
    if spec.codec == "residual":
        with durable.atomic_file(layout.codebook_file(directory)) as temporary:
            _copy(temporary, None, read, layout.CODEBOOK)
    return directory


def _fetch_segment(spec: ShardSpec, segment: int, directory: Path, read: Read) -> None:
    """Fetch a segment, unless it is there as it was committed."""
    final, marker = layout.segment_folder(directory, segment), directory / f"{segment:08d}-{spec.digests[segment]}"
    if final.is_dir() and marker.exists():
        return
    durable.delete_folder(final)
    with durable.atomic_folder(final) as temporary:
        for file in spec.files[segment]:
            found = _copy(temporary / file.name, segment, read)
            if found != file.sha256:
                raise IndexDamaged(f"{file.name} of segment {segment}: its checksum is not the committed one")
    marker.touch()


def _copy(target: Path, segment: int | None, read: Read, name: str | None = None) -> str:
    """Copy a file, a part at a time; its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while part := read(segment, name or target.name, file.tell(), CHUNK_BYTES):
            file.write(part)
            digest.update(part)
    return digest.hexdigest()
