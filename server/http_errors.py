"""Errors of a request, and the HTTP status and body that a client gets for each.

UsageError
├── NotHere        404   no such document, page or upload
├── Forbidden      403   the server takes no changes, or not from there
├── TooLarge       413   the file has more bytes than are taken
└── WrongKind      415   the file is nothing that docsearch reads
DocsearchError
└── Busy           503   more waits than may wait; the client is told when to come back
"""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from ..engine.errors import DocsearchError, DocumentError, IndexLocked, StorageFull, UsageError

RETRY_AFTER_S = 1
"""When to come back to a server that is busy answering."""
LOCKED_RETRY_AFTER_S = 5
"""When to come back to an index that is being written to."""


class NotHere(UsageError):
    """There is no such document, page or upload."""


class Forbidden(UsageError):
    """The server takes no changes, or not from there."""


class TooLarge(UsageError):
    """The file has more bytes than are taken."""


class WrongKind(UsageError):
    """The file is nothing that docsearch reads."""


class Busy(DocsearchError):
    """More waits already than may wait."""


STATUS: tuple[tuple[type[DocsearchError], int], ...] = (
    (NotHere, 404),
    (Forbidden, 403),
    (TooLarge, 413),
    (WrongKind, 415),
    (Busy, 503),
    (IndexLocked, 503),
    (StorageFull, 507),
    (DocumentError, 422),
    (UsageError, 400),
    (DocsearchError, 500),
)
"""The first that fits counts."""


def status_of(err: DocsearchError) -> int:
    """The HTTP status that says what `err` says."""
    return next(status for kind, status in STATUS if isinstance(err, kind))


async def answer(_request: Request, err: Exception) -> JSONResponse:
    """What a client gets for an error that docsearch raised on purpose."""
    assert isinstance(err, DocsearchError)
    headers = {}
    if isinstance(err, Busy):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    elif isinstance(err, IndexLocked):
        headers["Retry-After"] = str(LOCKED_RETRY_AFTER_S)
    return JSONResponse({"error": str(err)}, status_of(err), headers)
