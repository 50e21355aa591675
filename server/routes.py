"""Routes of the HTTP API that read: search, documents, page images, heat maps, health and metrics."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from ..engine.errors import DocumentError, UsageError
from ..engine.explain.heatmap import WordMarks
from ..engine.models.encoder import ImageQueryEncoder
from ..engine.records import FloatBox, PageRef, PageWords
from ..engine.records import Query as SearchQuery
from ..engine.searcher import Searcher
from .http_errors import Busy, NotFound
from .messages import (
    PAGE_MAX,
    QUERY_MAX_CHARS,
    AnswerOut,
    BoxIn,
    BoxOut,
    DocumentId,
    DocumentOut,
    DocumentsResponse,
    FacetsResponse,
    HeatmapResponse,
    HitOut,
    IndexOut,
    Problem,
    SearchRequest,
    SearchResponse,
    Status,
    WordOut,
)
from .metrics import CONTENT_TYPE
from .observers import STAGES_STATE
from .page_pictures import WIDTH_MAX, WIDTH_MIN, PagePicture
from .search_body import BoundedRoute
from .search_worker import Answer, SearchOptions
from .service import ServiceDep

DOCUMENTS_MAX = 1000
PNG_TYPE = "image/png"
DEFAULT_WIDTH = 1200
COLUMNS_MAX, FACET_VALUES_MAX = 20, 1000

DocumentIdQuery = Annotated[str, Query(min_length=1, max_length=64, examples=["6f1ed002ab559585"])]
PageNumber = Annotated[int, Path(ge=1, le=PAGE_MAX, description="Counts from 1.")]
PageNumberQuery = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Counts from 1.")]
Width = Annotated[
    int, Query(ge=WIDTH_MIN, le=WIDTH_MAX, description="Width in pixels; at most the page's width at 200 dpi.")
]
Text = Annotated[str, Query(min_length=1, max_length=QUERY_MAX_CHARS, examples=["revenue chart 2023"])]
ColumnName = Annotated[str, Field(min_length=1, max_length=100)]
PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 404, 503)}
PNG: dict[int | str, dict[str, Any]] = PROBLEMS | {200: {"content": {PNG_TYPE: {}}}, 422: {"model": Problem}}

api = APIRouter(route_class=BoundedRoute)


@api.post("/v1/search", responses=PROBLEMS | {413: {"model": Problem}})
async def search(body: SearchRequest, service: ServiceDep, request: Request) -> SearchResponse:
    """Find the pages that answer one or more queries, match an image, or resemble a page of the index (the page itself
    is never among the hits). Concurrent queries of different clients are batched; each gets the answer it would get
    alone.
    """
    queries = await _queries(body, service)
    options = SearchOptions(
        body.k, body.candidates, body.exact, body.all_copies, body.mode, details=body.details, where=body.where
    )
    found = await service.search_worker.search(queries, options)
    setattr(request.state, STAGES_STATE, found[0].seconds if found else {})
    return SearchResponse(answers=[_answer(query.text, answer) for query, answer in zip(queries, found, strict=True)])


@api.get("/v1/index", responses=PROBLEMS)
async def index(service: ServiceDep) -> IndexOut:
    """What the index contains, and whether it can be changed."""
    return IndexOut.model_validate(await run_in_threadpool(service.info))


@api.get("/v1/documents", responses=PROBLEMS)
async def documents(
    service: ServiceDep,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=DOCUMENTS_MAX)] = 100,
) -> DocumentsResponse:
    """List the documents of the index, including those that failed."""
    rows, total, unread = await run_in_threadpool(service.documents, min(offset, PAGE_MAX), limit)
    shown = [
        DocumentOut(
            id=row.id,
            path=row.path,
            pages=row.page_count,
            state=row.state,
            error=row.error,
            bytes=row.size,
            unread=unread.get(row.id, {}),
        )
        for row in rows
    ]
    return DocumentsResponse(total=total, documents=shown)


@api.get("/v1/facets", responses=PROBLEMS)
async def facets(
    service: ServiceDep,
    column: Annotated[list[ColumnName] | None, Query(max_length=COLUMNS_MAX)] = None,
    where: Annotated[str | None, Query(min_length=1, max_length=QUERY_MAX_CHARS)] = None,
    path: Annotated[str | None, Query(min_length=1, max_length=QUERY_MAX_CHARS)] = None,
    limit: Annotated[int, Query(ge=1, le=FACET_VALUES_MAX, description="Values of each column.")] = 20,
) -> FacetsResponse:
    """How many documents and pages have each value of some columns, by default of all that have any, among the
    documents that `where` and `path` select.
    """

    def job(searcher: Searcher) -> list[dict[str, object]]:
        return [facet.as_dict() for facet in searcher.facets(*(column or ()), where=where, path=path, limit=limit)]

    return FacetsResponse.model_validate({"facets": await service.search_worker.run(job)})


@api.get("/v1/documents/{doc_id}/pages/{page}.png", responses=PNG, response_class=Response)
async def page_picture(
    doc_id: DocumentId, page: PageNumber, service: ServiceDep, width: Width = DEFAULT_WIDTH
) -> Response:
    """An image of a page, rendered from its document."""
    return _png(await _render(service, doc_id, page, width))


@api.get("/v1/heatmap", responses=PROBLEMS)
async def heatmap(
    query: Text, document: DocumentIdQuery, page: PageNumberQuery, service: ServiceDep
) -> HeatmapResponse:
    """Where on a page each word of a query matches: its picture, and its text layer as far as the document is there."""
    words = await _words(service, document, page)

    def job(searcher: Searcher) -> list[WordMarks]:
        return searcher.word_marks(query, _ref(searcher, document, page), words=words)

    return HeatmapResponse(words=[_word(marks) for marks in await service.search_worker.run(job)])


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
) -> Response:
    """The heat map of a query as a transparent image, of the same size as the page image of this `width`. Laid over the
    page image with blend mode "multiply", it gives the image of `docsearch query --heatmap`.
    """
    picture = await _render(service, document, page, width)
    words = await _words(service, document, page)

    def job(searcher: Searcher) -> PagePicture:
        ref = _ref(searcher, document, page)
        return PagePicture.encode(searcher.overlay(query, ref, (picture.width, picture.height), word=word, words=words))

    return _png(await service.search_worker.run(job))


@api.get("/healthz")
async def healthz() -> Status:
    """Whether the process is alive."""
    return Status(status="ok")


@api.get("/readyz", responses={503: {"model": Status}})
async def readyz(service: ServiceDep, response: Response) -> Status:
    """Whether queries are being answered and changes of the index noticed; not during shutdown, nor when the last
    commit could not be opened several times in a row, and answers come from an earlier one.
    """
    if service.ready:
        return Status(status="ok")
    response.status_code = 503
    behind = "not ready: answers come from an earlier state of the index; its last commit cannot be opened"
    return Status(status=behind if service.search_worker.is_behind else "not ready")


@api.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep) -> Response:
    """Prometheus metrics."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


