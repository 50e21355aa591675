"""How servers of embeddings are asked over HTTP: the endpoint's path tells which protocol it speaks.

| path ends in | server | reads | answers |
|---|---|---|---|
| /pooling | vLLM | texts, pictures | {"data": [{"index": 0, "data": [[...], ...]}]} |
| /embeddings | Infinity, OpenAI's API | texts; Infinity pictures, too | {"data": [{"index": 0, "embedding": ...}]} |
| /embed | TEI | texts | [[...], ...] |
| /embed_all | TEI | texts | [[[...], ...], ...] |
"""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from ..errors import UsageError
from ..records import F32, U8

TOKEN_VARIABLE = "DOCSEARCH_REMOTE_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable with a bearer token for servers that ask for one; it is not recorded."""
PATHS = ("/pooling", "/embeddings", "/embed", "/embed_all")
SETTINGS = ("model", "pages", "query_prompt", "page_prompt", "dim", "batch", "timeout")
IMAGE_PROMPT = "Describe the image."
"""The text beside a picture that ColPali's and ColQwen's descendants were trained with."""
TEXT_BATCH = 32
DEFAULT_BATCH, DEFAULT_TIMEOUT_S = 4, 120
CONNECT_TIMEOUT_S = 10
RETRIES = 5
RETRY_STATUS = (429, 502, 503, 504)
"""HTTP statuses after which a request is sent again: overloaded, restarting, behind a proxy that waits."""
BACKOFF_S = 0.5
"""Seconds before the second try; they double with each."""
SHOWN_CHARS = 200
URL = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint: its `url`, the `model` to ask for, and how; `name` is all of it as the user wrote it."""

    name: str
    url: str
    model: str = ""
    reads_pictures: bool = True
    query_prompt: str = ""
    page_prompt: str = ""
    dim: int | None = None
    batch: int = DEFAULT_BATCH
    timeout_s: int = DEFAULT_TIMEOUT_S
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def path(self) -> str:
        """The last part of the URL's path, which tells the protocol."""
        return "/" + urlsplit(self.url).path.rstrip("/").rpartition("/")[2]

    def texts(self, texts: Sequence[str]) -> list[F32]:
        """The vectors of texts, (T, D) or (D,) each. Raises UsageError if the server gives none."""
        found: list[F32] = []
        for start in range(0, len(texts), TEXT_BATCH):
            some = list(texts[start : start + TEXT_BATCH])
            if self.path in ("/embed", "/embed_all"):
                found += self._vectors(self._post({"inputs": some, "truncate": True}), len(some))
            else:
                kind = {"encoding_format": "float", "modality": "text"} if self.path == "/embeddings" else {}
                found += self._vectors(self._post({**self._named, "input": some, **kind}), len(some))
        return found

    def picture(self, pixels: U8) -> F32:
        """The vectors of a picture (H, W, 3), (T, D) or (D,). Raises UsageError if the server gives none."""
        link = _data_uri(pixels)
        if self.path == "/embeddings":
            body = {**self._named, "input": [link], "encoding_format": "float", "modality": "image"}
        else:
            content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": link}}]
            content.append({"type": "text", "text": self.page_prompt or IMAGE_PROMPT})
            body = {**self._named, "messages": [{"role": "user", "content": content}]}
        (vectors,) = self._vectors(self._post(body), 1)
        return vectors

    @property
    def _named(self) -> dict[str, Any]:
        return {"model": self.model} if self.model else {}

    @cached_property
    def _pool(self) -> Any:
        import urllib3

        retries = urllib3.Retry(
            RETRIES,
            backoff_factor=BACKOFF_S,
            backoff_jitter=BACKOFF_S,
            status_forcelist=RETRY_STATUS,
            allowed_methods=None,
            raise_on_status=False,
            respect_retry_after_header=True,
        )
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=self.timeout_s)
        return urllib3.PoolManager(maxsize=self.batch, retries=retries, timeout=timeout)

    def _post(self, body: Mapping[str, Any]) -> Any:
        """The JSON that the server answers. Raises UsageError if it does not, after RETRIES more tries."""
        from urllib3.exceptions import HTTPError

        try:
            answer = self._pool.request("POST", self.url, json=body, headers=dict(self.headers))
            status, content = answer.status, answer.data
        except HTTPError as err:
            reason = str(getattr(err, "reason", None) or err)
            raise UsageError(
                f"{self.url}: no answer ({reason}); is the server running, and reachable from here?"
            ) from err
        if status != 200:
            said = content[:SHOWN_CHARS].decode("utf-8", "replace").strip()
            hint = f"; set {TOKEN_VARIABLE} to a token" if status in (401, 403) else ""
            raise UsageError(f"{self.url}: answered with status {status}: {said}{hint}")
        try:
            return answer.json()
        except ValueError as err:
            raise UsageError(f"{self.url}: answered with something else than JSON") from err

    def _vectors(self, answer: Any, count: int) -> list[F32]:
        """The vectors in an answer to `count` inputs, in their order."""
        key = {"/pooling": "data", "/embeddings": "embedding"}.get(self.path)
        try:
            rows = answer if key is None else [row[key] for row in sorted(answer["data"], key=lambda row: row["index"])]
            found: list[F32] = [np.asarray(row, np.float32) for row in rows]
        except (KeyError, TypeError, ValueError) as err:
            raise UsageError(f"{self.url}: answered without vectors where {self.path} has them ({err})") from err
        if len(found) != count or any(each.ndim not in (1, 2) or not each.size for each in found):
            shapes = ", ".join(str(each.shape) for each in found[:3])
            raise UsageError(f"{self.url}: answered with {len(found)} arrays ({shapes}) to {count} inputs")
        if any(not np.isfinite(each).all() for each in found):
            raise UsageError(f"{self.url}: answered with numbers that are not finite")
        return found


