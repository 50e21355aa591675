"""The older flavour of ViDoRe v1: one table, a row for each question and its page; rows without one are distractors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...engine.errors import UsageError
from .card import PREFERRED_SPLIT, Tables, split_files
from .collection import Corpus, CorpusPage, DatasetQuery, Subset
from .parquet import PICTURE_ROWS, Table, as_id, as_picture, as_text


def is_question_rows(tables: Tables) -> bool:
    """Whether this is one table with questions, pictures and the names of pictures."""
    if len(tables) != 1:
        return False
    ((splits,),) = [tables.values()]
    table = Table(next(iter(splits.values())))
    return all(table.column(what) is not None for what in ("query", "picture", "file name"))


def read(folder: Path, tables: Tables, *, split: str = PREFERRED_SPLIT, with_text: bool = False) -> tuple[Subset, ...]:
    """The one subset: each name of a picture is a page, and a question's page is that of its row. Raises UsageError.

    Equal questions in several rows are one question with several pages.
    """
    (config,) = tables
    table = Table(split_files(tables, config, split, folder))
    name_column, query_column = table.required("file name"), table.required("query")
    picture_column = table.required("picture")
    text_column = table.column("page text") if with_text else None
    text_column = None if text_column == query_column else text_column
    ids: dict[str, None] = {}
    grades: dict[str, dict[str, int]] = {}
    for number, row in table.rows([name_column, query_column]):
        where = f"{table.where}, row {number}"
        page_id = as_id(row[name_column], where, "name of the picture")
        ids[page_id] = None
        if query := as_text(row[query_column], where, "query").strip():
            grades.setdefault(query, {})[page_id] = 1
    if not grades:
        raise UsageError(f"{table.where}: no row has a query")

    def pages() -> Iterator[CorpusPage]:
        read_already: set[str] = set()
        optional = [] if text_column is None else [text_column]
        for number, row in table.rows([name_column, picture_column, *optional], batch_rows=PICTURE_ROWS):
            where = f"{table.where}, row {number}"
            page_id = as_id(row[name_column], where, "name of the picture")
            if page_id not in read_already:
                read_already.add(page_id)
                text = "" if text_column is None else as_text(row[text_column], where, "page text")
                yield CorpusPage(page_id, as_picture(row[picture_column], where), text)

    queries = tuple(DatasetQuery(str(i), query, its) for i, (query, its) in enumerate(grades.items(), start=1))
    return (Subset("", Corpus(tuple(ids), pages, has_text=text_column is not None), queries),)
