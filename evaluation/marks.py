"""Hits that people marked as right or wrong in `docsearch serve`: kept with the index, used as questions.

`marks.jsonl` in the index has one object per line, the latest mark of each query and page:
{"query": …, "path": …, "page": …, "doc_id": …, "right": true or false, "time": …}. It is replaced as a whole, and
synced, before a mark is acknowledged.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..engine.errors import UsageError
from ..engine.printable import json_line
from ..engine.records import PageRef
from ..engine.store import layout, links, open_snapshot, os_errors
from ..engine.store.durable import atomic_file
from ..engine.store.locks import FileLock
from ..indexer import source_folders
from .questions import Questions
from .readers import jsonl, rows

MARKS_MAX = 20_000
"""Marks of one index. The file is written again for each."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether the page of a document answers a query. `time` is when it was marked, ISO 8601 in UTC."""

    query: str
    path: str
    page: int
    doc_id: str
    right: bool
    time: str

    @property
    def key(self) -> tuple[str, str, int]:
        """What can be marked once."""
        return self.query, self.doc_id, self.page


def read(directory: Path) -> list[Mark]:
    """The marks of the index in `directory`, in the order in which queries and pages were first marked.

    Raises UsageError with the line number of what is no mark, and what reading the disk raises.
    """
    file = directory / layout.MARKS
    if not file.exists():
        return []
    return [_mark(row, f"{file}:{number}") for number, row in jsonl.objects(file)]


def set_mark(directory: Path, query: str, ref: PageRef, *, right: bool | None) -> None:
    """Mark a page as the right or a wrong answer to a query, or, for None, as neither; durable when it returns.

    Waits for other processes that write marks. Raises UsageError, also for a blank query, StorageFull or StorageFailed.
    """
    query = " ".join(query.split())
    if not query:
        raise UsageError("the query is empty: there is nothing that a page could answer")
    links.refuse(directory, to_write=True)
    with os_errors.translated(directory):
        lock = FileLock(directory / layout.MARKS_LOCK, blocking=True)
        try:
            marks = {mark.key: mark for mark in read(directory)}
            key = query, ref.doc_id, ref.page
            if right is None:
                marks.pop(key, None)
            else:
                time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
                marks[key] = Mark(query, ref.path, ref.page, ref.doc_id, right, time)
            if len(marks) > MARKS_MAX:
                raise UsageError(
                    f"there are {MARKS_MAX:,} marks already; export them with 'docsearch eval --from-marks'"
                )
            with atomic_file(directory / layout.MARKS, follow_links=False) as temporary:
                lines = (json_line(asdict(mark)) + "\n" for mark in marks.values())
                temporary.write_text("".join(lines), "utf-8", newline="\n")
        finally:
            lock.release()


def export(directory: Path) -> list[dict[str, Any]]:
    """A row for each page that was marked right, for `docsearch eval` and for `docsearch train`.

    `path` and `page` are the answer; `image` is the file of the document, where it is still there, and `negatives` the
    pages that were marked wrong for the same query. Raises UsageError if nothing was marked right.
    """
    marks = read(directory)
    if not any(mark.right for mark in marks):
        raise UsageError(f"{directory}: no hit was marked right; mark hits in the viewer of 'docsearch serve'")
    roots = source_folders.recorded(directory)
    with open_snapshot(directory) as snapshot:
        documents = {mark.doc_id: snapshot.document(doc_id=mark.doc_id) for mark in marks}
    paths = {doc_id: document.path for doc_id, document in documents.items() if document is not None}
    wrong_of: dict[str, list[Mark]] = {}
    for mark in marks:
        if not mark.right:
            wrong_of.setdefault(mark.query, []).append(mark)
    found = []
    for mark in (mark for mark in marks if mark.right):
        row: dict[str, Any] = {"query": mark.query, "path": paths.get(mark.doc_id, mark.path), "page": mark.page}
        wrong = wrong_of.get(mark.query, [])
        negatives = [image for each in wrong if (image := _image(paths.get(each.doc_id), each.page, roots))]
        row |= _image(paths.get(mark.doc_id), mark.page, roots) or {}
        found.append({**row, "negatives": negatives, "marked": mark.time})
    return found


def questions(directory: Path) -> Questions:
    """The queries with a page that was marked right. Raises UsageError if there are none."""
    name = str(directory / layout.MARKS)
    return rows.merge(name, ((name, {**row, "marked": ""}) for row in export(directory)))


def _image(path: str | None, page: int, roots: tuple[Path, ...]) -> dict[str, Any] | None:
    """A page as `docsearch train` names it; None if its document is gone."""
    if path is None:
        return None
    try:
        return {"image": str(source_folders.locate(path, roots)), "page": page}
    except UsageError:
        return None


def _mark(row: dict[str, Any], where: str) -> Mark:
    kinds = {"query": str, "path": str, "page": int, "doc_id": str, "right": bool, "time": str}
    if any(not isinstance(row.get(name), kind) for name, kind in kinds.items()):
        example = json.dumps(dict.fromkeys(kinds, "…"), ensure_ascii=False)
        raise UsageError(f"{where}: not a mark like {example}")
    return Mark(**{name: row[name] for name in kinds})
