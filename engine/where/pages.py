"""The pages of an index, of all its documents or of those that a path filter and a condition select."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from ..install import pandas
from ..records import I64, PageRef
from ..store import Snapshot
from ..store.column_values import iso_of_nanoseconds
from ..store.columns import MODIFIED, PAGES, PATH, SIZE
from .documents import DocumentFilter, all_types

if TYPE_CHECKING:
    from pandas import DataFrame


class Pages(Sequence[PageRef]):
    """N pages of an open index, each a `PageRef`, by path and number; slices are `Pages`, too."""

    def __init__(self, snapshot: Snapshot, rows: I64) -> None:
        """`rows` (N,) are those of the `snapshot`, in the order of the pages."""
        self._snapshot = snapshot
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> PageRef: ...
    @overload
    def __getitem__(self, at: slice) -> Pages: ...
    def __getitem__(self, at: int | slice) -> PageRef | Pages:
        if isinstance(at, slice):
            return Pages(self._snapshot, self._rows[at])
        (ref,) = self._snapshot.refs([int(self._rows[at])])
        return ref

    def __repr__(self) -> str:
        return f"{len(self)} page{'' if len(self) == 1 else 's'} of {len(self._documents())} documents"

    def to_pandas(self) -> DataFrame:
        """A row per page. Raises UsageError where pandas is not installed or the index was closed.

        The columns are `index` (where several are searched as one), `path`, `page`, `doc_id`, `width` and `height` in
        points, `vectors` (how many patch vectors the page has); then those of its document: `modified` (a time in UTC),
        `size` in bytes, `pages`, and every other column that any document has (docs/filters.md).
        """
        pd = pandas()
        refs, sizes = self._snapshot.refs(self._rows), self._snapshot.sizes(self._rows)
        own: dict[str, Any] = {
            "path": [ref.path for ref in refs],
            "page": np.array([ref.page for ref in refs], np.int64),
            "doc_id": [ref.doc_id for ref in refs],
            "width": sizes[:, 0],
            "height": sizes[:, 1],
            "vectors": self._snapshot.lengths[self._rows],
        }
        if any(ref.index for ref in refs):
            own = {"index": [ref.index for ref in refs], **own}
        documents = self._snapshot.page_documents()[0][self._rows].tolist()
        values = self._document_values()
        names = [name for name in all_types(self._snapshot) if any(name in its for its in values.values())]
        told = {name: [values[key].get(name) for key in documents] for name in names if name not in own}
        frame = pd.DataFrame({**own, **told})
        if MODIFIED in frame:
            frame[MODIFIED] = pd.to_datetime(frame[MODIFIED], utc=True)
        return frame

    def _documents(self) -> list[int]:
        """The keys of the pages' documents."""
        found: list[int] = np.unique(self._snapshot.page_documents()[0][self._rows]).tolist()
        return found

    def _document_values(self) -> dict[int, dict[str, Any]]:
        """The columns of the pages' documents, by the documents' keys."""
        found: dict[int, dict[str, Any]] = {key: {} for key in self._documents()}
        types = all_types(self._snapshot)
        for start, table in self._snapshot.column_tables:
            for key, mtime_ns, size, pages in table.query("SELECT key, mtime_ns, size, page_count FROM documents"):
                if start + key in found:
                    known = {MODIFIED: mtime_ns and iso_of_nanoseconds(mtime_ns), SIZE: size, PAGES: pages}
                    found[start + key] = {name: value for name, value in known.items() if value not in (None, "")}
            for key, its in (table.stored(types) if table.has_values else {}).items():
                if start + key in found:
                    found[start + key] |= {name: value for name, value in its.items() if name != PATH}
        return found


def pages_of(documents: DocumentFilter, path: str | None = None, where: str | None = None) -> Pages:
    """The pages of the documents that `path` and `where` select, by path and number.

    Raises UsageError for a condition that does not fit the index.
    """
    snapshot = documents.snapshot
    chosen = np.isin(snapshot.page_documents()[0], documents.keys(path, where))
    rows = np.flatnonzero(chosen).astype(np.int64)
    return Pages(snapshot, rows[np.argsort(snapshot.page_order()[rows])])
