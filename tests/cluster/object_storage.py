"""A server of S3's protocol on this machine that fails a share of its requests; imported by its name."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Storage:
    """The server: its boto3 `client`, its `url`, and the share of requests that it fails, 0 to 1; it counts them."""

    url: str
    client: Any = None
    failing: float = 0.0
    requests: int = 0
    failed: int = 0


def serve() -> tuple[Storage, Any]:
    """Start the server in a thread; return it, and the werkzeug server to shut down."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application = DomainDispatcherApplication(create_backend_app)
    chance = random.Random(1)
    storage = Storage("")

    def failing_at_times(environ: Any, start_response: Any) -> Iterable[bytes]:
        storage.requests += 1
        if chance.random() < storage.failing:
            storage.failed += 1
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("500 Internal Server Error", [("Content-Length", "0")])
            return [b""]
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    server = make_server("127.0.0.1", 0, failing_at_times, threaded=True)
    storage.url = f"http://127.0.0.1:{server.port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return storage, server
