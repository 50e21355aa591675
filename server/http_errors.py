"""Errors of the HTTP API, and the status and body that a client gets for each.

UsageError
├── NotFound          404   there is no such document, page or upload
├── Forbidden         403   the server does not accept changes, or not from this origin
├── TooLarge          413   the file is larger than the server accepts
└── UnsupportedType   415   the file is neither a PDF nor an image
DocsearchError
└── Busy              503   the queue is full; Retry-After says when to try again
"""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from ..engine.errors import DocsearchError, DocumentError, IndexLocked, StorageFull, UsageError

RETRY_AFTER_S = 1
"""Retry-After of a full queue."""
LOCKED_RETRY_AFTER_S = 5
"""Retry-After of an index that another process is writing to."""


class NotFound(UsageError):
    """There is no such document, page or upload."""


class Forbidden(UsageError):
    """The server does not accept changes, or not from this origin."""


class TooLarge(UsageError):
    """The file is larger than the server accepts."""


class UnsupportedType(UsageError):
    """The file is neither a PDF nor an image."""


class Busy(DocsearchError):
    """The queue is full."""


STATUS: tuple[tuple[type[DocsearchError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (TooLarge, 413),
    (UnsupportedType, 415),
    (Busy, 503),
    (IndexLocked, 503),
    (StorageFull, 507),
    (DocumentError, 422),
    (UsageError, 400),
    (DocsearchError, 500),
)
"""HTTP status by error class; the first match counts, so subclasses come first."""


def status_of(err: DocsearchError) -> int:
    """The HTTP status of an error."""
    return next(status for kind, status in STATUS if isinstance(err, kind))


async def error_response(_request: Request, err: Exception) -> JSONResponse:
    """Exception handler for DocsearchError: a JSON body with the message."""
    assert isinstance(err, DocsearchError)
    headers = {}
    if isinstance(err, Busy):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    elif isinstance(err, IndexLocked):
        headers["Retry-After"] = str(LOCKED_RETRY_AFTER_S)
    return JSONResponse({"error": str(err)}, status_of(err), headers)
