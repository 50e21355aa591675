"""ASGI middleware around the whole application: access checks, body limits, security headers and request metrics."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .body_limit import UPLOAD_PATH, body_limit
from .metrics import Metrics
from .observers import STAGES_STATE, AnsweredRequest, Observer, log_request
from .sessions import Sessions
from .settings import ServerSettings, is_loopback

PUBLIC_PATHS = frozenset({"/", "/docs", "/healthz", "/readyz", "/openapi.json"})
PUBLIC_PREFIX = "/static/"
"""Public paths reveal nothing about the documents; they are answered without a token."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
LENGTH_MAX_DIGITS = 15
"""More digits than the size of any body has; Python refuses to convert some thousands."""
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class SecurityMiddleware:
    """Refuses requests by host, size, origin and token; adds security headers to every response; counts requests.

    `observers` hear of each request that was answered, besides the log.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        metrics: Metrics,
        sessions: Sessions,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._app = app
        self._observers = (log_request, *observers)
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

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        try:
            if refusal is not None:
                await refusal(scope, receive, send_with_headers)
            else:
                await self._app(scope, self._limited(scope["path"], receive), send_with_headers)
        finally:
            # The route's template, not the path, so that the number of labels is bounded.
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, str(status)).inc()
            seconds = perf_counter() - started
            self._metrics.request_seconds.labels(route).observe(seconds)
            stages = scope.get("state", {}).get(STAGES_STATE, {})
            answered = AnsweredRequest(scope["method"], route, status, seconds, stages, Headers(scope=scope))
            for observe in self._observers:
                observe(answered)

    def _refusal(self, method: str, path: str, headers: Headers) -> JSONResponse | None:
        """The response to a request that is refused; None if it may pass."""
        if is_loopback(self._settings.host) and host_name(headers.get("host", "")) not in LOOPBACK_NAMES:
            # DNS rebinding: a web site whose name resolves to this machine sends its own name as Host.
            return JSONResponse({"error": "this server answers to localhost only"}, 421)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or len(length) > LENGTH_MAX_DIGITS:
            return JSONResponse({"error": "Content-Length is not a number"}, 400)
        if int(length) > (limit := body_limit(self._settings, path)):
            return JSONResponse({"error": f"the request body has {length} bytes; the limit is {limit}"}, 413)
        if method not in SAFE_METHODS and is_cross_site(headers):
            return JSONResponse({"error": "requests from other web sites are refused"}, 403)
        if path not in PUBLIC_PATHS and not path.startswith(PUBLIC_PREFIX) and not self._is_authorized(method, headers):
            challenge = {"WWW-Authenticate": 'Bearer realm="docsearch"'}
            return JSONResponse(
                {"error": "this needs the server's token, as 'Authorization: Bearer …'"}, 401, challenge
            )
        return None

    def _limited(self, path: str, receive: Receive) -> Receive:
        """Limit a body that is sent in chunks, without a Content-Length.

        Uploads are limited by their route instead, which can answer with a proper error.
        """
        return receive if path == UPLOAD_PATH else _limited(receive, body_limit(self._settings, path))

    def _is_authorized(self, method: str, headers: Headers) -> bool:
        token = self._settings.token
        if token is None:
            return True
        if self._sessions.is_open(headers.get("cookie", "")):
            # Browsers attach the cookie to requests of any site: a change must also show that it comes from our page.
            return method in SAFE_METHODS or "sec-fetch-site" in headers or "origin" in headers
        kind, _, given = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())


def is_cross_site(headers: Headers) -> bool:
    """Whether a browser reports that a page of another site sent this. Other clients send neither header."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:  # "http://[", which no browser sends
        return True


def host_name(host: str) -> str:
    """The name in a Host header in lower case, without port; an IPv6 address without brackets."""
    name, bracket, _ = host.partition("]")
    return name.removeprefix("[").lower() if bracket else host.partition(":")[0].lower()


def _limited(receive: Receive, limit: int) -> Receive:
    """`receive` that reports a disconnected client once the body exceeds `limit` bytes."""
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return message if received <= limit else {"type": "http.disconnect"}

    return counting
