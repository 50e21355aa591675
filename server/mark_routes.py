"""Routes of the HTTP API for marks: hits that people found right or wrong, kept as questions for `docsearch eval`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from ..engine.records import QUESTION_MAX_CHARS
from ..evaluation import marks
from .collection_set import CollectionName, CollectionsDep, ServiceDep
from .messages import MarkOut, MarkRequest, MarksResponse, Problem
from .search_body import BoundedRoute

PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 503)}
REFUSED: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (403, 404, 413, 507)}
Text = Annotated[str | None, Query(min_length=1, max_length=QUESTION_MAX_CHARS, examples=["notice period"])]

api = APIRouter(route_class=BoundedRoute)


@api.get("/v1/marks", responses=PROBLEMS)
async def list_marks(
    collections: CollectionsDep, query: Text = None, collection: CollectionName = None
) -> MarksResponse:
    """The marks of one query, or all."""
    found = [
        (each.name or None, mark)
        for each in collections.chosen(collection)
        for mark in await run_in_threadpool(marks.read, each.settings.index)
    ]
    wanted = None if query is None else " ".join(query.split())
    return MarksResponse(
        marks=[
            MarkOut(
                query=mark.query,
                document=mark.doc_id,
                path=mark.path,
                page=mark.page,
                right=mark.right,
                time=mark.time,
                collection=name,
            )
            for name, mark in found
            if wanted in (None, mark.query)
        ]
    )


@api.put("/v1/marks", status_code=204, responses=PROBLEMS | REFUSED, response_class=Response)
async def mark(body: MarkRequest, service: ServiceDep) -> None:
    """Mark a page as the right or a wrong answer to a query. The response comes when the mark is stored on disk."""
    await run_in_threadpool(service.mark, body.query, body.document, body.page, right=body.right)
