"""Routes of the HTTP API for what is in the index: collections, documents, their files, page images and texts."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from ..engine.records import PageRef
from ..engine.searcher import Searcher
from .collection_set import CollectionName, CollectionsDep, CollectionSet, ServiceDep
from .http_errors import NotFound, existing
from .messages import (
    PAGE_MAX,
    WHERE_MAX_CHARS,
    CollectionOut,
    CollectionsResponse,
    DocumentId,
    DocumentOut,
    DocumentsResponse,
    IndexOut,
    Problem,
)
from .page_pictures import WIDTH_MAX, WIDTH_MIN, PagePicture
from .service import Service

DOCUMENTS_MAX = 1000
PNG_TYPE = "image/png"
DEFAULT_WIDTH = 1200
SHOWN_TYPES = {
    ".pdf": "application/pdf",
    ".png": PNG_TYPE,
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".txt": "text/plain; charset=utf-8",
}
"""Media types of files that a browser shows without running anything of theirs; all others are downloaded."""
FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'"
PDF_POLICY = "frame-ancestors 'none'; base-uri 'none'"
"""Content-Security-Policies of documents: they have no origin, and nothing in them runs. Browsers show no PDF in a
sandbox, and take nothing else for a PDF.
"""

PageNumber = Annotated[int, Path(ge=1, le=PAGE_MAX, description="Counts from 1.")]
Width = Annotated[
    int, Query(ge=WIDTH_MIN, le=WIDTH_MAX, description="Width in pixels; at most the page's width at 200 dpi.")
]
PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 404, 503)}
PNG: dict[int | str, dict[str, Any]] = PROBLEMS | {200: {"content": {PNG_TYPE: {}}}, 422: {"model": Problem}}
FILE: dict[int | str, dict[str, Any]] = PROBLEMS | {200: {"content": {"application/octet-stream": {}}}}

api = APIRouter()


@api.get("/v1/collections", responses=PROBLEMS)
async def list_collections(collections: CollectionsDep) -> CollectionsResponse:
    """The collections of a server that was started with several indexes."""
    if not collections.are_several:
        return CollectionsResponse(collections=[], apart=None)
    answers_by = _answers_by(collections)
    found = [
        CollectionOut.model_validate(
            {**await run_in_threadpool(each.info), "name": each.name, "answers_by": answers_by}
        )
        for each in collections.services.values()
    ]
    return CollectionsResponse(collections=found, apart=collections.apart)


@api.get("/v1/index", responses=PROBLEMS)
async def index(collections: CollectionsDep, collection: CollectionName = None) -> IndexOut:
    """What the index contains, and whether it can be changed."""
    each = [IndexOut.model_validate(await run_in_threadpool(one.info)) for one in collections.chosen(collection)]
    total = each[0] if len(each) == 1 else _sum(each)
    return total.model_copy(update={"answers_by": _answers_by(collections)})


@api.get("/v1/documents", responses=PROBLEMS)
async def documents(
    collections: CollectionsDep,
    collection: CollectionName = None,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=DOCUMENTS_MAX)] = 100,
    where: Annotated[str | None, Query(min_length=1, max_length=WHERE_MAX_CHARS)] = None,
) -> DocumentsResponse:
    """List the documents of the index, including those that failed, or those for whose columns `where` is true. Those
    of several collections follow each other.
    """
    shown: list[DocumentOut] = []
    before = 0
    for service in collections.chosen(collection):
        first, count = max(0, min(offset, PAGE_MAX) - before), limit - len(shown)
        found, total = await run_in_threadpool(_some_documents, service, first, count, where)
        shown += found
        before += total
    return DocumentsResponse(total=before, documents=shown)


@api.get("/v1/documents/{doc_id}/file", responses=FILE, response_class=FileResponse)
async def original(
    doc_id: DocumentId,
    service: ServiceDep,
    download: Annotated[bool, Query(description="Ask the browser to save the file, not to show it.")] = False,
) -> FileResponse:
    """The file of a document, or of a copy of it where that is gone. Browsers show PDFs, pictures and plain text; other
    kinds they always save.
    """
    row, file = await run_in_threadpool(service.locate, doc_id)
    if not file.is_file():
        raise NotFound("the document is a part of another file, and has none of its own")
    name = PurePosixPath(row.path).name.encode("utf-8", "replace").decode()
    kind = SHOWN_TYPES.get(PurePosixPath(name).suffix.lower())
    return FileResponse(
        file,
        filename=name,
        media_type=kind or "application/octet-stream",
        content_disposition_type="inline" if kind and not download else "attachment",
        headers={"Content-Security-Policy": PDF_POLICY if kind == SHOWN_TYPES[".pdf"] else FILE_POLICY},
    )


@api.get("/v1/documents/{doc_id}/pages/{page}.png", responses=PNG, response_class=Response)
async def page_picture(
    doc_id: DocumentId, page: PageNumber, service: ServiceDep, width: Width = DEFAULT_WIDTH
) -> Response:
    """An image of a page, rendered from its document."""
    return png(await render(service, doc_id, page, width))


@api.get("/v1/documents/{doc_id}/pages/{page}.txt", responses=PROBLEMS, response_class=PlainTextResponse)
async def page_text(doc_id: DocumentId, page: PageNumber, service: ServiceDep) -> PlainTextResponse:
    """The text layer of a page as it was indexed; empty where it has none."""

    def job(searcher: Searcher) -> str:
        row = existing(searcher.snapshot.document(doc_id=doc_id))
        return searcher.text(PageRef(doc_id, row.path, page))

    text = await service.search_worker.run(job)
    return PlainTextResponse(text.encode("utf-8", "replace"))


def page_url(doc_id: str, page: int, collection: str | None) -> str:
    """The address of a page's image."""
    query = f"?{urlencode({'collection': collection}, quote_via=quote)}" if collection else ""
    return f"/v1/documents/{doc_id}/pages/{page}.png{query}"


