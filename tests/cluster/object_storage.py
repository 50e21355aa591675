"""A server of S3's protocol on this machine that fails some of its requests; imported by its name."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Storage:
    """The server: its boto3 `client` and its `url`; every how many requests one fails, 0: none; it counts them."""

    url: str
    client: Any = None
    fails_each: int = 0
    requests: int = 0
    failed: int = 0


def serve() -> tuple[Storage, Any, threading.Thread]:
    """Start the server in a thread; return it, the werkzeug server to shut down, and the thread."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application = DomainDispatcherApplication(create_backend_app)
    storage, counting = Storage(""), threading.Lock()

    def failing_at_times(environ: Any, start_response: Any) -> Iterable[bytes]:
        with counting:
            storage.requests += 1
            fails = storage.fails_each > 0 and storage.requests % storage.fails_each == 0
            storage.failed += fails
        if fails:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("500 Internal Server Error", [("Content-Length", "0")])
            return [b""]
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    server = make_server("127.0.0.1", 0, failing_at_times, threaded=True)
    storage.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    return storage, server, thread
