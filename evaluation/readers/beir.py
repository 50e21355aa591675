"""A BEIR folder of questions: queries.jsonl, qrels/test.tsv, and optionally corpus.jsonl, which names documents.

An entry of the corpus is the page that its "path" and "page" name, or the picture that its "image" names. Without an
entry, an id is itself the name of a page, "path#page", or of a document.
"""

from __future__ import annotations

from pathlib import Path

from ...engine.errors import UsageError
from ..questions import Judgement, Questions
from . import jsonl, lines, rows, trec

SPLITS = ("test", "dev", "train")
QRELS_FIELDS = 3


def read(folder: Path) -> Questions:
    """Read a BEIR folder; of several splits the first of SPLITS. Raises UsageError with the line number."""
    queries = folder / "queries.jsonl"
    qrels = next((file for split in SPLITS if (file := folder / "qrels" / f"{split}.tsv").is_file()), None)
    if qrels is None or not queries.is_file():
        raise UsageError(f"{folder}: not a BEIR folder: it has no {'queries.jsonl' if qrels else 'qrels/test.tsv'}")
    pages = _pages(folder / "corpus.jsonl")
    found: dict[str, rows.MergedQuestion] = {}
    for number, row in jsonl.objects(queries):
        where = f"{queries}:{number}"
        try:
            query_id, text = rows.query_id_of(row), rows.query_of(row)
        except rows.BadRow as err:
            raise UsageError(f"{where}: {err}") from err
        if query_id is None or query_id in found:
            raise UsageError(f"{where}: the '_id' of the question is {'missing' if query_id is None else 'not unique'}")
        metadata = row.get("metadata")
        found[query_id] = rows.MergedQuestion(query_id, text, None, inside=False, where=where)
        found[query_id].columns = rows.columns_of({**row, **(metadata if isinstance(metadata, dict) else {})})
    for number, line in lines.numbered(qrels):
        fields = line.split("\t")
        where = f"{qrels}:{number}"
        if len(fields) != QRELS_FIELDS:
            raise UsageError(
                f"{where}: expected query-id, corpus-id and score with tabs between, found {len(fields)} fields"
            )
        if number == 1 and not fields[2].strip().lstrip("-").replace(".", "").isdigit():
            continue  # the header
        query_id, name, grade = (each.strip() for each in fields)
        if query_id not in found:
            raise UsageError(f"{where}: the question '{query_id}' is not in {queries}")
        try:
            path, page = pages.get(name) or _place(name)
            rows.judge(found[query_id], Judgement(path, page, rows.grade_of(grade)))
        except rows.BadRow as err:
            raise UsageError(f"{where}: {err}") from err
    return rows.finish(str(folder), found.values())


def _place(name: str) -> tuple[str, int | None]:
    judged = trec.judgement(name, 1)
    return judged.path, judged.page


def _pages(corpus: Path) -> dict[str, tuple[str, int | None]]:
    """The document and page of each corpus entry that names them; {} without a corpus."""
    found: dict[str, tuple[str, int | None]] = {}
    if not corpus.is_file():
        return found
    for number, row in jsonl.objects(corpus):
        try:
            name, path, image = rows.query_id_of(row), row.get("path"), row.get("image")
            if name is not None and isinstance(path, str) and path:
                found[name] = path, None if row.get("page") is None else rows.page_number(row["page"])
            elif name is not None and isinstance(image, str) and image:
                found[name] = image, 1
        except rows.BadRow as err:
            raise UsageError(f"{corpus}:{number}: {err}") from err
    return found
