"""What a condition on documents' columns costs among 100,000 pages: of 10,000 documents, and of 100,000."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from docsearch.engine.ranking.filters import PageFilter
from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
from docsearch.engine.store import IndexWriter, open_snapshot, open_writer
from docsearch.engine.store.column_values import ColumnType
from docsearch.engine.where.facets import count_facets

from ..setting import Refused, Row, Setting
from ..timing import summary_ms, timed

PAGES = 100_000
DOCUMENTS = (10_000, 100_000)
DIM = 8
RUNS = 30
TYPES: dict[str, ColumnType] = {"year": "number", "team": "text", "tag": "list", "due": "date"}
CONDITIONS = {
    "1 % of documents: team = 'team 7'": "team = 'team {n}'",
    "half of them: year >= 2010": "year >= 2010 and year < 20{n:02}00",
    "list and date: tag in (…) and due >= 2020": "tag in ('tag {n}', 'tag 3') and due >= 2020-01",
    "path and size: path like '%/report 1%' and size > 10": "path like '%/report 1{n}%' and size > 10",
    "not, or: not (author = … or has_text)": "not (author = 'author {n}' or has_text)",
    "README's: author, year and tag": "author = 'author {n}' and year >= 2010 and tag in ('tag 1', 'tag 2')",
}
"""What is measured, and the condition: `n` is another number each time, so that no answer is a remembered one."""


def run(setting: Setting) -> Iterator[Row]:
    """Write both indexes, compile and apply each condition RUNS times, and count facets."""
    setting.cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
        for documents in DOCUMENTS:
            index = Path(folder) / f"{documents}.index"
            yield {"what": "written", "documents": documents, "s": round(timed(partial(write, index, documents)), 1)}
            with open_snapshot(index) as snapshot:
                pages = PageFilter(snapshot)
                pages.rows(None, None, where="year = 1")  # reads the page table and builds the parser
                for what, condition in CONDITIONS.items():
                    yield {"what": what, "documents": documents, **_times(pages, condition, len(snapshot))}
                facets = [timed(partial(count_facets, pages.documents, ("team",), limit=20)) for _ in range(RUNS)]
                yield {"what": "facets of one column", "documents": documents, **summary_ms(facets)}


def _times(pages: PageFilter, condition: str, total: int) -> Row:
    found, seconds, cpu = [], [], []
    for n in range(10, 10 + RUNS):
        asked = partial(pages.rows, None, None, where=condition.format(n=n))
        before = time.process_time()
        seconds.append(timed(asked))
        cpu.append(time.process_time() - before)
        rows = asked()
        if rows is None or len(rows) >= total:
            raise Refused(f"{condition} selects every page")
        found.append(len(rows))
    return {**summary_ms(seconds), "cpu_ms": round(float(np.median(cpu)) * 1000, 2), "pages": int(np.median(found))}


def write(directory: Path, documents: int) -> None:
    """Write an index of PAGES pages with one vector each, in documents of equal length, with columns."""
    pages = PAGES // documents
    rng = np.random.default_rng(1)
    with open_writer(directory, fingerprint={"name": "columns"}) as writer:
        for number in range(documents):
            path = f"folder {number % 100}/report {number}.pdf"
            begun = writer.begin_document(path, f"{number:064x}", 1000 + number, number * 10**12)
            refs = tuple(PageRef(begun.doc_id, path, i + 1) for i in range(pages))
            vectors = Ragged(rng.standard_normal((pages, DIM)).astype(np.float16), np.arange(pages + 1))
            boxes, single = np.zeros((pages, 4), np.uint16), np.zeros((pages, 0), np.float16)
            writer.add_pages(PagesToStore(PageVectors(refs, vectors, boxes, single), [""] * pages, np.ones((pages, 2))))
            properties = {"kind": "pdf", "author": f"Author {number % 500}", "has_text": number % 3 > 0}
            writer.record_properties(begun.doc_id, properties)
            writer.finish_document(begun.doc_id, pages)
        _give_columns(writer)


def _give_columns(writer: IndexWriter) -> None:
    tags = [f"Tag {i}" for i in range(50)]
    years = islice(cycle(range(2000, 2020)), PAGES)
    writer.record_metadata(
        {
            key: {
                "year": float(year),
                "team": f"Team {key % 100}",
                "tag": (tags[key % 50], tags[(key * 7 + 1) % 50]),
                "due": f"{2015 + key % 10}-0{key % 9 + 1}-15",
            }
            for key, year in zip(writer.document_keys(), years, strict=False)
        },
        TYPES,
    )
