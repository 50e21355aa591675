"""Builds the FastAPI application, and runs it with uvicorn until a signal stops it."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from .. import __version__
from ..engine.errors import DocsearchError, UsageError
from ..engine.models.encoder import QueryEncoder
from . import http_errors
from .announcement import announced
from .ask_routes import api as ask_api
from .collection_set import CollectionSet
from .document_routes import api as document_api
from .mark_routes import api as mark_api
from .middleware import SecurityMiddleware
from .observers import Observer, tracer
from .routes import api
from .service import Service
from .sessions import Sessions, session
from .settings import ServerSettings
from .static_files import web
from .write_routes import api as write_api

log = logging.getLogger(__name__)

BACKLOG = 128
FAILED_SHUTDOWN_S = 5
"""How long requests may take to finish after a thread died that they might wait for."""
EXIT_BY_SIGNAL = 128
"""Added to a signal's number, as in shells."""
STDERR = 2


def create_app(served: CollectionSet | Service, observers: Sequence[Observer] = ()) -> FastAPI:
    """The application of open collections, or of one service; its lifespan starts them, and closes them at shutdown.

    `observers` hear of each request that was answered.
    """
    collections = CollectionSet.of(served)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            collections.start()
            yield
        finally:
            await run_in_threadpool(collections.close)

    # FastAPI's interactive documentation is off: it loads scripts from another host. The page /docs shows the same.
    app = FastAPI(
        title="docsearch",
        version=__version__,
        description="Visual document retrieval: finds the pages of PDFs, scans and slides that answer a question.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.collections = collections
    app.state.sessions = Sessions(collections.settings)
    for routes in (api, document_api, write_api, mark_api, ask_api, session, web):
        app.include_router(routes)
    app.add_exception_handler(DocsearchError, http_errors.error_response)
    app.add_exception_handler(RequestValidationError, http_errors.invalid_request_response)
    app.add_exception_handler(HTTPException, http_errors.http_exception_response)
    app.add_middleware(
        SecurityMiddleware,
        settings=collections.settings,
        metrics=collections.metrics,
        sessions=app.state.sessions,
        observers=observers,
    )
    return app


class Server(uvicorn.Server):
    """A uvicorn server that ends event streams before it waits for the other responses at shutdown.

    The first signal, or `end`, ends it in order; a second signal ends the process at once.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._signals = 0

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more requests, and wait for the accepted ones."""
        assert isinstance(self.config.app, FastAPI)
        self.config.app.state.collections.end_event_streams()
        await super().shutdown(sockets)

    def end(self) -> None:
        """End soon, without waiting longer than FAILED_SHUTDOWN_S for responses. For any thread."""
        self.config.timeout_graceful_shutdown = FAILED_SHUTDOWN_S
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are handled for longer than uvicorn runs; see `_signals_end`."""
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as the signal module calls it
        """Handler of SIGINT and SIGTERM."""
        self._signals += 1
        if self._signals > 1:
            # As after a kill, what was acknowledged is on disk. Child processes end when their pipe is closed.
            os.write(STDERR, b"docsearch: ended at once; requests in progress were not answered\n")
            os._exit(EXIT_BY_SIGNAL + sig)
        self.should_exit = True


def serve(
    settings: ServerSettings, on_listening: Callable[[str], None], *, encoder: QueryEncoder | None = None
) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish the accepted ones; a second signal ends the process at once.

    `on_listening` gets the URL; `encoder` stands in for the index's model. Raises UsageError if the address cannot be
    listened on, the settings are unsafe or the server cannot start, what `open_searcher` raises, and DocsearchError if
    a thread died that the server needs.
    """
    traced = tracer()
    collections = CollectionSet.open(settings, encoder=encoder)
    with ExitStack() as running:
        observers = []
        if traced is not None:
            observers.append(traced[0])
            running.callback(traced[1])
        config = uvicorn.Config(
            create_app(collections, observers), lifespan="off", access_log=False, log_config=None, server_header=False
        )
        server = Server(config)
        running.enter_context(_signals_end(server))
        running.callback(collections.close)
        listener = running.enter_context(_listener(settings))
        try:
            collections.start()
        except (OSError, RuntimeError, sqlite3.Error) as err:  # RuntimeError: no more threads
            raise UsageError(f"the server of {settings.index} cannot start: {err}") from err
        collections.threads.when_one_dies(server.end)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        port: int = listener.getsockname()[1]
        for name, service in collections.services.items():
            running.enter_context(announced(service.settings.index, settings.host, port, collection=name))
        if collections.apart is not None:
            log.warning("these collections are searched one at a time: %s", collections.apart)
        on_listening(f"http://{host}:{port}/")
        gc.collect()
        gc.freeze()  # what start-up made stays for good: a collection while a question waits need not look at it
        server.run(sockets=[listener])
    if collections.threads.failure is not None:
        raise DocsearchError(
            f"the server ended: {collections.threads.failure}; start it again ('docsearch -v' says more)"
        )


def _listener(settings: ServerSettings) -> socket.socket:
    """A socket that listens on the address of the settings. Raises UsageError."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as err:
        reason = err.strerror or err
        raise UsageError(
            f"cannot listen on {settings.host}, port {settings.port}: {reason}; choose another --port"
        ) from err
    # Without TCP_NODELAY the body of a response waits for the acknowledgement of its head, 40 ms. asyncio sets it on
    # sockets of its own; accepted connections inherit it from the listener.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def _signals_end(server: Server) -> Iterator[None]:
    """Let SIGINT and SIGTERM end `server`, within the block instead of within its run."""
    earlier = {ending: signal.signal(ending, server.handle_exit) for ending in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for ending, handler in earlier.items():
            signal.signal(ending, handler)
