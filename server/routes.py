"""Routes of the HTTP API that search and tell of the index: search, facets, heat maps, health and metrics."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from ..engine.errors import DocumentError, UsageError
from ..engine.explain.heatmap import WordMarks
from ..engine.models.encoder import ImageQueryEncoder
from ..engine.query.operators import check_asks, parse
from ..engine.records import F32, QUESTION_MAX_CHARS, FloatBox, Mode, PageRef, PageWords
from ..engine.records import Query as SearchQuery
from ..engine.searcher import Searcher
from .collection_set import CollectionName, CollectionsDep, CollectionSet, ServiceDep, WorkerDep
from .document_routes import DEFAULT_WIDTH, PNG, PROBLEMS, Width, page_url, png, render
from .http_errors import Busy, NotFound, existing
from .messages import (
    PAGE_MAX,
    PATH_MAX_CHARS,
    WHERE_MAX_CHARS,
    AnswerOut,
    BoxIn,
    BoxOut,
    FacetsResponse,
    HeatmapResponse,
    HitOut,
    Problem,
    SearchRequest,
    SearchResponse,
    Status,
    WordOut,
)
from .metrics import CONTENT_TYPE
from .observers import STAGES_STATE
from .page_pictures import PagePicture
from .search_body import BoundedRoute
from .search_worker import Answer, SearchOptions
from .service import Service

COLUMNS_MAX, FACET_VALUES_MAX = 20, 1000

DocumentIdQuery = Annotated[str, Query(min_length=1, max_length=64, examples=["6f1ed002ab559585"])]
PageNumberQuery = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Counts from 1.")]
FoundBy = Annotated[
    Mode | None,
    Query(
        description="The mode in which the page was found; in the mode semantic the passage that is nearest in meaning "
        "is marked, too.",
    ),
]
Text = Annotated[str, Query(min_length=1, max_length=QUESTION_MAX_CHARS, examples=["revenue chart 2023"])]
ColumnName = Annotated[str, Field(min_length=1, max_length=100)]
api = APIRouter(route_class=BoundedRoute)


@api.post("/v1/search", responses=PROBLEMS | {413: {"model": Problem}})
async def search(
    body: SearchRequest,
    collections: CollectionsDep,
    worker: WorkerDep,
    request: Request,
    collection: CollectionName = None,
) -> SearchResponse:
    """Find the pages that answer one or more queries, match an image, or resemble a page of the index (the page itself
    is never among the hits). Concurrent queries of different clients are batched; each gets the answer it would get
    alone. A server of several collections searches all of them as one, unless one is named.
    """
    queries = await _queries(body, collections, collection)
    options = SearchOptions(
        body.k, body.candidates, body.exact, body.all_copies, body.mode, details=body.details, where=body.where
    )
    found = await worker.search(queries, options)
    setattr(request.state, STAGES_STATE, found[0].seconds if found else {})
    named = collection if collections.are_several else None
    return SearchResponse(
        answers=[_answer(query.text, answer, named) for query, answer in zip(queries, found, strict=True)]
    )


@api.get("/v1/facets", responses=PROBLEMS)
async def facets(
    worker: WorkerDep,
    column: Annotated[list[ColumnName] | None, Query(max_length=COLUMNS_MAX, description="May be repeated.")] = None,
    columns: Annotated[
        str | None,
        Query(min_length=1, max_length=PATH_MAX_CHARS, examples=["kind,author"], description="Separated by commas."),
    ] = None,
    where: Annotated[str | None, Query(min_length=1, max_length=WHERE_MAX_CHARS)] = None,
    path: Annotated[str | None, Query(min_length=1, max_length=PATH_MAX_CHARS)] = None,
    limit: Annotated[int, Query(ge=1, le=FACET_VALUES_MAX, description="Values of each column.")] = 20,
) -> FacetsResponse:
    """How many documents and pages have each value of some columns, by default of all that have any, among the
    documents that `where` and `path` select.
    """
    listed = [name.strip() for name in (columns or "").split(",")]
    names = list(dict.fromkeys([*(column or ()), *filter(None, listed)]))
    if len(names) > COLUMNS_MAX:
        raise UsageError(f"{len(names)} columns are asked for; at most {COLUMNS_MAX} are counted at a time")

    def job(searcher: Searcher) -> list[dict[str, object]]:
        return [facet.as_dict() for facet in searcher.facets(*names, where=where, path=path, limit=limit)]

    return FacetsResponse.model_validate({"facets": await worker.run(job)})


@api.get("/v1/heatmap", responses=PROBLEMS)
async def heatmap(
    query: Text, document: DocumentIdQuery, page: PageNumberQuery, service: ServiceDep, mode: FoundBy = None
) -> HeatmapResponse:
    """Where on a page each word of a query matches: its picture, and its text layer as far as the document is there.
    The `passage` has the lines of the text that are nearest to the query in meaning, where the page was found by that.
    """
    words = await _words(service, document, page)

    def job(searcher: Searcher) -> tuple[list[WordMarks], F32]:
        ref = _ref(searcher, document, page)
        return searcher.word_marks(query, ref, words=words), searcher.passage_lines(query, ref, mode, words)

    marks, lines = await service.search_worker.run(job)
    passage = [(x0, y0, x1, y1) for x0, y0, x1, y1 in np.round(lines.astype(np.float64), 5).tolist()]
    return HeatmapResponse(words=[_word(each) for each in marks], passage=passage)


@api.get("/v1/heatmap.png", responses=PNG, response_class=Response)
async def heatmap_picture(
    query: Text,
    document: DocumentIdQuery,
    page: PageNumberQuery,
    service: ServiceDep,
    width: Width = DEFAULT_WIDTH,
    word: Annotated[
        int | None, Query(ge=0, description="Only this word: its position in the list of /v1/heatmap, from 0.")
    ] = None,
    mode: FoundBy = None,
) -> Response:
    """The heat map of a query as a transparent image, of the same size as the page image of this `width`. Laid over the
    page image with blend mode "multiply", it gives the image of `docsearch query --heatmap`.
    """
    picture = await render(service, document, page, width)
    words = await _words(service, document, page)

    def job(searcher: Searcher) -> PagePicture:
        ref = _ref(searcher, document, page)
        size = (picture.width, picture.height)
        return PagePicture.encode(searcher.overlay(query, ref, size, word=word, words=words, mode=mode))

    return png(await service.search_worker.run(job))


@api.get("/healthz")
async def healthz() -> Status:
    """Whether the process is alive."""
    return Status(status="ok")


@api.get("/readyz", responses={503: {"model": Status}})
async def readyz(collections: CollectionsDep, response: Response) -> Status:
    """Whether queries are being answered and changes of the index noticed; not during shutdown, nor when the last
    commit could not be opened several times in a row, and answers come from an earlier one.
    """
    if collections.ready:
        return Status(status="ok")
    response.status_code = 503
    behind = "not ready: answers come from an earlier state of the index; its last commit cannot be opened"
    return Status(status=behind if collections.is_behind else "not ready")


@api.get("/metrics", response_class=Response)
async def metrics(collections: CollectionsDep) -> Response:
    """Prometheus metrics."""
    return Response(collections.metrics.text(), media_type=CONTENT_TYPE)


async def _queries(body: SearchRequest, collections: CollectionSet, collection: str | None) -> list[SearchQuery]:
    """The queries of a request to a collection, or to all."""
    kinds = (body.queries is not None, body.query is not None or body.image is not None, body.like is not None)
    if sum(kinds) != 1:
        raise UsageError('send one of: "query" and/or "image"; "queries"; "like"')
    if body.like is not None:
        like, among_all = body.like, collection is None and collections.are_several
        if like.collection is not None and collection not in (None, like.collection):
            raise UsageError("the page is of another collection than the one to search; search all collections")
        box = None if like.box is None else _box(like.box)
        service = collections.service(like.collection or collection)
        region = await run_in_threadpool(service.region, like.document, like.page, box, among_all=among_all)
        return [SearchQuery("", "", body.path, like=region)]
    if body.image is None:
        if body.query is not None:
            check_asks(*parse(body.query))
        texts = [body.query] if body.query is not None else body.queries or []
        return [SearchQuery("", text, body.path) for text in texts]
    if not isinstance(collections.worker(collection).encoder, ImageQueryEncoder):
        raise UsageError("this index's model accepts text queries only")
    pixels = await collections.chosen(collection)[0].pictures.decode(_from_base64(body.image))
    return [SearchQuery("", body.query or "", body.path, image=pixels)]


def _from_base64(image: str) -> bytes:
    try:
        return b64decode(image, validate=True)
    except ValueError as err:
        raise UsageError('"image" is not base64') from err


def _box(box: BoxIn) -> FloatBox:
    if not (box.x0 < box.x1 and box.y0 < box.y1):
        raise UsageError("the box is empty: x0 must be less than x1, and y0 less than y1")
    return (box.x0, box.y0, box.x1, box.y1)


async def _words(service: Service, doc_id: str, page: int) -> PageWords | None:
    """The words of a page's text layer; None where they cannot be told now, and only its picture is compared."""
    try:
        row, file, passages = await run_in_threadpool(service.locate_page, doc_id, page)
        return await service.pictures.words(file, row.sha256, page, passages=passages)
    except (NotFound, DocumentError, Busy):
        return None


