"""Bounds the JSON body of a search before it is validated: its size, its depth, and how many values it has.

Validation runs on the event loop, and its time grows with the values of a body. So a hostile body is refused first, on
another thread, by a parser that is a hundred times faster than validation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ..engine.errors import UsageError
from .body_limit import BODY_MAX_BYTES
from .http_errors import TooLarge

VALUES_MAX = 256
"""More values than any valid search has: 64 queries and some options."""
IMAGE = re.compile(rb'"image"\s*:\s*"([^"]*)')
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
POSITION = re.compile(r" at line \d+ column \d+$")


class BoundedRoute(APIRoute):
    """A route whose JSON body is checked on another thread before FastAPI parses and validates it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, behind the check."""
        handler = super().get_route_handler()
        if self.body_field is None:  # what comes with a GET is never read
            return handler

        async def checked(request: Request) -> Response:
            try:
                body = await request.body()  # the request keeps it for FastAPI
            except ClientDisconnect as err:
                raise UsageError("the body ended before it was complete, or is larger than the server accepts") from err
            await run_in_threadpool(check, body)
            return await handler(request)

        return checked


def check(body: bytes) -> None:
    """Raise TooLarge, UsageError or RequestValidationError for a body that is not worth validating.

    Only the text of an image may exceed BODY_MAX_BYTES. Text with half a surrogate pair, and numbers such as NaN, are
    no JSON.
    """
    if not body:
        return  # FastAPI says that it is missing
    # A quotation mark ends a string even where the JSON is broken, so nothing but one string is left out here.
    image = IMAGE.search(body)
    size = len(body) - (0 if image is None else len(image[1]))
    if size > BODY_MAX_BYTES:
        raise TooLarge(f"the body has {size:,} bytes without its image; the limit is {BODY_MAX_BYTES:,}")
    try:
        value = from_json(body.removeprefix(BYTE_ORDER_MARK), allow_inf_nan=False, cache_strings="none")
    except ValueError as err:
        reason = POSITION.sub("", str(err))
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body",), "msg": f"this is not JSON in UTF-8: {reason}"}]
        ) from err
    if _has_more_values(value, VALUES_MAX):
        raise UsageError(f"the body has more than {VALUES_MAX} values; no valid search has so many")


def _has_more_values(value: object, limit: int) -> bool:
    """Whether a JSON value has more than `limit` values inside, at any depth."""
    waiting, count = [value], 0
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict | list):
            count += len(current)
            if count > limit:
                return True
            waiting.extend(current.values() if isinstance(current, dict) else current)
    return False
