"""Folders of models on the Hugging Face hub: found in the local cache, or downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from . import extras


def find_folder(name: str, patterns: Sequence[str], *, cached: Path | None, download: bool, revision: str = "") -> Path:
    """The folder of the repository `name`: `cached` if that is given, else its files that match `patterns`, downloaded.

    `revision` is a branch, a tag or a commit; "" is the newest. Raises UsageError, with what to do, if it is neither
    cached nor downloaded.
    """
    if cached is not None:
        return cached
    reason = "it has not been downloaded"
    if download:
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(patterns)))
        except Exception as err:  # noqa: BLE001 - errors of the hub, of HTTP and of the system all mean the same here
            reason = str(err).partition("\n")[0]
    at = f" --revision {revision}" if revision else ""
    raise UsageError(
        f"{name} is not on this machine ({reason}), and there is no folder of this name; on a machine with "
        f"network access run 'hf download {name}{at} --local-dir FOLDER', then give FOLDER in its place"
    )


def cached_folder(name: str, patterns: Sequence[str], revision: str = "") -> Path | None:
    """The folder of a repository in the hub's cache, which may hold some of its files only; None without one."""
    if not extras.is_installed("huggingface_hub"):
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(name, revision=revision or None, allow_patterns=list(patterns), local_files_only=True)
    except LocalEntryNotFoundError:
        return None
    return Path(found)
