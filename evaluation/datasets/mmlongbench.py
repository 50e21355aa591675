"""MMLongBench-Doc as it was published: PDF files in documents/, and a table of questions with their evidence pages.

Ma et al., "MMLongBench-Doc: benchmarking long-context document understanding with visualizations", 2024.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ...engine.errors import UsageError
from .card import Tables
from .collection import Corpus, CorpusPage, DatasetQuery, Subset
from .parquet import Table, as_id, as_text

DOCUMENTS = "documents"
COLUMNS = ("doc_id", "question", "evidence_pages")
KINDS: tuple[str, ...] = ("evidence_sources", "doc_type")
"""Columns by which results can be grouped."""


def is_mmlongbench(folder: Path, tables: Tables) -> bool:
    """Whether a folder has documents/, and one table with questions and evidence pages."""
    if len(tables) != 1 or not (folder / DOCUMENTS).is_dir():
        return False
    ((splits,),) = [tables.values()]
    return set(COLUMNS) <= set(Table(next(iter(splits.values()))).columns())


def read(folder: Path, tables: Tables) -> tuple[Subset, ...]:
    """The one subset: a page is `file#number`, counting from 1, and a question is asked inside its document.

    Raises UsageError. Questions that the documents do not answer have no evidence page, and are left out.
    """
    ((splits,),) = [tables.values()]
    table = Table(next(iter(splits.values())))
    kinds = [name for name in KINDS if name in table.columns()]
    queries = []
    unjudged = 0
    for number, row in table.rows([*COLUMNS, *kinds]):
        where = f"{table.where}, row {number}"
        document = as_id(row["doc_id"], where, "name of the document")
        numbers = [page for page in _numbers(row["evidence_pages"], where) if page >= 1]
        text = as_text(row["question"], where, "question")
        if not numbers or not text.strip():
            unjudged += 1
            continue
        columns = {name: values for name in kinds if (values := _texts(row[name]))}
        grades = {f"{document}#{page}": 1 for page in numbers}
        queries.append(DatasetQuery(str(number), text, grades, "english", document, columns=columns))
    if not queries:
        raise UsageError(f"{table.where}: no question has an evidence page")
    return (Subset("", Corpus((), _no_pictures, documents=folder / DOCUMENTS), tuple(queries), unjudged),)


def _no_pictures() -> Iterator[CorpusPage]:
    return iter(())


def _numbers(value: object, where: str) -> list[int]:
    """The page numbers of a list, or of one that is written out as text: "[3, 5]"."""
    numbers = _literal(value, where) if isinstance(value, str) else value
    if numbers is None:
        return []
    if not isinstance(numbers, list) or not all(isinstance(page, int) for page in numbers):
        raise UsageError(f"{where}: the evidence pages are {value!r}, not a list of numbers")
    return numbers


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str) and value.startswith("["):
        value = _literal(value, "")
    if isinstance(value, list):
        return tuple(str(each) for each in value)
    return (value,) if isinstance(value, str) and value else ()


def _literal(text: str, where: str) -> object:
    try:
        return ast.literal_eval(text.strip() or "[]")
    except (ValueError, SyntaxError, MemoryError, RecursionError) as err:
        if not where:
            return text
        raise UsageError(f"{where}: the evidence pages are {text!r}, not a list of numbers") from err
