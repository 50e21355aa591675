"""A name goes in; its checkpoint comes out, described as an index records it and `docsearch models` lists it."""

from __future__ import annotations

from dataclasses import replace

from ...errors import UsageError
from ..encoder import EncoderSpec
from . import checkpoint, hub, spec
from .checkpoint import Checkpoint
from .spec import Settings


def describe(name: str, *, download: bool = False) -> tuple[Checkpoint, EncoderSpec, Settings]:
    """Find and read the checkpoint of a name; its headers only. Raises UsageError when it is not there or unfit."""
    base, settings = spec.parse(name)
    opened = checkpoint.read(hub.find(base, download=download))
    if settings.task not in opened.tasks:
        raise UsageError(f"{base}: has no adapter for {settings.task}, only for {', '.join(opened.tasks)}")
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
        settings=(("task", settings.task), ("tokens", settings.tokens)),
        present=True,
    )
    return opened, described, settings


def listed() -> EncoderSpec:
    """The published checkpoint, with its revision where it is on this machine."""
    return describe(spec.HUB_NAME)[1] if hub.cached() is not None else spec.PUBLISHED
