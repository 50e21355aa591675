"""Errors of the HTTP API, and the status and body that a client gets for each.

UsageError
├── NotFound          404   there is no such document, page or upload
├── Forbidden         403   the server does not accept changes, or not from this origin
├── TooLarge          413   the file is larger than the server accepts
└── UnsupportedType   415   the file is of a kind that docsearch does not read
DocsearchError
├── Busy              503   the queue is full; Retry-After says when to try again
└── ShardsUnavailable 503   workers of the index do not answer, on a cluster

A request that does not fit the description of its route gets 422, with the first ERRORS_MAX faults. No error repeats
what a client sent: a fault says where it is and what was expected there.
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ..engine.errors import DocsearchError, DocumentError, IndexLocked, ShardsUnavailable, StorageFull, UsageError
from ..engine.store import DocumentRow

RETRY_AFTER_S = 1
"""Retry-After of a full queue."""
LOCKED_RETRY_AFTER_S = 5
"""Retry-After of an index that another process is writing to, or whose workers do not answer."""

ERRORS_MAX = 10
"""The most faults of one request that are listed."""
MESSAGE_MAX_CHARS = 1000
UNKNOWN_FIELD = "extra_forbidden"


class NotFound(UsageError):
    """There is no such document, page or upload."""


class Forbidden(UsageError):
    """The server does not accept changes, or not from this origin."""


class TooLarge(UsageError):
    """The file is larger than the server accepts."""


class UnsupportedType(UsageError):
    """The file is of a kind that docsearch does not read."""


class Busy(DocsearchError):
    """The queue is full."""


def existing(row: DocumentRow | None) -> DocumentRow:
    """The row of a document that was looked up by its id. Raises NotFound if there is none."""
    if row is None:
        raise NotFound("there is no document with this id in the index")
    return row


STATUS: tuple[tuple[type[DocsearchError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (TooLarge, 413),
    (UnsupportedType, 415),
    (Busy, 503),
    (IndexLocked, 503),
    (ShardsUnavailable, 503),
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
    elif isinstance(err, (IndexLocked, ShardsUnavailable)):
        headers["Retry-After"] = str(LOCKED_RETRY_AFTER_S)
    return JSONResponse({"error": capped(str(err))}, status_of(err), headers)


async def invalid_request_response(_request: Request, err: Exception) -> JSONResponse:
    """Exception handler for RequestValidationError: 422 with the first faults in words, and as FastAPI lists them."""
    assert isinstance(err, RequestValidationError)
    faults = err.errors()
    detail = [_fault(fault["type"], fault["loc"], fault["msg"]) for fault in faults[:ERRORS_MAX]]
    first = detail[0]
    error = f"{', '.join(str(part) for part in first['loc'])}: {first['msg']}"
    if len(faults) > 1:
        error += f" (and {len(faults) - 1:,} more)"
    return JSONResponse({"error": capped(error), "detail": detail}, 422)


async def http_exception_response(_request: Request, err: Exception) -> JSONResponse:
    """Exception handler for HTTPException, such as that of an unknown address: its text as `error` and `detail`."""
    assert isinstance(err, HTTPException)
    return JSONResponse({"error": err.detail, "detail": err.detail}, err.status_code, err.headers)


def capped(message: str) -> str:
    """A message as it may be sent: of bounded length, and without halves of surrogate pairs, which UTF-8 cannot say."""
    message = message.encode("utf-8", "backslashreplace").decode()
    return message if len(message) <= MESSAGE_MAX_CHARS else f"{message[: MESSAGE_MAX_CHARS - 1]}…"


def _fault(kind: str, place: tuple[int | str, ...], message: str) -> dict[str, Any]:
    """A fault without what was sent: the last part of an unknown field's place is its name, and goes, too."""
    if kind == UNKNOWN_FIELD:
        place, message = place[:-1], "a field that is not known here"
    return {"type": kind, "loc": list(place), "msg": capped(message)}
