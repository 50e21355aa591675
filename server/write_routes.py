"""Routes of the HTTP API that change the index: uploads, their progress, and removals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from ..engine.errors import UsageError
from .collection_set import CollectionName, CollectionsDep, ServiceDep
from .http_errors import Forbidden, NotFound
from .messages import DocumentId, Problem, UploadAccepted, UploadOut, UploadsResponse
from .upload_body import receive
from .upload_status import UploadStatus

FILE_NAME_MAX_CHARS = 1000
OCTETS = "application/octet-stream"
FILE: dict[str, Any] = {
    "required": True,
    "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
}
EVENTS = "text/event-stream"


def require_writable(service: ServiceDep) -> None:
    """Raise Forbidden if the server does not accept changes."""
    if service.uploads is None:
        raise Forbidden(
            "this server does not accept changes: it was started with --read-only, it cannot write to the index, or "
            "another server of this index accepts them"
        )


PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 403, 503)}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}
REFUSED: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (413, 415, 507)}
UploadId = Annotated[str, Path(min_length=1, max_length=64, examples=["9f86d081884c7d65"])]
FileName = Annotated[str, Query(min_length=1, max_length=FILE_NAME_MAX_CHARS, examples=["report.pdf"])]
WRITABLE = [Depends(require_writable)]

api = APIRouter()


@api.post(
    "/v1/documents",
    status_code=202,
    responses=PROBLEMS | REFUSED,
    dependencies=WRITABLE,
    openapi_extra={"requestBody": FILE},
)
async def upload(name: FileName, request: Request, service: ServiceDep) -> UploadAccepted:
    """Upload a file, as the body, to be indexed. The response comes when it is stored on disk; indexing follows."""
    assert service.uploads is not None
    try:
        status = await receive(service.uploads, name, request.stream(), max_bytes=service.settings.upload_max_bytes)
    except ClientDisconnect as err:
        raise UsageError("the upload ended before the file was complete; send it again") from err
    return UploadAccepted(upload=status.upload, name=status.name, state="waiting")


@api.get("/v1/uploads", responses=PROBLEMS)
async def uploads(collections: CollectionsDep, collection: CollectionName = None) -> UploadsResponse:
    """Progress of recent uploads, newest first within each collection."""
    queues = [(each.name or None, each.uploads) for each in collections.chosen(collection) if each.uploads is not None]
    return UploadsResponse(
        uploads=[UploadOut(**asdict(status), collection=name) for name, queue in queues for status in queue.recent()]
    )


@api.get(
    "/v1/uploads/{upload}/events",
    response_class=StreamingResponse,
    responses=PROBLEMS | NOT_FOUND | {200: {"content": {EVENTS: {"schema": {"type": "string"}}}}},
)
async def upload_events(
    upload: UploadId, collections: CollectionsDep, collection: CollectionName = None
) -> StreamingResponse:
    """Progress of an upload as server-sent events, until it is done or failed. Done means that searches find it."""
    queues = [each.uploads for each in collections.chosen(collection) if each.uploads is not None]
    if not queues:
        raise Forbidden("this server does not accept uploads")
    queue = next((each for each in queues if each.knows(upload)), None)
    if queue is None:
        raise NotFound("there is no upload with this id, or it finished long ago")
    return StreamingResponse(_events(queue.follow(upload)), media_type=EVENTS)


@api.delete(
    "/v1/documents/{doc_id}",
    status_code=204,
    responses=PROBLEMS | NOT_FOUND,
    dependencies=WRITABLE,
    response_class=Response,
)
async def remove(doc_id: DocumentId, service: ServiceDep) -> None:
    """Remove a document from the index, and its file if it was uploaded. Other files are never deleted."""
    assert service.uploads is not None
    await asyncio.wrap_future(service.uploads.remove(doc_id))


async def _events(statuses: AsyncIterator[UploadStatus | None]) -> AsyncIterator[str]:
    async for status in statuses:
        yield ": waiting\n\n" if status is None else f"data: {json.dumps(asdict(status))}\n\n"
