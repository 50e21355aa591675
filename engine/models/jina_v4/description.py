"""The checkpoint that a model name refers to, and its spec: finds the folder, downloads it, reads its headers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from .. import hub
from ..encoder import EncoderSpec
from . import checkpoint, spec
from .checkpoint import Checkpoint
from .spec import Settings


def describe(name: str, *, download: bool = False) -> tuple[Checkpoint, EncoderSpec, Settings]:
    """The checkpoint, spec and settings of a model name; weights are not loaded.

    Raises UsageError if the checkpoint is not there, is another model's, or does not offer these settings.
    """
    base, settings = spec.parse(name)
    opened = checkpoint.read(find_folder(base, download=download))
    if settings.task not in opened.tasks:
        raise UsageError(f"{base}: has no adapter for the task {settings.task}, only for {', '.join(opened.tasks)}")
    dims = opened.single_dims
    if settings.single_dim is not None and settings.single_dim not in dims:
        raise UsageError(f"single_dim={settings.single_dim}: {base} has {', '.join(map(str, dims))}")
    described = replace(
        spec.PUBLISHED,
        name=spec.full_name(base, settings),
        revision=opened.revision,
        parameters=opened.parameters,
        dim=opened.projector_dim,
        single_dim=settings.single_dim or dims[-1],
        max_pixels=settings.max_pixels,
        settings=_recorded(settings),
        present=True,
    )
    return opened, described, settings


def _recorded(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The settings as an index records them; `pages`, newer than some indexes, only if it is not the default."""
    found = (("task", settings.task), ("tokens", settings.tokens))
    return found if settings.pages == Settings().pages else (*found, ("pages", settings.pages))


def published_spec() -> EncoderSpec:
    """The spec of the published checkpoint; with its revision if it is on this machine."""
    return describe(spec.HUB_NAME)[1] if cached_folder() is not None else spec.PUBLISHED


def find_folder(base: str, *, download: bool) -> Path:
    """The folder of the checkpoint `base`, a folder or the published name; that is looked up in the hub's cache first.

    Raises UsageError, with what to do, if it is neither cached nor downloaded.
    """
    if not spec.is_on_hub(base):
        return Path(base).expanduser()
    name, _, revision = base.partition("@")
    cached = cached_folder(revision, name)
    return hub.find_folder(name, checkpoint.FILES, cached=cached, download=download, revision=revision)


def cached_folder(revision: str = "", name: str = spec.HUB_NAME) -> Path | None:
    """The folder in the hub's cache, if it holds a complete checkpoint."""
    if (folder := hub.cached_folder(name, checkpoint.FILES, revision)) is None:
        return None
    try:
        checkpoint.read(folder)
    except UsageError:
        return None
    return folder
