"""Answers of `docsearch batch` as CSV, TREC runs and Parquet, made from a file with an answer in JSON on each line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..engine.install import pyarrow
from ..engine.printable import printable
from .query_files import PARQUET_ROWS

HIT_KEYS = ("path", "page", "score", "doc_id", "also")
INDEX_KEY, LINES_KEY = "index", "lines"
"""Of hits where several indexes are searched together; of hits in text files."""
ANSWER_KEYS = ("confidence", "no_good_match", "unread_letters", "mode")
CSV_COLUMNS = ("query_id", "query", "rank", "score", "path", "page", "doc_id", "also", *ANSWER_KEYS)
FORMULA_STARTS = ("=", "+", "-", "@", "\t")
"""What spreadsheets take for the start of a formula (OWASP, "CSV injection", where CR is the sixth)."""
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
RUN_TAG = "docsearch"
"""The system's name in a TREC run, its last column."""
DETAIL_KEYS = ("label", "title", "modified", "snippet")
"""Columns of the details of hits, where answers have them."""


def _answers(lines: Path) -> Iterator[dict[str, Any]]:
    with lines.open("rb") as stream:
        for line in stream:
            yield json.loads(line)


def write_csv(lines: Path, file: Path) -> None:
    """One row per hit, which repeats what is known of the answer; a query without hits has one row.

    The column "also" has a JSON list of paths, or nothing. Text that a spreadsheet would take for a formula gets an
    apostrophe before it (`spreadsheet_cell`).
    """
    with file.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        several = [INDEX_KEY] if _has(lines, INDEX_KEY) else []
        lines_of_files = [LINES_KEY] if _has(lines, LINES_KEY) else []
        details = DETAIL_KEYS if _has(lines, *DETAIL_KEYS) else ()
        columns = [*CSV_COLUMNS, *details, *lines_of_files, *several]
        writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for answer in _answers(lines):
            query = {key: spreadsheet_cell(answer[key]) for key in ("query_id", "query", *ANSWER_KEYS)}
            for rank, hit in enumerate(answer["hits"], start=1):
                also = json.dumps([*map(printable, hit["also"])], ensure_ascii=False) if hit["also"] else ""
                index = {INDEX_KEY: spreadsheet_cell(printable(hit[INDEX_KEY]))} if INDEX_KEY in hit else {}
                path = spreadsheet_cell(printable(hit["path"]))
                told = {name: spreadsheet_cell(printable(text)) for name, text in _plain_details(hit).items()}
                shown = {LINES_KEY: "-".join(map(str, hit[LINES_KEY]))} if LINES_KEY in hit else {}
                its = {**shown, **index, **told}
                writer.writerow({**query, "rank": rank, **hit, "path": path, "also": also, **its})
            if not answer["hits"]:
                writer.writerow(query)


def _has(lines: Path, *keys: str) -> bool:
    """Whether any hit has one of the keys."""
    return any(key in hit for answer in _answers(lines) for hit in answer["hits"] for key in keys)


def _plain_details(hit: Mapping[str, Any]) -> dict[str, str]:
    """The details of a hit as texts; empty if it has none."""
    from .hit_output import plain_snippet

    return {name: plain_snippet(hit) if name == "snippet" else hit[name] for name in DETAIL_KEYS if name in hit}


def spreadsheet_cell(value: object) -> object:
    """A cell that no spreadsheet runs: text that begins with = + - @ or a tab gets an apostrophe; numbers stay.

    >>> spreadsheet_cell("=HYPERLINK(A1)"), spreadsheet_cell("-1.5"), spreadsheet_cell("revenue")
    ("'=HYPERLINK(A1)", '-1.5', 'revenue')
    """
    if not isinstance(value, str):
        return value
    value = value.replace("\r", "\\r")  # before Python 3.13, the module csv does not quote it
    return f"'{value}" if value.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(value) else value


def write_trec(lines: Path, file: Path) -> None:
    """One line per hit, as trec_eval reads them; a query without hits has none."""
    from ..evaluation.readers import trec

    with file.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        for answer in _answers(lines):
            query = trec.field(str(answer["query_id"]))
            for rank, hit in enumerate(answer["hits"], start=1):
                index = f"{trec.field(hit[INDEX_KEY])}/" if INDEX_KEY in hit else ""
                page = f"{index}{trec.docid(hit['path'], hit['page'])}"
                stream.write(f"{query} Q0 {page} {rank} {hit['score']:.6f} {RUN_TAG}\n")


def write_parquet(lines: Path, file: Path) -> None:
    """One row per query, with a list of its hits. Raises UsageError where pyarrow is not installed."""
    pa, parquet = pyarrow()
    types = (pa.string(), pa.int32(), pa.float32(), pa.string(), pa.list_(pa.string()))
    index = [(INDEX_KEY, pa.string())] if _has(lines, INDEX_KEY) else []
    shown = [(LINES_KEY, pa.list_(pa.int32()))] if _has(lines, LINES_KEY) else []
    details = [(name, pa.string()) for name in DETAIL_KEYS] if _has(lines, *DETAIL_KEYS) else []
    hits = pa.list_(pa.struct([*zip(HIT_KEYS, types, strict=True), *index, *shown, *details]))
    about = zip(ANSWER_KEYS, (pa.float32(), pa.bool_(), pa.string(), pa.string()), strict=True)
    schema = pa.schema([("query_id", pa.string()), ("query", pa.string()), *about, ("hits", hits)])
    with parquet.ParquetWriter(file, schema) as writer:
        rows: list[dict[str, object]] = []
        for answer in _answers(lines):
            told = [hit | _plain_details(hit) for hit in answer["hits"]]
            rows.append({**answer, "query_id": str(answer["query_id"]), "hits": told})
            if len(rows) == PARQUET_ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()
        writer.write_table(pa.Table.from_pylist(rows, schema))
