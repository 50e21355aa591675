"""Errors of a request, and the HTTP status and body that a client gets for each.

UsageError
└── NotHere        404   no such document or page
DocsearchError
└── Busy           503   more waits than may wait; the client is told when to come back
"""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from ..engine.errors import DocsearchError, DocumentError, IndexLocked, UsageError

RETRY_AFTER_S = 1
"""When to come back to a server that is busy answering."""
LOCKED_RETRY_AFTER_S = 5
"""When to come back to an index that is being written to."""


class NotHere(UsageError):
    """There is no such document or page."""


class Busy(DocsearchError):
    """More waits already than may wait."""


STATUS: tuple[tuple[type[DocsearchError], int], ...] = (
    (NotHere, 404),
    (Busy, 503),
    (IndexLocked, 503),
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