async def _queries(body: SearchRequest, service: ServiceDep) -> list[SearchQuery]:
    """The queries of a request."""
    kinds = (body.queries is not None, body.query is not None or body.image is not None, body.like is not None)
    if sum(kinds) != 1:
        raise UsageError('send one of: "query" and/or "image"; "queries"; "like"')
    if body.like is not None:
        box = None if body.like.box is None else _box(body.like.box)
        region = await run_in_threadpool(service.region, body.like.document, body.like.page, box)
        return [SearchQuery("", "", body.path, like=region)]
    if body.image is None:
        texts = [body.query] if body.query is not None else body.queries or []
        return [SearchQuery("", text, body.path) for text in texts]
    if not isinstance(service.search_worker.encoder, ImageQueryEncoder):
        raise UsageError("this index's model accepts text queries only")
    pixels = await service.pictures.decode(_from_base64(body.image))
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


async def _render(service: ServiceDep, doc_id: str, page: int, width: int) -> PagePicture:
    row, file = await run_in_threadpool(service.locate_page, doc_id, page)
    return await service.pictures.picture(file, row.sha256, page, width)


async def _words(service: ServiceDep, doc_id: str, page: int) -> PageWords | None:
    """The words of a page's text layer; None where they cannot be told now, and only its picture is compared."""
    try:
        row, file = await run_in_threadpool(service.locate_page, doc_id, page)
        return await service.pictures.words(file, row.sha256, page)
    except (NotFound, DocumentError, Busy):
        return None


def _ref(searcher: Searcher, doc_id: str, page: int) -> PageRef:
    """The page in the searcher's snapshot; Searcher raises UsageError if it has no vectors. Raises NotFound."""
    row = searcher.snapshot.document(doc_id=doc_id)
    if row is None:
        raise NotFound("there is no document with this id in the index")
    return PageRef(doc_id, row.path, page)


def _answer(text: str, answer: Answer) -> AnswerOut:
    hits = [
        HitOut.model_validate(
            {
                **hit.as_dict(),
                **({} if details is None else details.as_dict()),
                "picture": f"/v1/documents/{hit.ref.doc_id}/pages/{hit.ref.page}.png",
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


def _png(picture: PagePicture) -> Response:
    return Response(picture.png, media_type=PNG_TYPE)
