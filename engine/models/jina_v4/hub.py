"""A name goes in; the folder of its checkpoint comes out, from this disk, or downloaded when that is allowed."""

from __future__ import annotations

from pathlib import Path

from ...errors import UsageError
from . import checkpoint, spec


def find(base: str, *, download: bool) -> Path:
    """The folder of the checkpoint `base`: a folder, or the published name, looked up in the cache of the hub first.

    Raises UsageError, with what to do, when it is neither here nor to be had.
    """
    if base != spec.HUB_NAME:
        return Path(base).expanduser()
    if (here := cached()) is not None:
        return here
    reason = "it was not downloaded before"
    if download:
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(base, allow_patterns=list(checkpoint.FILES)))
        except Exception as err:  # noqa: BLE001 - its own, HTTP and OS errors all mean the same here
            reason = str(err).partition("\n")[0]
    raise UsageError(
        f"{base} is not on this machine ({reason}); where there is a network run "
        f"'hf download {base} --local-dir FOLDER', then give --model FOLDER"
    )


def cached() -> Path | None:
    """The folder in the hub's cache, if a whole checkpoint lies there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(spec.HUB_NAME, allow_patterns=list(checkpoint.FILES), local_files_only=True))
        checkpoint.read(folder)
    except (LocalEntryNotFoundError, UsageError):
        return None
    return folder
