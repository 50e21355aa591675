"""JSON bodies of requests and responses, as pydantic models with limits and examples for the OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from ..engine.records import QUESTION_MAX_CHARS, Mode
from .body_limit import PICTURE_MAX_BYTES

PATH_MAX_CHARS = 2000
WHERE_MAX_CHARS = 20_000
QUERIES_MAX = 64
HITS_MAX = 1000
CANDIDATES_MAX = 100_000
ASK_PAGES_MAX = 20

PICTURE_MAX_CHARS = PICTURE_MAX_BYTES * 4 // 3 + 4
PAGE_MAX = 1_000_000_000

DocumentId = Annotated[str, Path(min_length=1, max_length=64, examples=["6f1ed002ab559585"])]
Fraction = Annotated[float, Field(ge=0, le=1)]
QueryText = Annotated[str, Field(min_length=1, max_length=QUESTION_MAX_CHARS)]


class BoxIn(BaseModel):
    """A part of a page, in fractions of its width and height."""

    model_config = ConfigDict(extra="forbid")

    x0: Fraction
    y0: Fraction
    x1: Fraction
    y1: Fraction


class LikeRequest(BaseModel):
    """A page of the index, or its part inside `box`, to find similar pages of; with its `collection` on a server of
    several.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"document": "6f1ed002ab559585", "page": 3}]}
    )

    document: Annotated[str, Field(min_length=1, max_length=64)]
    page: Annotated[int, Field(ge=1, le=PAGE_MAX)]
    box: BoxIn | None = None
    collection: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class SearchRequest(BaseModel):
    """A `query`, several `queries`, an `image` (a base64-encoded image file) with or without a query, or `like`; with
    search options. `path` restricts the search to documents whose path matches the glob or whose file name it is.
    Files with the same content are one hit; with `all_copies` each is a hit of its own. `mode` says what pages are
    found by: "visual", their pictures; "text", their text layers; "hybrid", both, the default where there is text; or
    "semantic", both and the meaning of their texts, where the index was made with vectors of passages.
    With `details`, hits have a snippet, and their documents' titles and dates.
    `where` restricts the search to documents for whose columns a condition is true; /v1/facets lists the columns.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"query": "revenue chart 2023", "k": 3, "path": "*.pdf"}]}
    )

    query: QueryText | None = None
    queries: Annotated[list[QueryText], Field(max_length=QUERIES_MAX)] | None = None
    image: Annotated[str, Field(min_length=1, max_length=PICTURE_MAX_CHARS)] | None = None
    like: LikeRequest | None = None
    k: Annotated[int, Field(ge=1, le=HITS_MAX)] = 10
    candidates: Annotated[int, Field(ge=1, le=CANDIDATES_MAX)] | None = None
    exact: bool = False
    all_copies: bool = False
    mode: Mode | None = None
    path: Annotated[str, Field(min_length=1, max_length=PATH_MAX_CHARS)] | None = None
    details: bool = False
    where: (
        Annotated[str, Field(min_length=1, max_length=WHERE_MAX_CHARS, examples=["kind = 'pdf' and modified >= 2024"])]
        | None
    ) = None


class SnippetOut(BaseModel):
    """A passage of a page's text on one line, and its `spans` that match: first and last + 1 of its code points."""

    text: str = Field(examples=["… The operating margin was 12 % …"])
    spans: list[tuple[int, int]] = Field(examples=[[[6, 22]]])


class RecognisedOut(BaseModel):
    """A word of the query that the model sees on a page: its best match, 0..1, and x0, y0, x1, y1 in page fractions."""

    word: str
    score: float
    box: tuple[float, float, float, float]


