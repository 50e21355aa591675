"""Name index: the documents that have a term in their path, title, author, subject or keywords, from a derived file of
a large index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..distinct import distinct
from ..query.terms import name_terms, plain_name, terms_of
from ..records import F32, I64
from ..store import Snapshot
from ..store.columns import AUTHOR, KEYWORDS, SUBJECT, TITLE
from .text_index import term_key

CACHED_DOCUMENTS = 2_000
"""Documents from which on the index is kept in a file: finding the terms of 100,000 paths takes half a second."""

FIELD_WEIGHTS = {TITLE: 1.0, AUTHOR: 0.5, SUBJECT: 0.5, KEYWORDS: 0.5}
"""How much a term in one of these columns counts beside one in the path (docs/log.md#document-fields)."""
TERMS_VERSION = 2
"""Version of the terms of names; files with others are built again."""
WEIGHT_UNIT = 1000
"""Weights are stored as whole numbers of such parts."""
NAMED_MAX = 1000
"""Documents with all the words of a name that are compared with it."""
SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
U64 = NDArray[np.uint64]


class Named(NamedTuple):
    """The first pages of some documents, `rows` (n,), rising, and how much a term counts for each, `weights` (n,),
    0..1.
    """

    rows: I64
    weights: F32


class NameIndex:
    """Looks terms up in what names one snapshot's documents. May be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Open the file, or build the index and keep it in one where there are many documents."""
        keys, paths = snapshot.page_documents()
        rows = distinct(snapshot.first_pages())
        named = keys[rows].tolist()
        self._terms, self._rows, self._weights = _open(snapshot, rows, named, [paths[key] for key in named])

    def first_pages(self, term: str) -> I64:
        """The first pages of the documents that `term` names, as rows (n,), rising."""
        found = self.first_pages_of([term]).get(term)
        return np.zeros(0, np.int64) if found is None else found.rows

    def first_pages_of(self, terms: Collection[str]) -> dict[str, Named]:
        """The same for each of some terms, with weights, without those that name no document."""
        keys = np.array([term_key(term) for term in terms], np.uint64)
        bounds = zip(terms, *(np.searchsorted(self._terms, keys, side=side).tolist() for side in SIDES), strict=True)
        return {
            term: Named(
                self._rows[first:last].astype(np.int64),
                self._weights[first:last].astype(np.float32) / np.float32(WEIGHT_UNIT),
            )
            for term, first, last in bounds
            if first < last
        }


def pages_of_name(index: NameIndex, snapshot: Snapshot, question: str) -> I64:
    """The first pages, as rows (n,), rising, of the documents whose own file name a question is, and of their copies.

    Folders in the question are those at the end of their path. Case, the extension and what stands between the words do
    not matter.
    """
    none, asked = np.zeros(0, np.int64), [plain_name(part) for part in question.strip("/").split("/")]
    terms = name_terms(question.strip("/").rpartition("/")[2])
    if not asked[-1] or not terms:
        return none
    found = index.first_pages_of(terms)
    if len(found) < len(terms):
        return none
    rows, *others = sorted((named.rows for named in found.values()), key=len)
    for each in others:
        rows = np.intersect1d(rows, each, assume_unique=True)
    keys, paths = snapshot.page_documents()
    named = []
    for row, key in zip(rows[:NAMED_MAX].tolist(), keys[rows[:NAMED_MAX]].tolist(), strict=True):
        its = [plain_name(part) for part in paths[key].split("/")[-len(asked) :]]
        if its == asked[-len(its) :]:
            named.append(row)
    if snapshot.copies is None or not named:
        return np.array(named, np.int64)
    return distinct(np.concatenate([snapshot.copies.of(row) for row in named]))


def _open(snapshot: Snapshot, rows: I64, keys: list[int], paths: list[str]) -> tuple[U64, U64, U64]:
    """The table of `build`, from a file or newly made."""
    if len(paths) < CACHED_DOCUMENTS:
        return build(rows, paths, _fields(snapshot, keys))
    # Rows follow from the generation; paths and columns do not: a document that moves changes no page.
    revisions = [table.revision for _, table in snapshot.column_tables]
    told = "\0".join([*paths, *revisions, repr(FIELD_WEIGHTS), str(TERMS_VERSION)]).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(told, digest_size=8).hexdigest()
    prefix = f"names-{snapshot.generation}-"
    name = f"{prefix}{digest}.npy"
    with suppress(OSError, ValueError, EOFError):
        cached = snapshot.cache.read_array(name)
        if cached.dtype == np.uint64 and cached.ndim == 2 and len(cached) == 3:
            return cached[0], cached[1], cached[2]
    table = build(rows, paths, _fields(snapshot, keys))
    for outdated in snapshot.cache.folders(prefix):
        snapshot.cache.delete(outdated)
    snapshot.cache.write_file(name, lambda path: np.save(path, np.stack(table)))
    return table


def _fields(snapshot: Snapshot, keys: list[int]) -> list[dict[str, str]]:
    """The texts of the columns of FIELD_WEIGHTS of each of some documents."""
    found: dict[int, dict[str, str]] = {}
    for start, table in snapshot.column_tables:
        for key, values in table.stored(table.types()).items():
            texts = {name: values[name] for name in FIELD_WEIGHTS if name in values}
            found[start + key] = {
                name: " ".join(text) if isinstance(text, tuple) else str(text) for name, text in texts.items()
            }
    return [found.get(key, {}) for key in keys]


def build(rows: I64, paths: list[str], fields: Sequence[Mapping[str, str]]) -> tuple[U64, U64, U64]:
    """`term_key`s (n,), rising; for each the row in `rows` (D,) of a document that the term names, and its weight in
    parts of WEIGHT_UNIT, which is the greatest of those of the path and of the fields that have it.

    `paths` and `fields`, texts by the names of columns, are those of the D documents. The rows of a term rise.
    """
    ids: dict[str, int] = {}
    found: list[int] = []
    counts: list[int] = []
    weights: list[int] = []
    for path, texts in zip(paths, fields, strict=True):
        terms: dict[str, float] = {}
        for name, text in texts.items():
            for term in terms_of(text):
                terms[term] = max(terms.get(term, 0.0), FIELD_WEIGHTS[name])
        terms.update(dict.fromkeys(sorted(name_terms(path)), 1.0))
        counts.append(len(terms))
        found += [ids.setdefault(term, len(ids)) for term in terms]
        weights += [round(WEIGHT_UNIT * weight) for weight in terms.values()]
    hashed = np.array([term_key(term) for term in ids], np.uint64)
    terms_of_rows = hashed[np.array(found, np.int64)]
    repeated = np.repeat(rows, counts).astype(np.uint64)
    order = np.lexsort((repeated, terms_of_rows))
    return terms_of_rows[order], repeated[order], np.array(weights, np.uint64)[order]
