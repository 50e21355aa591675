"""Builds the FastAPI application, and runs it with uvicorn until a signal stops it."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from .. import __version__
from ..engine.errors import DocsearchError, UsageError
from ..engine.models.encoder import QueryEncoder
from . import http_errors
from .middleware import SecurityMiddleware
from .routes import api
from .service import Service
from .sessions import Sessions, session
from .settings import ServerSettings
from .static_files import web
from .write_routes import api as write_api

BACKLOG = 128


def create_app(service: Service) -> FastAPI:
    """The application of an open service; it starts the service, and closes it at shutdown."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.close)

    # FastAPI's interactive documentation is off: it loads scripts from another host.
    app = FastAPI(
        title="docsearch",
        version=__version__,
        description="Visual document retrieval: finds the pages of PDFs, scans and slides that answer a question.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.state.sessions = Sessions(service.settings)
    for routes in (api, write_api, session, web):
        app.include_router(routes)
    app.add_exception_handler(DocsearchError, http_errors.error_response)
    app.add_middleware(
        SecurityMiddleware, settings=service.settings, metrics=service.metrics, sessions=app.state.sessions
    )
    return app


class Server(uvicorn.Server):
    """A uvicorn server that ends event streams before it waits for the other responses at shutdown."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more requests, and wait for the accepted ones."""
        assert isinstance(self.config.app, FastAPI)
        self.config.app.state.service.end_event_streams()
        await super().shutdown(sockets)


def serve(
    settings: ServerSettings, on_listening: Callable[[str], None], *, encoder: QueryEncoder | None = None
) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish the accepted ones.

    `on_listening` gets the URL; `encoder` stands in for the index's model. Raises UsageError if the address cannot be
    listened on or the settings are unsafe, and what `open_searcher` raises.
    """
    service = Service.open(settings, encoder=encoder)
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as err:
        service.close()
        reason = err.strerror or err
        raise UsageError(
            f"cannot listen on {settings.host}, port {settings.port}: {reason}; choose another --port"
        ) from err
    # uvicorn exits on these signals, and then raises them again for the handlers that were there before.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: None)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    with listener:
        # Without TCP_NODELAY the body of a response waits for the acknowledgement of its head, 40 ms. asyncio sets it
        # on sockets of its own; accepted connections inherit it from the listener.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        on_listening(f"http://{host}:{listener.getsockname()[1]}/")
        config = uvicorn.Config(create_app(service), access_log=False, log_config=None, server_header=False)
        Server(config).run(sockets=[listener])
