"""Benchmarks in three tables, corpus, queries and qrels: ViDoRe v1, v2 and v3, Jina-VDR, mteb's re-uploads, HF BEIR.

They differ in the names of tables and columns and in whether ids are numbers; they agree on what the tables mean. Each
language or domain of some of them has three tables of its own: `english-corpus`, `corpus-en` or `en/corpus`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import UsageError
from ...engine.records import FloatBox
from .card import PREFERRED_SPLIT, Tables, split_files
from .collection import Corpus, CorpusPage, DatasetQuery, Subset, share_equal_corpora
from .languages import is_language, language_name
from .parquet import PICTURE_ROWS, Table, as_grade, as_id, as_picture, as_text, as_texts

BEFORE = re.compile(r"(?:(?P<subset>.+)[-/_])?(?P<role>corpus|queries|query|qrels|images)")
AFTER = re.compile(r"(?P<role>corpus|queries|query|qrels|images)-(?P<subset>.+)")
NO_SUBSET = ("default", "data")
"""Folders that are not the name of a language or a domain."""


@dataclass(frozen=True, slots=True)
class Grades:
    """The judgements of one query: `grades` and `pixel_boxes` by page id."""

    grades: dict[str, int]
    pixel_boxes: dict[str, tuple[FloatBox, ...]]


def roles(tables: Tables) -> dict[str, dict[str, str]]:
    """Subset -> "corpus", "queries" or "qrels" -> configuration, of the configurations that are such tables.

    >>> roles({"english-corpus": {}, "queries-de": {}, "fr/qrels": {}, "corpus": {}, "default": {}})
    {'english': {'corpus': 'english-corpus'}, 'de': {'queries': 'queries-de'}, 'fr': {'qrels': 'fr/qrels'}, \
'': {'corpus': 'corpus', 'qrels': 'default'}}
    """
    found: dict[str, dict[str, str]] = {}
    for config in tables:
        if match := AFTER.fullmatch(config) or BEFORE.fullmatch(config):
            subset, role = match["subset"] or "", match["role"]
            subset = "" if subset in NO_SUBSET else subset
            found.setdefault(subset, {}).setdefault("queries" if role == "query" else role, config)
    if "default" in tables and "qrels" not in found.get("", {}):
        found.setdefault("", {})["qrels"] = "default"
    return found


def is_beir(tables: Tables) -> bool:
    """Whether these are tables that `read` reads."""
    return any({"corpus", "queries"} <= set(its) for its in roles(tables).values())


def read(folder: Path, tables: Tables, *, split: str = PREFERRED_SPLIT, with_text: bool = False) -> tuple[Subset, ...]:
    """The subsets of a benchmark in `folder`; pages have texts only `with_text`. Raises UsageError.

    Queries without a relevant page are left out; judgements of unknown queries are too, because the qrels of one
    language may hold those of all.
    """
    subsets = []
    by_role = roles(tables)
    for name, configs in sorted(by_role.items()):
        if not name and "queries" not in configs and len(by_role) > 1:
            continue  # tables that those of the languages share, or no tables of a benchmark
        configs = {**{role: by_role[""][role] for role in ("corpus",) if role in by_role.get("", {})}, **configs}
        for role in ("corpus", "queries", "qrels"):
            if role not in configs:
                of = f" of '{name}'" if name else ""
                raise UsageError(f"{folder}: no table of {role}{of}; the tables are {', '.join(sorted(tables))}")
        split_of = {role: Table(split_files(tables, config, split, folder)) for role, config in configs.items()}
        subsets.append(_subset(name, split_of, with_text=with_text))
    return share_equal_corpora(subsets) if len(subsets) > 1 else tuple(subsets)


def _subset(name: str, tables: Mapping[str, Table], *, with_text: bool) -> Subset:
    if "images" in tables:
        corpus = read_corpus_with_images(tables["corpus"], tables["images"], with_text=with_text)
    else:
        corpus = read_corpus(tables["corpus"], with_text=with_text)
    judged = read_qrels(tables["qrels"])
    kept, unjudged = [], 0
    for query in read_queries(tables["queries"], language_name(name) if is_language(name) else ""):
        found = judged.get(query.query_id)
        if found is None or max(found.grades.values()) <= 0 or not query.text.strip():
            unjudged += 1
            continue
        kept.append(
            DatasetQuery(
                query.query_id,
                query.text,
                found.grades,
                query.language,
                columns=query.columns,
                pixel_boxes=found.pixel_boxes,
            )
        )
    if not kept:
        raise UsageError(f"{tables['qrels'].where}: judges none of the queries in {tables['queries'].where}")
    return Subset(name, corpus, tuple(kept), unjudged)


def read_corpus(table: Table, *, with_text: bool) -> Corpus:
    """The pages of a corpus table. Raises UsageError."""
    id_column, picture_column = table.required("page id"), table.required("picture")
    text_column = table.column("page text") if with_text else None
    ids = _unique_ids(table, id_column, "page id")

    def pages() -> Iterator[CorpusPage]:
        optional = [] if text_column is None else [text_column]
        for number, row in table.rows([id_column, picture_column, *optional], batch_rows=PICTURE_ROWS):
            where = f"{table.where}, row {number}"
            text = "" if text_column is None else as_text(row[text_column], where, "page text")
            yield CorpusPage(as_id(row[id_column], where, "page id"), as_picture(row[picture_column], where), text)

    return Corpus(ids, pages, has_text=text_column is not None)


def read_corpus_with_images(table: Table, images: Table, *, with_text: bool) -> Corpus:
    """The pages of a corpus whose pictures lie in a table of their own, by name (MIRACL-Vision). Raises UsageError.

    Pages are in the order of the pictures; pictures that no page names are left out.
    """
    id_column, reference_column = table.required("page id"), table.required("name of the picture")
    name_column, picture_column = images.required("name of the picture"), images.required("picture")
    text_column = table.column("page text") if with_text else None
    optional = [] if text_column is None else [text_column]
    page_of: dict[str, tuple[str, str]] = {}  # name of a picture -> page id and text
    for number, row in table.rows([id_column, reference_column, *optional]):
        where = f"{table.where}, row {number}"
        text = "" if text_column is None else as_text(row[text_column], where, "page text")
        name = as_id(row[reference_column], where, "name of the picture")
        page_of[name] = as_id(row[id_column], where, "page id"), text
    names = [name for name in _unique_ids(images, name_column, "name of the picture") if name in page_of]
    missing = page_of.keys() - set(names)
    if missing:
        raise UsageError(f"{images.where}: no picture {min(missing)}, which {table.where} names")

    def pages() -> Iterator[CorpusPage]:
        for number, row in images.rows([name_column, picture_column], batch_rows=PICTURE_ROWS):
            where = f"{images.where}, row {number}"
            name = as_id(row[name_column], where, "name of the picture")
            if name in page_of:
                page_id, text = page_of[name]
                yield CorpusPage(page_id, as_picture(row[picture_column], where), text)

    return Corpus(tuple(page_of[name][0] for name in names), pages, has_text=text_column is not None)


def read_queries(table: Table, language: str) -> Iterator[DatasetQuery]:
    """The queries of a table, without judgements; `language` where no column tells it. Raises UsageError."""
    id_column, text_column = table.required("query id"), table.required("query")
    language_column = table.column("language")
    kinds = {name: column for name in ("query types", "content type") if (column := table.column(name)) is not None}
    optional = [column for column in (language_column, *kinds.values()) if column is not None]
    seen: dict[str, str] = {}
    for number, row in table.rows([id_column, text_column, *optional]):
        where = f"{table.where}, row {number}"
        query_id = as_id(row[id_column], where, "query id")
        text = as_text(row[text_column], where, "query")
        if query_id in seen:
            if seen[query_id] != text:
                raise UsageError(f"{where}: a second query with the id {query_id}")
            continue
        seen[query_id] = text
        told = as_text(row[language_column], where, "language") if language_column else ""
        facts = {name.replace(" ", "_"): as_texts(row[column]) for name, column in kinds.items()}
        columns = {name: values for name, values in facts.items() if values}
        yield DatasetQuery(query_id, text, {}, language_name(told) if told else language, columns=columns)


def read_qrels(table: Table) -> dict[str, Grades]:
    """The judgements of a table by query id; a missing grade column means that all are 1. Raises UsageError.

    Of several rows for a query and a page, as several annotators leave them, the highest grade and all boxes count.
    """
    query_column, page_column = table.required("query id"), table.column("page id")
    if page_column in (None, query_column):
        page_column = next((name for name in ("corpus-id", "corpus_id", "docid") if name in table.columns()), None)
    if page_column is None:
        raise UsageError(f"{table.where}: no column for the page id; the columns are {', '.join(table.columns())}")
    grade_column, box_column = table.column("grade"), table.column("boxes")
    optional = [column for column in (grade_column, box_column) if column is not None]
    judged: dict[str, Grades] = {}
    for number, row in table.rows([query_column, page_column, *optional]):
        where = f"{table.where}, row {number}"
        found = judged.setdefault(as_id(row[query_column], where, "query id"), Grades({}, {}))
        page_id = as_id(row[page_column], where, "page id")
        grade = 1 if grade_column is None else as_grade(row[grade_column], where)
        found.grades[page_id] = max(grade, found.grades.get(page_id, grade))
        if box_column is not None and (boxes := _boxes(row[box_column], where)):
            found.pixel_boxes[page_id] = (*found.pixel_boxes.get(page_id, ()), *boxes)
    return judged


def _unique_ids(table: Table, column: str, what: str) -> tuple[str, ...]:
    ids: dict[str, int] = {}
    for number, row in table.rows([column]):
        where = f"{table.where}, row {number}"
        its_id = as_id(row[column], where, what)
        if its_id in ids:
            raise UsageError(f"{where}: the {what} {its_id} is that of row {ids[its_id]} already")
        ids[its_id] = number
    if not ids:
        raise UsageError(f"{table.where}: the corpus is empty")
    return tuple(ids)


def _boxes(value: object, where: str) -> tuple[FloatBox, ...]:
    """Boxes x0, y0, x1, y1 of a list of {x1, y1, x2, y2}; those without an extent are left out."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise UsageError(f"{where}: the bounding boxes are not a list")
    found = []
    for each in value:
        try:
            x0, y0, x1, y1 = (float(each[name]) for name in ("x1", "y1", "x2", "y2"))
        except (TypeError, KeyError, ValueError) as err:
            raise UsageError(f"{where}: a bounding box without x1, y1, x2 and y2") from err
        if x1 > x0 and y1 > y0 and all(map(math.isfinite, (x0, y0, x1, y1))):
            found.append((x0, y0, x1, y1))
    return tuple(found)
