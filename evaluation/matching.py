"""Finds the documents and pages that questions name in an index.

A name is the path of a document in the index; else, with "/" for each backslash, the end of exactly one such path, from
a "/" on: "lease.pdf" for "contracts/lease.pdf". If nothing has that name, case and Unicode's normal form are ignored.
Documents with the same content count as one, whatever their paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import normalize

import numpy as np

from ..engine.errors import UsageError
from ..engine.printable import printable
from ..engine.records import Hit
from ..engine.store import Snapshot
from .questions import Judgement, Question
from .readers.trec import docid

PATHS_SHOWN = 3
"""Paths listed in a message about an ambiguous name."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The judgements of a question by their ids in a run, and the filter of its search.

    `grades` holds every judgement, those of pages that are not in the index as well: they cannot be found, and count.
    `missing` are the relevant ones of these. `judgements` has the judgement of each id, with its path in the index.
    """

    grades: dict[str, int]
    judgements: dict[str, Judgement]
    missing: tuple[Judgement, ...]
    path: str | None


class IndexNames:
    """The names of the documents and pages of one snapshot. With `all_copies`, copies are different documents."""

    def __init__(self, snapshot: Snapshot, *, all_copies: bool = False) -> None:
        self._documents = {path: row.sha256 for path, row in snapshot.documents().items()}
        self._snapshot = snapshot
        keys, paths = snapshot.page_documents()
        self._rows = np.argsort(keys, kind="stable")
        self._keys = keys[self._rows]
        self._key_of = {path: key for key, path in paths.items()}
        self._pages: dict[str, frozenset[int]] = {}
        self._run_ids: dict[tuple[str, int | None], str] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_folded_name: dict[str, list[str]] = {}
        first: dict[str, str] = {}
        self._first = {
            path: path if all_copies else first.setdefault(sha or path, path)
            for path, sha in sorted(self._documents.items())
        }
        for path in self._documents:
            name = path.rpartition("/")[2]
            self._by_name.setdefault(name, []).append(path)
            self._by_folded_name.setdefault(_folded(name), []).append(path)

    def document(self, name: str) -> str | None:
        """The path of the document that `name` stands for; None if there is none.

        Raises UsageError if it stands for documents of different content.
        """
        if name in self._documents:
            return name
        name = name.replace("\\", "/").removeprefix("./").lstrip("/")
        for names, key, same in (
            (self._by_name, name, lambda text: text),
            (self._by_folded_name, _folded(name), _folded),
        ):
            paths = names.get(key.rpartition("/")[2], [])
            found = [path for path in paths if f"/{same(path)}".endswith(f"/{key}")]
            if len({self._first[path] for path in found}) > 1:
                shown = ", ".join(map(printable, sorted(found)[:PATHS_SHOWN]))
                more = f" and {len(found) - PATHS_SHOWN} more" if len(found) > PATHS_SHOWN else ""
                raise UsageError(f"'{printable(name)}' is ambiguous: the index has {shown}{more}; give the whole path")
            if found:
                return min(found)
        return None

    def match(self, question: Question) -> Matched:
        """Find what a question names. Raises UsageError where a name is ambiguous, or the filter cannot be made."""
        grades: dict[str, int] = {}
        judgements: dict[str, Judgement] = {}
        missing = []
        documents: dict[str, str | None] = {}
        for each in question.judgements:
            try:
                path = documents[each.path] if each.path in documents else self.document(each.path)
            except UsageError as err:
                raise UsageError(f"{question.where}: {err}") from err
            documents[each.path] = path
            name = self.run_id(path or each.path, each.page)
            grades[name] = max(each.grade, grades.get(name, 0))
            judgements[name] = Judgement(path or each.path, each.page, each.grade, each.boxes)
            if each.grade > 0 and (path is None or not self._is_indexed(path, each.page)):
                missing.append(judgements[name])
        return Matched(grades, judgements, tuple(missing), self._filter(question, documents))

    def _is_indexed(self, path: str, page: int | None) -> bool:
        """Whether a document of the index has this page there, or any page."""
        if path not in self._pages:
            key = self._key_of[path]
            first, last = np.searchsorted(self._keys, [key, key + 1]).tolist()
            self._pages[path] = frozenset(ref.page for ref in self._snapshot.refs(self._rows[first:last]))
        return bool(self._pages[path]) if page is None else page in self._pages[path]

    def run_id(self, path: str, page: int | None) -> str:
        """The docid of a page, or of a document: copies have that of the first of their paths."""
        if (path, page) not in self._run_ids:  # each exists once, whatever the number of questions
            self._run_ids[path, page] = docid(self._first.get(path, path), page)
        return self._run_ids[path, page]

    def of_document(self, hits: Iterable[Hit], path: str) -> list[Hit]:
        """The hits on pages of the document `path`, or of copies of it."""
        return [hit for hit in hits if self.run_id(hit.ref.path, None) == self.run_id(path, None)]

    def scores(self, question: Question, hits: Iterable[Hit]) -> dict[str, float]:
        """The hits of a question by their ids in a run: pages, or, if it asks for documents, the best page of each.

        The scores fall from hit to hit: see `strictly_falling`.
        """
        found: dict[str, float] = {}
        for hit in hits:
            found.setdefault(self.run_id(hit.ref.path, None if question.of_documents else hit.ref.page), hit.score)
        return dict(zip(found, strictly_falling(found.values()), strict=True))

    def _filter(self, question: Question, documents: dict[str, str | None]) -> str | None:
        if not question.inside:
            return question.within
        wanted = {documents[name] or name for name in question.documents}
        if len(wanted) > 1:
            raise UsageError(
                f"{question.where}: the question '{question.query_id}' is answered by {len(wanted)} documents, so it "
                "cannot be asked inside one"
            )
        return wanted.pop()


def strictly_falling(scores: Iterable[float]) -> list[float]:
    """Scores, best first, of which equal ones are lowered by the least difference of float32.

    The engine has an order for pages of equal score, and people see hits in that order. trec_eval would sort them by
    id instead, as strings; with these scores it keeps the order.

    >>> first, second = strictly_falling([0.5, 0.5])
    >>> first > second > 0.4999999
    True
    """
    found: list[float] = []
    for score in scores:
        value = np.float32(score)
        found.append(float(min(value, np.nextafter(np.float32(found[-1]), np.float32(-np.inf))) if found else value))
    return found


def _folded(text: str) -> str:
    return normalize("NFC", text).casefold()
