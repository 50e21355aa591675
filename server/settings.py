"""Settings of a server, and the checks that refuse unsafe ones."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from ..engine.errors import UsageError

TOKEN_MIN_CHARS = 16
"""A shorter token could be guessed by brute force."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`index` is the folder of the index, `host` and `port` the address to listen on, `token` what clients must send.

    At most `questions_max` queries, `pictures_max` page images and `uploads_max` uploads are queued. `passwords` are
    tried on encrypted documents when their pages are rendered, and when they are uploaded. `read_only` refuses uploads
    and removals. An upload has at most `upload_max_mb` MB of 2^20 bytes. `device` is where pages are scored: "cpu",
    "cuda", or "auto" for a GPU if there is one.
    `watch` keeps the index up to date with its folders; `prune` then removes documents that are gone from disk.
    `collections` are several indexes by name, served together; `index` is then the first of them.
    `llm` is the URL of a chat endpoint that answers questions from pages, and `llm_model` its model; without a URL no
    page is sent anywhere. At most `answers_max` answers are written at a time.
    `ray` is the address of a cluster whose workers search the shards of the index, `replicas` for each; with `partial`,
    answers without the pages of shards that do not answer are given, and say so.
    """

    index: Path
    host: str = "127.0.0.1"
    port: int = 8750
    token: str | None = field(default=None, repr=False)
    passwords: tuple[str, ...] = field(default=(), repr=False)
    questions_max: int = 256
    pictures_max: int = 128
    read_only: bool = False
    upload_max_mb: int = 200
    uploads_max: int = 64
    device: str = "cpu"
    watch: bool = False
    prune: bool = False
    collections: tuple[tuple[str, Path], ...] = ()
    llm: str | None = None
    llm_model: str | None = None
    answers_max: int = 4
    ray: str | None = None
    replicas: int = 1
    partial: bool = False

    @property
    def upload_max_bytes(self) -> int:
        """The maximum size of an upload in bytes."""
        return self.upload_max_mb << 20


def check(settings: ServerSettings) -> None:
    """Raise UsageError for unsafe settings: no token although other machines can connect, or a short one."""
    if settings.token is not None and len(settings.token) < TOKEN_MIN_CHARS:
        raise UsageError(
            f"the token has {len(settings.token)} characters; use at least {TOKEN_MIN_CHARS}, for example from "
            "'openssl rand -hex 16'"
        )
    if settings.token is None and not is_loopback(settings.host):
        raise UsageError(
            f"{settings.host} can be reached from other machines: give a --token (or $DOCSEARCH_TOKEN) that clients "
            "must send, or leave --host at 127.0.0.1"
        )


def check_watch(settings: ServerSettings) -> None:
    """Raise UsageError for settings of --watch that contradict others."""
    if settings.watch and settings.read_only:
        raise UsageError("--watch changes the index, which --read-only forbids; leave one of them out")
    if settings.prune and not settings.watch:
        raise UsageError("--prune belongs to --watch; 'docsearch update --prune' removes documents once")


def is_loopback(host: str) -> bool:
    """Whether `host` can be reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