def _ref(searcher: Searcher, doc_id: str, page: int) -> PageRef:
    """The page in the searcher's snapshot; Searcher raises UsageError if it has no vectors. Raises NotFound."""
    row = existing(searcher.snapshot.document(doc_id=doc_id))
    return PageRef(doc_id, row.path, page)


def _answer(text: str, answer: Answer, collection: str | None) -> AnswerOut:
    """An answer of the `collection`, or of all; None on a server of one index."""
    hits = [
        HitOut.model_validate(
            {
                **hit.as_dict(),
                **({} if details is None else details.as_dict()),
                "collection": (named := hit.ref.index or collection),
                "picture": page_url(hit.ref.doc_id, hit.ref.page, named),
            }
        )
        for hit, details in zip(answer.hits, answer.details or [None] * len(answer.hits), strict=True)
    ]
    milliseconds = {stage: round(1000 * seconds, 3) for stage, seconds in answer.seconds.items()}
    return AnswerOut.model_validate(
        {
            "query": text,
            "snapshot": answer.snapshot,
            "columns": answer.columns,
            **answer.hits.as_dict(),
            "model": answer.model,
            "hits": hits,
            "milliseconds": milliseconds,
            "batch": answer.batch,
        }
    )


def _word(marks: WordMarks) -> WordOut:
    return WordOut(word=marks.word, weight=marks.weight, score=marks.score, boxes=_boxes(marks.boxes))


def _boxes(boxes: Sequence[tuple[tuple[float, float, float, float], float]]) -> list[BoxOut]:
    return [BoxOut(x0=x0, y0=y0, x1=x1, y1=y1, score=score) for (x0, y0, x1, y1), score in boxes]
