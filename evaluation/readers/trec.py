"""TREC files: qrels, "qid 0 docid grade", and topics, "qid<TAB>question".

A docid is a page as `docsearch batch -o run.trec` writes it, "path#page" with white space and "%" percent-encoded, or
a whole document without "#page".
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote

from ...engine.errors import UsageError
from ...engine.printable import printable
from ..questions import Judgement, Questions
from . import lines, rows

QRELS_FIELDS = 4
PAGE = re.compile(rf"(.+)#([1-9][0-9]{{0,{rows.PAGE_DIGITS_MAX - 1}}})")


def field(text: str) -> str:
    """Text as one field of a TREC line: white space, control characters and "%" are percent-encoded."""
    return printable(re.sub(r"[\s%\x00-\x1f\x7f-\x9f]", lambda match: quote(match[0]), text))


def docid(path: str, page: int | None) -> str:
    """The docid of a page, or of a document as a whole.

    >>> docid("annual report.pdf", 3), docid("lease.pdf", None)
    ('annual%20report.pdf#3', 'lease.pdf')
    """
    return field(path) if page is None else f"{field(path)}#{page}"


def judgement(text: str, grade: int) -> Judgement:
    """What a docid names, with its grade.

    >>> judgement("annual%20report.pdf#3", 1)
    Judgement(path='annual report.pdf', page=3, grade=1, boxes=())
    """
    found = PAGE.fullmatch(text)
    path, page = (found[1], int(found[2])) if found else (text, None)
    return Judgement(unquote(path), page, grade)


def read(qrels: Path, topics: Path) -> Questions:
    """Read qrels, and the questions of the `topics`. Raises UsageError with the line number."""
    if qrels.is_dir():
        raise UsageError(f"{qrels}: a folder; with --topics, qrels are a file")
    texts = read_topics(topics)
    found = {
        query_id: rows.MergedQuestion(query_id, text, None, inside=False, where=where)
        for query_id, (text, where) in texts.items()
    }
    for number, line in lines.numbered(qrels):
        where = f"{qrels}:{number}"
        fields = line.split()
        if len(fields) != QRELS_FIELDS:
            raise UsageError(
                f"{where}: qrels have {QRELS_FIELDS} fields, qid 0 docid grade; this line has {len(fields)}"
            )
        query_id, _, name, grade = fields
        if query_id not in found:
            raise UsageError(f"{where}: the question '{query_id}' is not in {topics}")
        try:
            rows.judge(found[query_id], judgement(name, rows.grade_of(grade)))
        except rows.BadRow as err:
            raise UsageError(f"{where}: {err}") from err
    return rows.finish(str(qrels), found.values())


def read_topics(file: Path) -> dict[str, tuple[str, str]]:
    """The questions of a topics file, and where each was read, by their ids. Raises UsageError."""
    found: dict[str, tuple[str, str]] = {}
    for number, line in lines.numbered(file):
        query_id, tab, text = line.partition("\t")
        if not tab or not query_id.strip() or not text.strip():
            raise UsageError(f"{file}:{number}: expected an id, a tab and a question")
        if query_id.strip() in found:
            raise UsageError(f"{file}:{number}: the id '{query_id.strip()}' is also at {found[query_id.strip()][1]}")
        found[query_id.strip()] = text.strip(), f"{file}:{number}"
    return found


def looks_like_qrels(file: Path) -> bool:
    """Whether the first line of a file has as many fields as qrels have."""
    try:
        return len(next(iter(lines.numbered(file)), (0, ""))[1].split()) == QRELS_FIELDS
    except UsageError:
        return False