class HitOut(BaseModel):
    """A hit as `docsearch query --json` prints it, and the URL of its page image. `also` are other paths of the same
    file, of those that the request's `path` and `where` select. `collection` is null on a server of one index.

    `lines` are the first and the last line of a text or source file that the page shows, null for other documents.

    The rest is null or empty unless the request asks for `details`: `label`, the page's number as its document has it,
    "" where that is the same; `title` and `modified` of the document; the `snippet` of the text, null without a text
    layer; and on pages without one the `recognised` words. `ocr_engine` is the program that read the text by OCR, null
    for that of a text layer.
    """

    rank: int
    score: float
    path: str
    page: int
    doc_id: str
    also: list[str] = Field(examples=[["copies/report.pdf"]])
    collection: str | None = None
    lines: tuple[int, int] | None = Field(default=None, examples=[[120, 160]])
    picture: str = Field(examples=["/v1/documents/6f1ed002ab559585/pages/3.png"])
    label: str | None = Field(default=None, examples=["iv"])
    title: str | None = None
    modified: str | None = Field(default=None, examples=["2026-11-30T09:30:00Z"])
    snippet: SnippetOut | None = None
    recognised: list[RecognisedOut] = []
    ocr_engine: str | None = Field(default=None, examples=["Tesseract 5.3.0, eng"])


class FacetValueOut(BaseModel):
    """A value of a column, and how many documents with how many pages have it."""

    value: str | float | bool
    documents: int
    pages: int


class FacetOut(BaseModel):
    """The values of a column, the most frequent ones first. Dates are counted by year, and paths by their first folder.
    `documents` have a value, `without` have none, and `more` is how many further values there are. `least` and `most`
    are the extremes of numbers and dates.
    """

    column: str
    type: Literal["text", "number", "date", "list", "flag"]
    documents: int
    without: int
    values: list[FacetValueOut]
    more: int
    least: float | str | None
    most: float | str | None


class FacetsResponse(BaseModel):
    """The answer of `/v1/facets`."""

    facets: list[FacetOut]


class AnswerOut(BaseModel):
    """The hits of one query, best first. `milliseconds` has the time in the queue ("wait") and the time of each stage,
    for the whole batch of `batch` queries; `snapshot` identifies the state of the index. `query` is "" for queries
    without text. `confidence` is the probability that the first hit is right, as measured for the model of the index;
    null for queries by an image or a page, and for models that it was not measured for. If it is too low,
    `no_good_match` is true, and the hits are the closest pages. The `model` does not read the `unread_letters` of the
    query. `mode` is what pages were found by. `corrections` are words of the query that no page has, each with the word
    that was searched for instead, and `missing_phrases` phrases in quotes that no page has: their words were searched
    for one by one. A server whose index is divided among machines may answer without the `missing_shards` that did not
    answer: their `missing_pages` were not searched. `try_mode` is another mode that may find pages where the answer is
    weak or empty, null where there is none.
    """

    query: str
    snapshot: str
    columns: str = Field(description="Changes when the columns of a document change.")
    confidence: float | None = Field(examples=[0.93])
    no_good_match: bool
    unread_letters: str
    corrections: dict[str, str] = Field(examples=[{"margni": "margin"}])
    missing_phrases: list[str]
    missing_shards: list[str] = []
    missing_pages: int = 0
    try_mode: Mode | None = None
    mode: Mode
    model: str
    hits: list[HitOut]
    milliseconds: dict[str, float] = Field(examples=[{"wait": 0.1, "encode": 0.4, "weigh": 1.2, "rerank": 9.8}])
    batch: int


class SearchResponse(BaseModel):
    """The answers, in the order of the queries."""

    answers: list[AnswerOut]


class DocumentOut(BaseModel):
    """A document of the index; `state` is "done", "indexing" or "failed" (with its `error`); `bytes` is its size.
    `unread` counts, by kind, the pages (and the document as a whole) with content that was not read: "attachment",
    "comment", "dynamic form", "small print", "frames", "crowded" or "partial". `collection` is null on a server of one
    index.
    """

    id: str
    path: str
    pages: int | None
    state: str
    error: str | None
    bytes: int
    unread: dict[str, int] = Field(examples=[{"attachment": 1, "comment": 3}])
    collection: str | None = None


class DocumentsResponse(BaseModel):
    """Some of the `total` documents, in path order."""

    total: int
    documents: list[DocumentOut]