async def render(service: Service, doc_id: str, page: int, width: int) -> PagePicture:
    """A page, at most `width` pixels wide. Raises NotFound, DocumentError, Busy."""
    row, file, passages = await run_in_threadpool(service.locate_page, doc_id, page)
    return await service.pictures.picture(file, row.sha256, page, width, passages=passages)


def png(picture: PagePicture) -> Response:
    """A response with a picture."""
    return Response(picture.png, media_type=PNG_TYPE)


def _some_documents(service: Service, first: int, count: int, where: str | None) -> tuple[list[DocumentOut], int]:
    """`count` documents of a collection after the `first` ones, and how many there are."""
    rows, total, unread = service.documents(first, count, where)
    return [
        DocumentOut(
            id=row.id,
            path=row.path,
            pages=row.page_count,
            state=row.state,
            error=row.error,
            bytes=row.size,
            unread=unread.get(row.id, {}),
            collection=service.name or None,
        )
        for row in rows
    ], total


def _sum(each: list[IndexOut]) -> IndexOut:
    """Several collections as one."""
    models = {one.model for one in each}
    unread: dict[str, int] = {}
    for one in each:
        for kind, places in one.unread.items():
            unread[kind] = unread.get(kind, 0) + places
    return IndexOut(
        model=models.pop() if len(models) == 1 else "",
        pages=sum(one.pages for one in each),
        documents=sum(one.documents for one in each),
        failed=sum(one.failed for one in each),
        unread=unread,
        uploads_allowed=any(one.uploads_allowed for one in each),
        marks_allowed=any(one.marks_allowed for one in each),
        semantic=all(one.semantic for one in each),
        snapshot="+".join(one.snapshot for one in each),
    )


def _answers_by(collections: CollectionSet) -> str | None:
    return None if collections.answering is None else collections.answering.host