def is_url(name: str) -> bool:
    """Whether a model's name is the URL of an endpoint."""
    return URL.match(name) is not None


def parse(name: str) -> Endpoint:
    """The endpoint that a model's name stands for. Raises UsageError for a path or a setting that is not known."""
    url, *parts = name.split(",")
    settings: dict[str, str] = {}
    for part in parts:
        key, sign, value = part.partition("=")
        if not sign or key not in SETTINGS:
            raise UsageError(f"--model {name}: unknown setting {part!r}; use KEY=VALUE with {', '.join(SETTINGS)}")
        settings[key] = value
    split = urlsplit(url)
    if split.username or split.password:
        raise UsageError(f"--model: put no password into the URL, which an index records; set {TOKEN_VARIABLE}")
    token = os.environ.get(TOKEN_VARIABLE)
    endpoint = Endpoint(
        name,
        url,
        model=settings.get("model", ""),
        query_prompt=settings.get("query_prompt", ""),
        page_prompt=settings.get("page_prompt", ""),
        dim=_number(name, settings, "dim"),
        batch=_number(name, settings, "batch") or DEFAULT_BATCH,
        timeout_s=_number(name, settings, "timeout") or DEFAULT_TIMEOUT_S,
        reads_pictures=settings.get("pages", "") != "text" and not url.rstrip("/").endswith(("/embed", "/embed_all")),
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )
    if endpoint.path not in PATHS:
        raise UsageError(
            f"--model {url}: the path must end in {', '.join(PATHS[:-1])} or {PATHS[-1]}, which tells how the server "
            "is asked (vLLM, Infinity or OpenAI's API, TEI)"
        )
    if (pages := settings.get("pages", "")) not in ("", "text", "image"):
        raise UsageError(f"--model {name}: pages={pages}: either image or text")
    if pages == "image" and not endpoint.reads_pictures:
        raise UsageError(f"--model {name}: {endpoint.path} embeds text; leave pages=image out")
    return endpoint


def _number(name: str, settings: Mapping[str, str], key: str) -> int | None:
    if (value := settings.get(key)) is None:
        return None
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise UsageError(f"--model {name}: {key} must be a number above 0, not {value!r}")
    return int(value)


def _data_uri(pixels: U8) -> str:
    """A picture (H, W, 3) as a PNG in a data URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