class BoxOut(BaseModel):
    """A region of a page, in fractions of its width and height, and its match, 0..1."""

    x0: float
    y0: float
    x1: float
    y1: float
    score: float


class WordOut(BaseModel):
    """A word of the query: its `weight` (weights sum to 1), its best match on the page, and all matches, best first."""

    word: str
    weight: float
    score: float
    boxes: list[BoxOut]


class HeatmapResponse(BaseModel):
    """Where on a page each word of a query matches, and the lines of the `passage` that is nearest to it in meaning,
    x0, y0, x1, y1 in page fractions: in the mode semantic, and where the page has none of its words.
    """

    words: list[WordOut]
    passage: list[tuple[float, float, float, float]] = []


class UploadAccepted(BaseModel):
    """A file that is stored on disk, and queued for indexing under this `name`."""

    upload: str = Field(examples=["9f86d081884c7d65"])
    name: str
    state: Literal["waiting"]


class UploadOut(BaseModel):
    """Progress of an upload: `pages_done` of `pages_total`, which is null until known. `place` is how many uploads are
    ahead of one that waits. `error` says why it failed, why it is still waiting, or which pages are missing.
    `collection` is null on a server of one index.
    """

    upload: str
    name: str
    state: Literal["waiting", "indexing", "done", "failed"]
    pages_done: int
    pages_total: int | None
    doc_id: str | None
    error: str | None
    place: int
    collection: str | None = None


class UploadsResponse(BaseModel):
    """Recent uploads, newest first within each collection."""

    uploads: list[UploadOut]


class IndexOut(BaseModel):
    """What the index contains, whether this server accepts uploads and removals, and whether it accepts marks. `unread`
    is as in a document, of all of them. For all of several collections, counts are sums, and what any of them allows is
    allowed; `model` is "" where they differ. `answers_by` is the host of the chat endpoint that pages are sent to if a
    client asks for an answer, null without one.
    """

    model: str
    pages: int
    documents: int
    failed: int
    unread: dict[str, int] = Field(examples=[{"attachment": 1, "comment": 3}])
    uploads_allowed: bool
    marks_allowed: bool
    semantic: bool = Field(description="Whether it can be searched in the mode semantic.")
    snapshot: str
    answers_by: str | None = None


class CollectionOut(IndexOut):
    """A collection by its `name`."""

    name: str


class CollectionsResponse(BaseModel):
    """The collections of the server, in the order in which it was started with them; none on a server of one index.

    `apart` says why they cannot be searched as one, null where they can.
    """

    collections: list[CollectionOut]
    apart: str | None


class MarkRequest(BaseModel):
    """Whether the page of a document is the right answer to a query, or a wrong one; null takes a mark back."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"query": "notice period", "document": "6f1ed002ab559585", "page": 3, "right": True}]
        },
    )

    query: QueryText
    document: Annotated[str, Field(min_length=1, max_length=64)]
    page: Annotated[int, Field(ge=1, le=PAGE_MAX)]
    right: bool | None


class MarkOut(BaseModel):
    """A page that was marked as the right or a wrong answer to a query."""

    query: str
    document: str
    path: str
    page: int
    right: bool
    time: str = Field(examples=["2026-11-30T09:30:00Z"])
    collection: str | None = None


class MarksResponse(BaseModel):
    """Marks, in the order in which they were first made."""

    marks: list[MarkOut]


class AskRequest(BaseModel):
    """A `question`, and how many pages, of which documents, it is answered from; see SearchRequest."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "What was revenue in 2023?"}]}
    )

    question: QueryText
    k: Annotated[int, Field(ge=1, le=ASK_PAGES_MAX)] = 5
    path: Annotated[str, Field(min_length=1, max_length=PATH_MAX_CHARS)] | None = None
    where: Annotated[str, Field(min_length=1, max_length=WHERE_MAX_CHARS)] | None = None
    mode: Mode | None = None


class Status(BaseModel):
    """Health of the server."""

    status: str = Field(examples=["ok"])


class Problem(BaseModel):
    """What went wrong, and what to do."""

    error: str
