"""Browsers that have shown the token: each holds a cookie that stands for it, until it expires or the server ends.

Pictures in a page cannot carry an Authorization header, and a script should not hold a token, so the page gives the
token once and is known by the cookie from then on.
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

LIFE_S = 7 * 24 * 3600
SESSIONS_MAX = 1000
"""The oldest ends when there are more."""
KEY_BYTES = 32


class Sessions:
    """The open sessions of one server; used on the event loop only. `now` counts seconds."""

    def __init__(self, settings: ServerSettings, now: Callable[[], float] = monotonic) -> None:
        # Cookies do not tell ports apart: servers on one host each have a name of their own.
        self.cookie = f"docsearch-{settings.port}"
        self._now = now
        self._ends: OrderedDict[str, float] = OrderedDict()

    def open(self) -> str:
        """Begin a session; returns the key that the browser keeps."""
        key = secrets.token_urlsafe(KEY_BYTES)
        self._ends[key] = self._now() + LIFE_S
        while len(self._ends) > SESSIONS_MAX:
            self._ends.popitem(last=False)
        return key

    def knows(self, cookies: str) -> bool:
        """Whether a Cookie header holds the key of an open session."""
        ends = self._ends.get(self._key(cookies))
        return ends is not None and self._now() < ends

    def close(self, cookies: str) -> None:
        """End the session that a Cookie header names, if it is one."""
        self._ends.pop(self._key(cookies), None)

    def _key(self, cookies: str) -> str:
        return cookie_parser(cookies).get(self.cookie, "")


session = APIRouter()


@session.post("/v1/session", status_code=204, responses={401: {"model": Problem}})
async def begin(request: Request, response: Response) -> None:
    """Begin a session: who sends the token gets a cookie that stands for it. Without a token none is needed."""
    sessions = _of_request(request)
    if request.app.state.service.settings.token is not None:
        by_https = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
        response.set_cookie(
            sessions.cookie, sessions.open(), max_age=LIFE_S, httponly=True, samesite="strict", secure=by_https
        )


@session.delete("/v1/session", status_code=204, responses={401: {"model": Problem}})
async def end(request: Request, response: Response) -> None:
    """End the session that the cookie stands for."""
    sessions = _of_request(request)
    sessions.close(request.headers.get("cookie", ""))
    response.delete_cookie(sessions.cookie, httponly=True, samesite="strict")


def _of_request(request: Request) -> Sessions:
    sessions = request.app.state.sessions
    assert isinstance(sessions, Sessions)
    return sessions
