"""Model names of jina-embeddings-v4: which checkpoint, and with which settings; the spec of the published one.

A name is that of the published model, with @REVISION or without, or a folder, then settings:
"jinaai/jina-embeddings-v4,max_pixels=602112,tokens=vision".
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from ...errors import UsageError
from .. import model_names
from ..encoder import EncoderSpec

HUB_NAME = "jinaai/jina-embeddings-v4"
ARCHITECTURE = "JinaEmbeddingsV4Model"
LICENCE = "CC-BY-NC-4.0"
NOTICE = f"{HUB_NAME}: these weights are licensed {LICENCE}, which does not allow commercial use"
SUMMARY = "reads pages as a vision-language model does, in many languages and scripts; text and images in one space"
TASKS = ("retrieval", "text-matching", "code")
TOKENS = ("all", "vision")
PAGES = ("image", "text")
TOKEN_PX = 28
"""Side of the square that a visual token stands for, in pixels: 2 x 2 patches of 14 px."""
MAX_PIXELS = 1024 * TOKEN_PX**2
"""Default size of a page: at most 1,024 visual tokens."""
MIN_PIXELS = 4 * TOKEN_PX**2
RENDER_DPI = 200
"""More than a page of ordinary size needs: the renderer is bound by `max_pixels`."""
PUBLISHED = EncoderSpec(
    name=HUB_NAME,
    revision="",
    summary=SUMMARY,
    licence=LICENCE,
    parameters=3_934_695_552,
    dim=128,
    single_dim=2048,
    vocabulary=0,
    render_dpi=RENDER_DPI,
    max_pixels=MAX_PIXELS,
    notice=NOTICE,
    settings=(("task", "retrieval"), ("tokens", "all")),
    present=False,
    reads_passages=True,
)
"""The published checkpoint, as `docsearch models` lists it; an index records the revision of the one that it used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to embed.

    `task` is the LoRA adapter. `tokens` are the tokens of a page whose vectors are kept: "all", as published, or
    "vision", those that stand for a part of the image. `single_dim` is one of the checkpoint's Matryoshka dimensions
    (None: the largest), and `max_pixels` the size at which a page is read. `pages` says what is embedded of a page: its
    picture ("image"), or its text layer ("text"), where it has one. Passages of text files are always embedded as text.
    """

    task: str = "retrieval"
    tokens: str = "all"
    single_dim: int | None = None
    max_pixels: int = MAX_PIXELS
    pages: str = "image"

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise UsageError(f"task={self.task}: the tasks are {', '.join(TASKS)}")
        if self.tokens not in TOKENS:
            raise UsageError(f"tokens={self.tokens}: either {' or '.join(TOKENS)}")
        if self.pages not in PAGES:
            raise UsageError(f"pages={self.pages}: either {' or '.join(PAGES)}")
        if self.max_pixels < MIN_PIXELS:
            raise UsageError(f"max_pixels={self.max_pixels}: a page needs at least {MIN_PIXELS}, four visual tokens")


def parse(name: str) -> tuple[str, Settings]:
    """Split a model name into checkpoint and settings. Raises UsageError, which lists the settings, if it cannot."""
    base, *parts = name.split(",")
    given: dict[str, str | int] = {}
    known = {field.name: field.type for field in fields(Settings)}
    for part in parts:
        key, sign, value = part.partition("=")
        if key not in known or not sign:
            raise UsageError(f"--model {name}: unknown setting {part!r}; use KEY=VALUE with {', '.join(known)}")
        if "int" in str(known[key]):
            if not value.isascii() or not value.isdigit():
                raise UsageError(f"--model {name}: {key} must be a number, not {value!r}")
            given[key] = int(value)
        else:
            given[key] = value
    return base, Settings(**given)  # type: ignore[arg-type]  # the loop above gives each key its type


def full_name(base: str, settings: Settings) -> str:
    """The name by which an index opens this model again: an absolute folder, and settings that are not the default."""
    default = Settings()
    changed = [
        f"{field.name}={value}"
        for field in fields(Settings)
        if (value := getattr(settings, field.name)) != getattr(default, field.name)
    ]
    if not is_on_hub(base):
        base = str(Path(base).expanduser().resolve())
    return ",".join([base, *changed])


def is_published(name: str) -> bool:
    """Whether a name is that of the published model, with settings and a revision or without."""
    return name.partition(",")[0].partition("@")[0] == HUB_NAME


def is_on_hub(name: str) -> bool:
    """Whether a name is that of the published model, or of another repository of the hub, rather than a folder."""
    return is_published(name) or model_names.parse(name.partition(",")[0]).is_hub_id


def matches(name: str) -> bool:
    """Whether a name is that of the published model, or looks like a folder, which may hold a checkpoint of it."""
    base = name.partition(",")[0]
    return is_published(base) or Path(base).is_dir() or base.startswith((".", "/", "~"))
