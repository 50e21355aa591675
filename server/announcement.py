"""Announces a running server in a file of its index, so that `docsearch query --server auto` finds it.

The file is a hint: it holds an address and no token, and stays behind when the process is killed. Of several servers of
one index the last to start is found.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..engine.store import layout
from ..engine.store.durable import atomic_file

log = logging.getLogger(__name__)

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not listened on


@contextmanager
def announced(directory: Path, host: str, port: int, *, collection: str = "") -> Iterator[None]:
    """Name the address of this machine that a server listens on, while the block runs, and the name of the index's
    `collection` if it has one there. An index that cannot be written to gets no announcement.
    """
    name = ANY_ADDRESS.get(host) or (f"[{host}]" if ":" in host else host)
    named = {"collection": collection} if collection else {}
    content = json.dumps({"url": f"http://{name}:{port}/", **named, "process": os.getpid()}) + "\n"
    file = layout.server_file(directory)
    try:
        with atomic_file(file, sync=False, follow_links=False) as temporary:
            temporary.write_text(content, "utf-8")
    except OSError as err:
        log.debug("%s: cannot be written: %s", file, err)
    try:
        yield
    finally:
        with suppress(OSError, UnicodeError):
            if file.read_text("utf-8") == content:
                file.unlink()
