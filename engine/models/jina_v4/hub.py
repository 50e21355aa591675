"""A name goes in; the folder of its checkpoint comes out, from this disk, or downloaded when that is allowed."""

from __future__ import annotations

from pathlib import Path

from ...errors import UsageError
from .. import hub
from . import checkpoint, spec


def find(base: str, *, download: bool) -> Path:
    """The folder of the checkpoint `base`: a folder, or the published name, looked up in the cache of the hub first.

    Raises UsageError, with what to do, when it is neither here nor to be had.
    """
    if base != spec.HUB_NAME:
        return Path(base).expanduser()
    return hub.find(base, checkpoint.FILES, here=cached(), download=download)


def cached() -> Path | None:
    """The folder in the hub's cache, if a whole checkpoint lies there."""
    if (folder := hub.cached(spec.HUB_NAME, checkpoint.FILES)) is None:
        return None
    try:
        checkpoint.read(folder)
    except UsageError:
        return None
    return folder
