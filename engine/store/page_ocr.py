"""The pages that OCR read, with the words that it found and their places.

The text is in the catalog beside that of text layers; this tells which texts are OCR's, and where their words are, for
no document says that. The table is made with the first such page. Earlier versions of docsearch neither know nor read
it. A trigger, which SQLite runs for those versions too, deletes the row of a page that is removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ocr_text import OcrText
from ..records import BOX_SCALE, PageWords

IN_ONE_QUERY = 500
"""Pages that one statement asks for: SQLite limits the number of its values."""

BOX_BYTES = 8
"""The box of a word: x0, y0, x1, y1 in uint16, the lower byte first."""
FAILED = ""
"""The engine of a page that none could read."""
WHITE_SPACE = " \t\n\r\f\v"

Query = Callable[..., list[Any]]
EXISTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'page_ocr'"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS page_ocr (
        page INTEGER PRIMARY KEY REFERENCES pages, engine TEXT NOT NULL, words TEXT NOT NULL, boxes BLOB NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS ocr_page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_ocr WHERE page = OLD.key; END""",
)


def write(connection: sqlite3.Connection, page: int, found: OcrText) -> None:
    """Record what OCR read on the page with this key. Expects an open transaction."""
    for statement in SCHEMA:
        connection.execute(statement)
    words = "\n".join(found.words.texts).encode("utf-8", "replace").decode()
    boxes = np.rint(found.words.boxes.clip(0, 1) * BOX_SCALE).astype("<u2").tobytes()
    connection.execute(
        "INSERT OR REPLACE INTO page_ocr (page, engine, words, boxes) VALUES (?, ?, ?, ?)",
        (page, found.engine, words, boxes),
    )


def read_engines(query: Query, pages: Sequence[int]) -> list[str]:
    """What read each of the pages with these keys, in their order, "" where OCR did not; `query` runs a statement with
    its values, and returns the rows.
    """
    if not pages or not query(EXISTS)[0][0]:
        return [""] * len(pages)
    found: dict[int, str] = {}
    for start in range(0, len(pages), IN_ONE_QUERY):
        asked = pages[start : start + IN_ONE_QUERY]
        places = ", ".join("?" * len(asked))
        found |= dict(query(f"SELECT page, engine FROM page_ocr WHERE page IN ({places})", *asked))
    return [found.get(page, "") for page in pages]


def read_words(query: Query, page: int) -> PageWords | None:
    """The words of the page with this key that OCR read; None where the page's text is not OCR's."""
    if not query(EXISTS)[0][0]:
        return None
    rows = query("SELECT words, boxes FROM page_ocr WHERE page = ? AND words <> ''", page)
    if not rows:
        return None
    ((words, stored),) = rows
    texts = tuple(words.split("\n"))
    if len(stored) != BOX_BYTES * len(texts):  # damaged: the page's picture is marked alone
        return None
    boxes = np.frombuffer(stored, "<u2").reshape(-1, 4)
    return PageWords(texts, (boxes / np.float32(BOX_SCALE)).astype(np.float32))


def engine_of(connection: sqlite3.Connection, doc_id: str) -> str:
    """What read words on the first page of a document on which OCR did; "" where it read none."""
    if not is_read(connection):
        return ""
    row = connection.execute(
        "SELECT engine FROM documents JOIN pages ON pages.document = documents.key JOIN page_ocr ON page_ocr.page = "
        "pages.key WHERE documents.id = ? AND words <> '' ORDER BY number LIMIT 1",
        (doc_id,),
    ).fetchone()
    return "" if row is None else str(row[0])


def without_version(engine: str) -> str:
    """An engine and its languages without its version.

    >>> without_version("Tesseract 5.3.0, deu+eng"), without_version("RapidOCR 3.10.0")
    ('Tesseract, deu+eng', 'RapidOCR')
    """
    program, comma, languages = engine.partition(", ")
    return f"{program.partition(' ')[0]}{comma}{languages}"


def is_read(connection: sqlite3.Connection) -> bool:
    """Whether OCR read any page."""
    return bool(connection.execute(EXISTS).fetchone()[0])


def documents_to_read(connection: sqlite3.Connection, reader: str, *, failed: bool) -> set[str]:
    """The paths of complete documents with a page that has no text, unless `reader`, an engine without its version,
    looked for some already; or with one that another engine or language read; or, if `failed`, that OCR failed to read.
    """
    joined = "documents JOIN pages ON pages.document = documents.key JOIN page_text ON page_text.rowid = pages.key"
    if not is_read(connection):
        query = f"SELECT DISTINCT path FROM {joined} WHERE state = 'done' AND trim(text, ?) = ''"
        return {path for (path,) in connection.execute(query, (WHITE_SPACE,))}
    found = connection.execute(
        f"SELECT path, engine FROM {joined} LEFT JOIN page_ocr ON page_ocr.page = pages.key "
        "WHERE state = 'done' AND (engine IS NOT NULL OR trim(text, ?) = '') GROUP BY path, engine",
        (WHITE_SPACE,),
    )
    return {
        path
        for path, engine in found
        if engine is None or (failed if engine == FAILED else without_version(engine) != reader)
    }
