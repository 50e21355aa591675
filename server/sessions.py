"""Browser sessions: a cookie that stands for the token until it expires or the server stops.

Images in a page cannot carry an Authorization header, and scripts should not hold a token. So the page sends the token
once, and is authorized by the cookie from then on.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from fastapi import APIRouter, Request, Response
from starlette.requests import cookie_parser

from .messages import Problem
from .settings import ServerSettings

LIFETIME_S = 7 * 24 * 3600
SESSIONS_MAX = 1000
"""When there are more, the oldest ends."""
KEY_BYTES = 32


class Sessions:
    """The open sessions of one server, by cookie. For use on the event loop only. `now` is a clock in seconds."""

    def __init__(self, settings: ServerSettings, now: Callable[[], float] = monotonic) -> None:
        # Cookies are shared by all ports of a host, so each server has a cookie name of its own.
        self.cookie = f"docsearch-{settings.port}"
        self._now = now
        self._expiry: OrderedDict[str, float] = OrderedDict()

    def open(self) -> str:
        """Begin a session; return its key, the value of the cookie."""
        key = secrets.token_urlsafe(KEY_BYTES)
        self._expiry[key] = self._now() + LIFETIME_S
        while len(self._expiry) > SESSIONS_MAX:
            self._expiry.popitem(last=False)
        return key

    def is_open(self, cookies: str) -> bool:
        """Whether a Cookie header has the key of an open session."""
        expiry = self._expiry.get(self._key(cookies))
        return expiry is not None and self._now() < expiry

    def close(self, cookies: str) -> None:
        """End the session of a Cookie header, if it has one."""
        self._expiry.pop(self._key(cookies), None)

    def _key(self, cookies: str) -> str:
        return cookie_parser(cookies).get(self.cookie, "")


session = APIRouter()


@session.post("/v1/session", status_code=204, responses={401: {"model": Problem}})
async def begin(request: Request, response: Response) -> None:
    """Begin a session: exchange the token for a cookie. A server without a token needs no session."""
    sessions = _of_request(request)
    if request.app.state.collections.settings.token is not None:
        by_https = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
        response.set_cookie(
            sessions.cookie, sessions.open(), max_age=LIFETIME_S, httponly=True, samesite="strict", secure=by_https
        )


@session.delete("/v1/session", status_code=204, responses={401: {"model": Problem}})
async def end(request: Request, response: Response) -> None:
    """End the session of the cookie."""
    sessions = _of_request(request)
    sessions.close(request.headers.get("cookie", ""))
    response.delete_cookie(sessions.cookie, httponly=True, samesite="strict")


def _of_request(request: Request) -> Sessions:
    sessions = request.app.state.sessions
    assert isinstance(sessions, Sessions)
    return sessions
