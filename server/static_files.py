"""Serves the files of the web page from the package, with media type, ETag and Content-Security-Policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, Header, Response

from .http_errors import NotFound

FOLDER = "web"
INDEX_PAGE, API_PAGE = "index.html", "api.html"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",  # blob: for the image of an image query
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",  # the page creates elements, never parses markup
        "trusted-types 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the page: its `body`, its media `type`, and its `etag`, a hash of the body."""

    body: bytes
    type: str
    etag: str


@cache
def web_files() -> dict[str, WebFile]:
    """All files of the page by name. Names in requests are looked up here, never in the file system."""
    found = {}
    for file in resources.files(__package__).joinpath(FOLDER).iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in MEDIA_TYPES:
            body = file.read_bytes()
            found[file.name] = WebFile(body, MEDIA_TYPES[suffix], f'"{hashlib.sha256(body).hexdigest()[:24]}"')
    return found


web = APIRouter(include_in_schema=False)


@web.api_route("/", methods=["GET", "HEAD"])
def front(if_none_match: Annotated[str, Header()] = "") -> Response:
    """The web page."""
    return _response(INDEX_PAGE, if_none_match)


@web.api_route("/docs", methods=["GET", "HEAD"])
def api_reference(if_none_match: Annotated[str, Header()] = "") -> Response:
    """The page that describes the HTTP API."""
    return _response(API_PAGE, if_none_match)


@web.api_route("/static/{name}", methods=["GET", "HEAD"])
def static(name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    """A style sheet, script or icon of the web page."""
    return _response(name, if_none_match)


def _response(name: str, if_none_match: str) -> Response:
    file = web_files().get(name)
    if file is None:
        raise NotFound(f"the web page has no file {name!r}")
    # Browsers revalidate each time, and download only what changed, so an update shows at once.
    headers = {"Cache-Control": "no-cache", "ETag": file.etag, "Content-Security-Policy": CONTENT_SECURITY_POLICY}
    if file.etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.type, headers=headers)
