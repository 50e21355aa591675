"""The web page: its files are read once from the package, and answered with a type, a tag and a policy of their own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, Header, Response

from .http_errors import NotHere

FOLDER = "web"
FRONT = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",  # blob: shows the picture that is searched by
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",  # the page makes elements, never markup
        "trusted-types 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the page: its `body`, its media `type`, and a `tag` that changes when it does."""

    body: bytes
    type: str
    tag: str


@cache
def web_files() -> dict[str, WebFile]:
    """Every file of the page by its name. A name of a request is looked up here, never on the disk."""
    found = {}
    for file in resources.files(__package__).joinpath(FOLDER).iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in TYPES:
            body = file.read_bytes()
            found[file.name] = WebFile(body, TYPES[suffix], f'"{hashlib.sha256(body).hexdigest()[:24]}"')
    return found


web = APIRouter(include_in_schema=False)


@web.api_route("/", methods=["GET", "HEAD"])
def front(if_none_match: Annotated[str, Header()] = "") -> Response:
    """The page itself."""
    return _answer(FRONT, if_none_match)


@web.api_route("/static/{name}", methods=["GET", "HEAD"])
def static(name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    """A style, script or picture of the page."""
    return _answer(name, if_none_match)


def _answer(name: str, known: str) -> Response:
    file = web_files().get(name)
    if file is None:
        raise NotHere(f"the page has no file {name!r}")
    # Asked for again each time, and sent again only when it changed: an update shows at once.
    headers = {"Cache-Control": "no-cache", "ETag": file.tag, "Content-Security-Policy": POLICY}
    if file.tag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.type, headers=headers)
