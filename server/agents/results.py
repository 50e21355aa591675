"""What the tools for agents return, as they see it: the schemas come from these classes."""

from __future__ import annotations

from pydantic import BaseModel

from ...engine.records import Mode


class FoundPage(BaseModel, frozen=True):
    """One hit. `score` is 0..1, `page` counts from 1, and `label` is the page's number as its document has it, "" where
    that is the same. `lines` are the first and the last line of a text or source file that the page shows, None for
    other documents. `title` and `modified` are the document's. `snippet` is the passage of the text that matches, None
    if the page has no text layer; then `recognised` are the words of the query that were seen on the page. `ocr_engine`
    is the program that read the text by OCR, "" for that of a text layer.

    `copies` is how many other documents are the same file; `also` are some of their paths. `collection` is where the
    page is, "" where there is one only.
    """

    rank: int
    score: float
    path: str
    page: int
    doc_id: str
    copies: int
    also: list[str]
    label: str
    title: str
    modified: str
    snippet: str | None
    recognised: list[str]
    collection: str = ""
    lines: tuple[int, int] | None = None
    ocr_engine: str = ""


class Found(BaseModel, frozen=True):
    """The result of `search`, best page first.

    `note` says why an answer is weak or empty, and what to try; "" for a good one. `confidence` is the probability that
    the first hit is right, None where it is not known. If it is too low, `no_good_match` is true, and the hits are only
    the closest pages. `unread_letters` are letters of the query in scripts that the search does not read. `corrections`
    are words of the query that no page has, each with the word that was searched for instead; `missing_phrases` are
    phrases in quotes that no page has, whose words were searched for one by one.
    """

    note: str
    hits: list[FoundPage]
    confidence: float | None
    no_good_match: bool
    unread_letters: str
    corrections: dict[str, str]
    missing_phrases: list[str]
    mode: Mode


class ListedDocument(BaseModel, frozen=True):
    """One document of the index, and its number of pages.

    `unread` counts the places with content that was not read, by kind: "attachment" (a file in the PDF), "comment",
    "dynamic form", "small print", "frames" or "crowded". `collection` is as in `FoundPage`.
    """

    doc_id: str
    path: str
    pages: int
    unread: dict[str, int]
    collection: str = ""


class Listed(BaseModel, frozen=True):
    """The result of `list_documents`: some of the `total` matching documents, in path order."""

    total: int
    documents: list[ListedDocument]


class CountedValue(BaseModel, frozen=True):
    """A value of a column, and how many documents with how many pages have it."""

    value: str | float | bool
    documents: int
    pages: int


class CountedColumn(BaseModel, frozen=True):
    """A column: its `type`, how many `documents` have a value, how many have none (`without`), the most frequent
    `values` and how many `more` there are. `least` and `most` are the extremes of numbers and dates.
    """

    column: str
    type: str
    documents: int
    without: int
    values: list[CountedValue]
    more: int
    least: str | float | None
    most: str | float | None


class Facets(BaseModel, frozen=True):
    """The result of `facets`."""

    columns: list[CountedColumn]


class Indexed(BaseModel, frozen=True):
    """The result of `index_folder`.

    Unless `finished`, the time of one call was over: call it again, and it continues. `documents` and `pages` were
    added or replaced by this call (unless it `finished`, unchanged documents count, too), `unchanged` documents were
    not read, and `waiting` are left for the next call. `failed` documents or pages could not be read, with the reasons
    of the first ones in `failures`. `outside` files were left out because they are links to places outside the folders
    that may be indexed.
    """

    finished: bool
    documents: int
    pages: int
    unchanged: int
    waiting: int
    failed: int
    failures: list[str]
    outside: int
