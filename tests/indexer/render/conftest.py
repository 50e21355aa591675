"""A server on this machine that sees who asks it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest


@pytest.fixture
def listener() -> Iterator[tuple[str, list[object]]]:
    """A URL on this machine, and the addresses of those who connect to it."""
    seen: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with suppress(OSError):  # closed at the end of the test
                while True:
                    connection, address = server.accept()
                    seen.append(address)
                    connection.close()

        listening = threading.Thread(target=listen)
        listening.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/x.png", seen
        finally:
            server.shutdown(socket.SHUT_RDWR)
            listening.join()
