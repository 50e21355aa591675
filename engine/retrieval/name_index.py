"""Name index: the documents that have a term in their path, from a derived file of a large index."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..distinct import distinct
from ..query.terms import name_terms
from ..records import I64
from ..store import Snapshot
from .text_index import term_key

CACHED_DOCUMENTS = 2_000
"""Documents from which on the index is kept in a file: finding the terms of 100,000 paths takes half a second."""

SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
U64 = NDArray[np.uint64]


class NameIndex:
    """Looks terms up in the paths of one snapshot's documents. May be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Open the file, or build the index and keep it in one where there are many documents."""
        keys, paths = snapshot.page_documents()
        rows = distinct(snapshot.first_pages())
        named = [paths[key] for key in keys[rows].tolist()]
        self._terms, self._rows = _open(snapshot, rows, named)

    def first_pages(self, term: str) -> I64:
        """The first pages of the documents that have `term` in their path, as rows (n,), rising."""
        return self.first_pages_of([term]).get(term, np.zeros(0, np.int64))

    def first_pages_of(self, terms: Collection[str]) -> dict[str, I64]:
        """The same for each of some terms, without those that no path has."""
        keys = np.array([term_key(term) for term in terms], np.uint64)
        bounds = zip(terms, *(np.searchsorted(self._terms, keys, side=side).tolist() for side in SIDES), strict=True)
        return {term: self._rows[first:last].astype(np.int64) for term, first, last in bounds if first < last}


def _open(snapshot: Snapshot, rows: I64, paths: list[str]) -> tuple[U64, U64]:
    """The table of `build`, from a file or newly made."""
    if len(paths) < CACHED_DOCUMENTS:
        return build(rows, paths)
    # Rows follow from the generation; paths do not: a document that moves changes no page.
    digest = hashlib.blake2b("\0".join(paths).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    prefix = f"names-{snapshot.generation}-"
    name = f"{prefix}{digest}.npy"
    with suppress(OSError, ValueError, EOFError):
        cached = snapshot.cache.read_array(name)
        if cached.dtype == np.uint64 and cached.ndim == 2 and len(cached) == 2:
            return cached[0], cached[1]
    terms, first_pages = build(rows, paths)
    for outdated in snapshot.cache.folders(prefix):
        snapshot.cache.delete(outdated)
    snapshot.cache.write_file(name, lambda path: np.save(path, np.stack([terms, first_pages])))
    return terms, first_pages


def build(rows: I64, paths: list[str]) -> tuple[U64, U64]:
    """`term_key`s (n,), rising, and for each the row in `rows` (D,) of a document that has the term in its path.

    `paths` are those of the D documents. The rows of a term rise.
    """
    ids: dict[str, int] = {}
    found: list[int] = []
    counts: list[int] = []
    for path in paths:
        terms = name_terms(path)
        counts.append(len(terms))
        found += [ids.setdefault(term, len(ids)) for term in terms]
    hashed = np.array([term_key(term) for term in ids], np.uint64)
    terms_of_rows = hashed[np.array(found, np.int64)]
    repeated = np.repeat(rows, counts).astype(np.uint64)
    order = np.lexsort((repeated, terms_of_rows))
    return terms_of_rows[order], repeated[order]
