"""Every request passes here first: who asks, under which name, how much; every answer leaves with strict headers."""

from __future__ import annotations

import hmac
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .body_limit import UPLOAD_PATH, body_limit
from .metrics import Metrics
from .sessions import Sessions
from .settings import ServerSettings, is_loopback

OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/openapi.json"})
OPEN_FOLDER = "/static/"
"""These tell nothing about documents, and are answered without a token."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions
        self._settings = settings
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        try:
            if refusal is not None:
                await refusal(scope, receive, send_guarded)
            else:
                await self._app(scope, self._limited(scope["path"], receive), send_guarded)
        finally:
            # The route's template, not the path: as many labels as there are routes.
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(perf_counter() - started)

    def _refusal(self, method: str, path: str, headers: Headers) -> JSONResponse | None:
        if is_loopback(self._settings.host) and host_name(headers.get("host", "")) not in LOOPBACK_NAMES:
            # A page on the internet whose name was pointed at this machine would send its own name.
            return JSONResponse({"error": "this server answers under localhost only"}, 421)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return JSONResponse({"error": "Content-Length is not a number"}, 400)
        if int(length) > (limit := body_limit(self._settings, path)):
            return JSONResponse({"error": f"the request has {length} bytes, of at most {limit}"}, 413)
        if method not in READING and is_cross_site(headers):
            return JSONResponse({"error": "another web site may not ask for this"}, 403)
        if path not in OPEN_PATHS and not path.startswith(OPEN_FOLDER) and not self._is_known(method, headers):
            challenge = {"WWW-Authenticate": 'Bearer realm="docsearch"'}
            return JSONResponse(
                {"error": "this needs the server's token, as 'Authorization: Bearer …'"}, 401, challenge
            )
        return None

    def _limited(self, path: str, receive: Receive) -> Receive:
        """Count what comes in, since a body sent in pieces says no length before; uploads are counted by their route,
        which then can say so.
        """
        return receive if path == UPLOAD_PATH else _limited(receive, body_limit(self._settings, path))

    def _is_known(self, method: str, headers: Headers) -> bool:
        token = self._settings.token
        if token is None:
            return True
        if self._sessions.knows(headers.get("cookie", "")):
            # A browser sends the cookie by itself, so that a change also has to come from the page.
            return method in READING or "sec-fetch-site" in headers or "origin" in headers
        kind, _, given = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())


def is_cross_site(headers: Headers) -> bool:
    """Whether a browser says that another site's page sent this. What is no browser says nothing."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def host_name(host: str) -> str:
    """The name in a Host header, without its port, in lower case; an IPv6 address without its brackets."""
    name, bracket, _ = host.partition("]")
    return name.removeprefix("[").lower() if bracket else host.partition(":")[0].lower()


def _limited(receive: Receive, limit: int) -> Receive:
    """Too much ends as a client that went away."""
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return message if received <= limit else {"type": "http.disconnect"}

    return counting
