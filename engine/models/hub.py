"""A repository's name goes in; its folder comes out, from this disk, or downloaded when that is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError


def find(name: str, patterns: Sequence[str], *, here: Path | None, download: bool) -> Path:
    """The folder of a repository: `here` where it was found, else its files that fit `patterns` are downloaded.

    Raises UsageError, with what to do, when it is neither here nor to be had.
    """
    if here is not None:
        return here
    reason = "it was not downloaded before"
    if download:
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(name, allow_patterns=list(patterns)))
        except Exception as err:  # noqa: BLE001 - its own, HTTP and OS errors all mean the same here
            reason = str(err).partition("\n")[0]
    raise UsageError(
        f"{name} is not on this machine ({reason}); where there is a network run "
        f"'hf download {name} --local-dir FOLDER', then give --model FOLDER"
    )


def cached(name: str, patterns: Sequence[str]) -> Path | None:
    """The folder in the hub's cache where files of a repository lie, all or some."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns), local_files_only=True))
    except LocalEntryNotFoundError:
        return None
