"""The API's routes: each checks what it was sent, asks one part of the service, and shapes the answer."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from ..engine.errors import UsageError
from ..engine.explain.heatmap import WordMarks
from ..engine.models.encoder import ImageQueryEncoder
from ..engine.records import FloatBox, PageRef
from ..engine.searcher import Query as SearchQuery
from ..engine.searcher import Searcher
from .http_errors import NotHere
from .messages import (
    PAGE_MAX,
    QUERY_MAX_CHARS,
    AnswerOut,
    BoxIn,
    BoxOut,
    DocumentId,
    DocumentOut,
    DocumentsResponse,
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
from .page_pictures import WIDTH_MAX, WIDTH_MIN, PagePicture, to_png
from .search_worker import Answer, How
from .service import TheService

DOCUMENTS_MAX = 1000
PNG_TYPE = "image/png"
DEFAULT_WIDTH = 1200

DocumentIdQuery = Annotated[str, Query(min_length=1, max_length=64, examples=["6f1ed002ab559585"])]
PageNumber = Annotated[int, Path(ge=1, le=PAGE_MAX, description="Counts from 1.")]
PageNumberQuery = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Counts from 1.")]
Width = Annotated[int, Query(ge=WIDTH_MIN, le=WIDTH_MAX, description="Pixels; at most as wide as it is at 200 dpi.")]
Text = Annotated[str, Query(min_length=1, max_length=QUERY_MAX_CHARS, examples=["revenue chart 2023"])]
PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 404, 503)}
PNG: dict[int | str, dict[str, Any]] = PROBLEMS | {200: {"content": {PNG_TYPE: {}}}, 422: {"model": Problem}}

api = APIRouter()


@api.post("/v1/search", responses=PROBLEMS | {413: {"model": Problem}})
async def search(asked: SearchRequest, service: TheService) -> SearchResponse:
    """Find the pages that answer one query or several, look like a picture, or are like a page of the index, which is
    not among them. Queries of clients that ask at the same time are answered together; each gets the answer that it
    would get alone.
    """
    queries = await _queries(asked, service)
    found = await service.questions.ask(queries, How(asked.k, asked.candidates, asked.exact))
    return SearchResponse(answers=[_answer(query.text, answer) for query, answer in zip(queries, found, strict=True)])


@api.get("/v1/index", responses=PROBLEMS)
async def index(service: TheService) -> IndexOut:
    """What is in the index, and what may be done with it."""
    return IndexOut.model_validate(await run_in_threadpool(service.about))


@api.get("/v1/documents", responses=PROBLEMS)
async def documents(
    service: TheService,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=DOCUMENTS_MAX)] = 100,
) -> DocumentsResponse:
    """List the documents of the index, those that failed among them."""
    rows = await run_in_threadpool(service.documents)
    shown = [
        DocumentOut(id=row.id, path=row.path, pages=row.page_count, state=row.state, error=row.error, bytes=row.size)
        for row in rows[offset : offset + limit]
    ]
    return DocumentsResponse(total=len(rows), documents=shown)


@api.get("/v1/documents/{doc_id}/pages/{page}.png", responses=PNG, response_class=Response)
async def page_picture(
    doc_id: DocumentId, page: PageNumber, service: TheService, width: Width = DEFAULT_WIDTH
) -> Response:
    """A page as a picture, drawn from its document."""
    return _png(await _draw(service, doc_id, page, width))


@api.get("/v1/heatmap", responses=PROBLEMS)
async def heatmap(
    query: Text, document: DocumentIdQuery, page: PageNumberQuery, service: TheService
) -> HeatmapResponse:
    """Where a page matches each word of a query."""

    def job(searcher: Searcher) -> list[WordMarks]:
        return searcher.word_marks(query, _ref(searcher, document, page))

    return HeatmapResponse(words=[_word(marks) for marks in await service.questions.use(job)])


@api.get("/v1/heatmap.png", responses=PNG, response_class=Response)
async def heatmap_picture(
    query: Text,
    document: DocumentIdQuery,
    page: PageNumberQuery,
    service: TheService,
    width: Width = DEFAULT_WIDTH,
    word: Annotated[int | None, Query(ge=0, description="Only this word of those /v1/heatmap lists, from 0.")] = None,
) -> Response:
    """What matches a query, as a transparent picture of the size that the page's own picture has at this `width`: laid
    over that with the blend mode "multiply" it is what `docsearch query --heatmap` draws.
    """
    drawn = await _draw(service, document, page, width)

    def job(searcher: Searcher) -> PagePicture:
        ref = _ref(searcher, document, page)
        return to_png(searcher.overlay(query, ref, (drawn.width, drawn.height), word=word))

    return _png(await service.questions.use(job))


@api.get("/healthz")
async def healthz() -> Status:
    """Whether the process answers at all."""
    return Status(status="ok")


@api.get("/readyz", responses={503: {"model": Status}})
async def readyz(service: TheService, response: Response) -> Status:
    """Whether questions are being answered; not while the server shuts down."""
    if service.questions.ready:
        return Status(status="ok")
    response.status_code = 503
    return Status(status="not ready")


@api.get("/metrics", response_class=Response)
async def metrics(service: TheService) -> Response:
    """Counters and times, as Prometheus reads them."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


