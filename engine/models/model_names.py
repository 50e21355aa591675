"""Model names as users write them: `BASE[@REVISION][,KEY=VALUE...]`, where the base is a folder or an id on the hub.

"./my-model,dim=64", "vidore/colqwen2-v1.0-hf@refs/pr/2", "org/name@3f2a91c,dim=128".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model's `base`, a folder or an id on the hub; its `revision` there ("": the newest); and its `settings`."""

    base: str
    revision: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_hub_id(self) -> bool:
        """Whether the base is an id on the hub: it has the form of one, and no folder of this name is here."""
        return HUB_ID.fullmatch(self.base) is not None and not self.folder.is_dir()

    @property
    def folder(self) -> Path:
        """The base as a folder, which may not exist."""
        return Path(self.base).expanduser()

    @property
    def full(self) -> str:
        """The name by which an index opens this model again, from any working directory.

        The revision of a folder is left out: an index records the one that docsearch computes, and compares.
        """
        at = f"@{self.revision}" if self.revision else ""
        base = f"{self.base}{at}" if self.is_hub_id else str(self.folder.resolve())
        return ",".join([base, *(f"{key}={value}" for key, value in sorted(self.settings.items()))])

    def number(self, key: str) -> int | None:
        """A setting that is a whole number above 0; None if it is not given. Raises UsageError for anything else."""
        if (value := self.settings.get(key)) is None:
            return None
        if not value.isascii() or not value.isdigit() or int(value) < 1:
            raise UsageError(f"--model {self.full}: {key} must be a number above 0, not {value!r}")
        return int(value)


def parse(name: str, known: tuple[str, ...] = ()) -> ModelName:
    """Split a model's name. Raises UsageError for a setting that is not among the `known` ones.

    A folder whose own name has a comma or an @ is a folder.

    >>> parse("org/name@main,dim=64", ("dim",))
    ModelName(base='org/name', revision='main', settings={'dim': '64'})
    """
    if Path(name).expanduser().is_dir():
        return ModelName(name)
    base, *parts = name.split(",")
    settings: dict[str, str] = {}
    for part in parts:
        key, sign, value = part.partition("=")
        if not sign or key not in known:
            offered = f"use KEY=VALUE with {', '.join(known)}" if known else "this model has none"
            raise UsageError(f"--model {name}: unknown setting {part!r}; {offered}")
        settings[key] = value
    revision = ""
    if not Path(base).expanduser().is_dir() and "@" in base:
        base, _, revision = base.rpartition("@")
    return ModelName(base, revision, settings)
