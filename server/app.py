"""Puts a server together: routes, errors, and the guard around them; and runs it until it is told to end."""

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
from .middleware import Guard
from .routes import api
from .service import Service
from .sessions import Sessions, session
from .settings import ServerSettings
from .static_files import web
from .write_routes import api as write_api

BACKLOG = 128


def create_app(service: Service) -> FastAPI:
    """The application of an open service, which it starts, and closes at its end."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.close)

    # The interactive pages that FastAPI offers would load scripts from elsewhere.
    app = FastAPI(
        title="docsearch",
        version=__version__,
        description="Finds the page that answers a question, by looking at pages.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.state.sessions = Sessions(service.settings)
    for routes in (api, write_api, session, web):
        app.include_router(routes)
    app.add_exception_handler(DocsearchError, http_errors.answer)
    app.add_middleware(Guard, settings=service.settings, metrics=service.metrics, sessions=app.state.sessions)
    return app


class Server(uvicorn.Server):
    """Ends answers that would never end before it waits for the others."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, and wait for those that were accepted."""
        assert isinstance(self.config.app, FastAPI)
        self.config.app.state.service.let_go()
        await super().shutdown(sockets)


def serve(
    settings: ServerSettings, on_listening: Callable[[str], None], *, encoder: QueryEncoder | None = None
) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish what was accepted. `on_listening` is told the address;
    `encoder` stands in for the model that made the index.

    Raises UsageError where it cannot listen, or for unsafe settings, and what `open_index` raises.
    """
    service = Service.open(settings, encoder=encoder)
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as err:
        service.close()
        reason = err.strerror or err
        raise UsageError(f"cannot listen at {settings.host}, port {settings.port}: {reason}; choose a --port") from err
    # uvicorn ends at these signals, and then hands them to whoever had them before.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: None)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    with listening:
        # What asyncio does for sockets of its own: the second half of an answer does not wait for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        on_listening(f"http://{host}:{listening.getsockname()[1]}/")
        config = uvicorn.Config(create_app(service), access_log=False, log_config=None, server_header=False)
        Server(config).run(sockets=[listening])
