"""MMDocIR as it was published: a table of page pictures, and one line of annotations for each document.

Dong et al., "MMDocIR: benchmarking multi-modal retrieval for long documents", 2025. Its questions are asked inside
their document; mteb's re-upload, which `beir_tables` reads, asks them over all documents of a domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ...engine.records import FloatBox
from ..readers import jsonl
from .collection import Corpus, CorpusPage, DatasetQuery, Subset
from .parquet import PICTURE_ROWS, Table, as_id, as_picture, as_text

ANNOTATIONS, PAGES = "MMDocIR_annotations.jsonl", "MMDocIR_pages.parquet"


def is_mmdocir(folder: Path) -> bool:
    """Whether a folder has the annotations of MMDocIR."""
    return (folder / ANNOTATIONS).is_file()


def read(folder: Path, *, with_text: bool = False) -> tuple[Subset, ...]:
    """The one subset: a page is called `document/page id`, and a question is asked inside its document.

    Raises UsageError. Questions without a labelled page are left out.
    """
    if not (folder / PAGES).is_file():
        raise UsageError(f"{folder}: {PAGES} is missing; the download is incomplete")
    table = Table((folder / PAGES,))
    document, passage, picture = (table.required(what) for what in ("document", "passage", "picture"))
    text_column = table.column("page text") if with_text else None
    ids: dict[str, None] = {}
    for number, row in table.rows([document, passage]):
        page_id = _page_id(row[document], row[passage], f"{table.where}, row {number}")
        if page_id in ids:
            raise UsageError(f"{table.where}, row {number}: a second page {page_id}")
        ids[page_id] = None

    def pages() -> Iterator[CorpusPage]:
        optional = [] if text_column is None else [text_column]
        for number, row in table.rows([document, passage, picture, *optional], batch_rows=PICTURE_ROWS):
            where = f"{table.where}, row {number}"
            text = "" if text_column is None else as_text(row[text_column], where, "page text")
            yield CorpusPage(_page_id(row[document], row[passage], where), as_picture(row[picture], where), text)

    queries: list[DatasetQuery] = []
    unjudged = 0
    for number, row in jsonl.objects(folder / ANNOTATIONS):
        where = f"{folder / ANNOTATIONS}:{number}"
        name = as_text(row.get("doc_name"), where, "doc_name")
        asked = row.get("questions")
        if not name or not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
            raise UsageError(f"{where}: no 'doc_name' with a list of 'questions'")
        for number, each in enumerate(asked, start=1):
            query = _query(name, str(row.get("domain") or ""), each, f"{name}#{number}", where)
            if query is None:
                unjudged += 1
            else:
                queries.append(query)
    if not queries:
        raise UsageError(f"{folder / ANNOTATIONS}: no question has a labelled page")
    return (Subset("", Corpus(tuple(ids), pages, has_text=text_column is not None), tuple(queries), unjudged),)


def _query(name: str, domain: str, asked: dict[str, Any], query_id: str, where: str) -> DatasetQuery | None:
    """One question with its pages and the boxes of its evidence; None without a page."""
    text = as_text(asked.get("Q"), where, "question 'Q'")
    labelled = asked.get("page_id")
    if not text.strip() or not isinstance(labelled, list):
        raise UsageError(f"{where}: a question without 'Q', or without a list 'page_id'")
    if not labelled:
        return None
    grades = {_page_id(name, page, where): 1 for page in labelled}
    boxes: dict[str, tuple[FloatBox, ...]] = {}
    for layout in asked.get("layout_mapping") or ():
        try:
            page_id = _page_id(name, layout["page"], where)
            width, height = (float(side) for side in layout["page_size"])
            x0, y0, x1, y1 = (float(side) for side in layout["bbox"])
        except (TypeError, KeyError, ValueError) as err:
            raise UsageError(f"{where}: a layout without 'page', 'page_size' and 'bbox'") from err
        if page_id in grades and width > 0 and height > 0:
            boxes[page_id] = (*boxes.get(page_id, ()), (x0 / width, y0 / height, x1 / width, y1 / height))
    columns = {name: (value,) for name, value in (("domain", domain), ("kind", str(asked.get("type") or ""))) if value}
    return DatasetQuery(query_id, text, grades, "english", f"{name}/*", columns=columns, boxes=boxes)


def _page_id(document: Any, passage: Any, where: str) -> str:
    return f"{as_id(document, where, 'document name')}/{as_id(passage, where, 'page id')}"