async def _queries(asked: SearchRequest, service: TheService) -> list[SearchQuery]:
    """What is asked for, as the engine takes it."""
    ways = (asked.queries is not None, asked.query is not None or asked.image is not None, asked.like is not None)
    if sum(ways) != 1:
        raise UsageError('give one of "query" (a text) or "image" or both, "queries" (a list of texts), and "like"')
    if asked.like is not None:
        box = None if asked.like.box is None else _box(asked.like.box)
        region = await run_in_threadpool(service.region, asked.like.document, asked.like.page, box)
        return [SearchQuery("", "", asked.path, like=region)]
    if asked.image is None:
        texts = [asked.query] if asked.query is not None else asked.queries or []
        return [SearchQuery("", text, asked.path) for text in texts]
    if not isinstance(service.questions.encoder, ImageQueryEncoder):
        raise UsageError("the model of this index takes questions in words only")
    pixels = await service.pictures.pixels_of(_decoded(asked.image))
    return [SearchQuery("", asked.query or "", asked.path, image=pixels)]


def _decoded(image: str) -> bytes:
    try:
        return b64decode(image, validate=True)
    except ValueError as err:
        raise UsageError(f'"image" is not base64: {err}') from err


def _box(box: BoxIn) -> FloatBox:
    if not (box.x0 < box.x1 and box.y0 < box.y1):
        raise UsageError("the box is empty: x0 has to be less than x1, and y0 less than y1")
    return (box.x0, box.y0, box.x1, box.y1)


async def _draw(service: TheService, doc_id: str, page: int, width: int) -> PagePicture:
    row, file = await run_in_threadpool(service.page_of, doc_id, page)
    return await service.pictures.picture(file, row.sha256, page, width)


def _ref(searcher: Searcher, doc_id: str, page: int) -> PageRef:
    """The page of the searcher's snapshot that is meant; Searcher raises UsageError if it has no vectors."""
    for row in searcher.snapshot.documents().values():
        if row.id == doc_id:
            return PageRef(doc_id, row.path, page)
    raise NotHere(f"there is no document {doc_id!r} in the index")


def _answer(text: str, answer: Answer) -> AnswerOut:
    hits = [
        HitOut(
            rank=hit.rank,
            score=round(hit.score, 6),
            path=hit.ref.path,
            page=hit.ref.page,
            doc_id=hit.ref.doc_id,
            picture=f"/v1/documents/{hit.ref.doc_id}/pages/{hit.ref.page}.png",
        )
        for hit in answer.hits
    ]
    milliseconds = {stage: round(1000 * seconds, 3) for stage, seconds in answer.seconds.items()}
    return AnswerOut(query=text, snapshot=answer.snapshot, hits=hits, milliseconds=milliseconds, batch=answer.batch)


def _word(marks: WordMarks) -> WordOut:
    return WordOut(word=marks.word, weight=marks.weight, score=marks.score, boxes=_boxes(marks.boxes))


def _boxes(boxes: Sequence[tuple[tuple[float, float, float, float], float]]) -> list[BoxOut]:
    return [BoxOut(x0=x0, y0=y0, x1=x1, y1=y1, score=score) for (x0, y0, x1, y1), score in boxes]


def _png(picture: PagePicture) -> Response:
    return Response(picture.png, media_type=PNG_TYPE)
