"""Route of the HTTP API that answers a question in sentences, with citations of pages (`docsearch serve --llm`)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from ..engine.errors import DocsearchError, UsageError
from ..engine.records import Hit
from ..engine.records import Query as SearchQuery
from ..engine.searcher import Searcher
from ..integrations.cited_answers import CitedAnswer
from ..integrations.page_search import FoundPage
from .answering import AnswerEvent
from .collection_set import CollectionName, CollectionsDep, WorkerDep
from .document_routes import page_url
from .http_errors import Forbidden
from .messages import AskRequest, Problem
from .search_body import BoundedRoute
from .search_worker import SearchOptions
from .service import Service

PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 403, 404, 413, 503)}
EVENTS = "text/event-stream"

api = APIRouter(route_class=BoundedRoute)


@api.post(
    "/v1/ask",
    response_class=StreamingResponse,
    responses=PROBLEMS | {200: {"content": {EVENTS: {"schema": {"type": "string"}}}}},
)
async def ask(
    body: AskRequest, collections: CollectionsDep, worker: WorkerDep, collection: CollectionName = None
) -> StreamingResponse:
    """Answer a question from the pages that are found for it, by the chat endpoint of the server. These pages, and
    nothing else, are sent to it. Each server-sent event is a JSON object: first `{"pages", "model"}`, with the pages by
    their numbers, from 1; then the answer in `{"piece"}`s; last `{"citations", "pages", "model", "error", "note"}`. A
    citation is `{"number", "found"}`: numbers that are not found, the model invented. `error` is null if the answer is
    complete.
    """
    if collections.answering is None:
        raise Forbidden("this server gives no answers: it was started without --llm")
    options = SearchOptions(body.k, mode=body.mode, where=body.where)
    (found,) = await worker.search([SearchQuery("", body.question, body.path)], options)
    if not found.hits:
        raise UsageError("no page matches the question: nothing was sent")
    texts = await worker.run(lambda searcher: _texts(searcher, found.hits))
    named = collection if collections.are_several else None
    pages = [
        FoundPage(
            hit, text, None if text.strip() else await _jpeg(collections.service(hit.ref.index or collection), hit)
        )
        for hit, text in zip(found.hits, texts, strict=True)
    ]
    if not any(page.text.strip() or page.jpeg for page in pages):
        raise UsageError("none of the pages has a text or can be shown now: nothing was sent")
    events = collections.answering.answer(body.question, pages)
    first = await anext(events)  # raises Busy before the response begins
    return StreamingResponse(_sent(first, events, named), media_type=EVENTS)


async def _sent(
    first: AnswerEvent, others: AsyncGenerator[AnswerEvent, None], collection: str | None
) -> AsyncIterator[str]:
    async with aclosing(others):
        yield _event(first, collection)
        async for event in others:
            yield _event(event, collection)


def _event(event: AnswerEvent, collection: str | None) -> str:
    if event.kind == "piece":
        content: dict[str, object] = {"piece": event.text}
    else:
        content = {"pages": _pages(event.answer, collection), "model": event.answer.model}
        if event.kind == "end":
            cited = [{"number": each.number, "found": each.page is not None} for each in event.answer.citations]
            content |= {"citations": cited, "error": event.text or None, "note": event.answer.note or None}
    return f"data: {json.dumps(content)}\n\n"


def _pages(answer: CitedAnswer, collection: str | None) -> list[dict[str, object]]:
    return [
        {
            "number": number,
            "path": page.hit.ref.path,
            "page": page.hit.ref.page,
            "doc_id": page.hit.ref.doc_id,
            "collection": (named := page.hit.ref.index or collection),
            "score": page.hit.score,
            "picture": page_url(page.hit.ref.doc_id, page.hit.ref.page, named),
        }
        for number, page in enumerate(answer.pages, 1)
    ]


def _texts(searcher: Searcher, hits: list[Hit]) -> list[str]:
    return [searcher.text(hit.ref) for hit in hits]


async def _jpeg(service: Service, hit: Hit) -> bytes | None:
    """A picture of a page; None where its document is gone, or cannot be rendered."""
    try:
        _, file, passages = await run_in_threadpool(service.locate_page, hit.ref.doc_id, hit.ref.page)
        return await service.pictures.jpeg(file, hit.ref.page, passages=passages)
    except DocsearchError:
        return None
