"""Compares the documents in the index with those that a run found: unchanged, vanished, of another folder."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..engine.store import DocumentRow
from ..engine.store.attached import container_of
from . import source_folders, sources
from .discover import Discovery, Document, Found


class KnownDocuments:
    """The documents in the index, `rows` by path, beside a `discovery`.

    `recorded` are the folders that the index was built from before, and `files` the file that each document was last
    seen in, by the document's path and encoded by `os.fsencode`; some documents have none, and that of an object in
    object storage is its URL as a path. With `rehash` no document counts as unchanged.
    """

    def __init__(
        self,
        rows: Mapping[str, DocumentRow],
        recorded: Sequence[Path],
        discovery: Discovery,
        *,
        files: Mapping[str, bytes] | None = None,
        rehash: bool = False,
    ) -> None:
        self.rows = rows
        self._discovery = discovery
        self._other_roots = [root for root in recorded if root not in discovery.roots]
        # A copy of an index may have been given other folders, while those of the original are still there.
        below = tuple(
            os.fsencode(f"{os.fspath(root).rstrip(os.sep)}{os.sep}") for root in (*discovery.roots, *recorded)
        )
        self.files = {
            path: file for path, file in (files or {}).items() if file.startswith(below) or sources.is_remote(file)
        }
        self._urls = tuple(os.fsencode(Path(url)) for url in discovery.urls)
        self._found = {document.path for document in discovery.documents}
        # The rows may be of a folder that is gone, and whose files had the same names, sizes and times.
        self._rehash = rehash or any(root not in recorded for root in discovery.roots)

    def is_unchanged(self, document: Document) -> bool:
        """Whether the index has this document with this size and modification time, and it can still be read.

        Not so where another root has a file of this path, which may be the one that was indexed.
        """
        row = self.rows.get(document.path)
        if self._rehash or row is None or row.state != "done":
            return False
        if (row.size, row.mtime_ns) != (document.size, document.mtime_ns):
            return False
        known = self.files.get(document.path)
        if known is None and any(os.path.lexists(root / document.path) for root in self._other_roots):
            return False
        file = os.fsencode(document.file)
        if known is not None and known != file:
            return False
        return sources.is_remote(file) or os.access(file, os.R_OK)

    def is_of_another_folder(self, row: DocumentRow, found: Found) -> bool:
        """Whether `row`, of the path of `found`, is of a file in a folder of an earlier run, still as it was then."""
        known = self.files.get(row.path)
        if known is not None and sources.is_remote(known):
            return not self._is_searched(known)
        files = [root / row.path for root in self._other_roots] if known is None else [Path(os.fsdecode(known))]
        for file in files:
            try:
                status = file.stat()
            except (OSError, ValueError):
                continue
            if (status.st_size, status.st_mtime_ns) == (row.size, row.mtime_ns):
                return not _is_same_file(found.file, file)
        return False

    def vanished(self) -> dict[str, list[str]]:
        """Paths in the index that are neither found nor on disk, by SHA-256 of their content, "" if never read.

        Without those of documents that lie in other documents.
        """
        roots = (*self._discovery.roots, *self._other_roots)
        vanished: dict[str, list[str]] = defaultdict(list)
        for path, row in sorted(self.rows.items()):
            if path in self._found:
                continue
            known = self.files.get(path)
            if known is None and container_of(path, self.rows) is not None:
                continue  # it goes with the document that it lies in
            if known is not None and sources.is_remote(known):
                exists = not self._is_searched(known)
            else:
                exists = source_folders.exists(path, roots) if known is None else source_folders.may_exist(known)
            if not exists:
                vanished[row.sha256].append(path)
        return vanished

    def _is_searched(self, file: bytes) -> bool:
        """Whether a file in object storage is at or below one of the URLs that were searched."""
        return any(file == url or file.startswith(url + b"/") for url in self._urls)

    def changed_files(self) -> dict[str, bytes]:
        """The files of documents found below a root or a URL, by the documents' paths, that differ from the record."""
        if not self._discovery.roots and not self._urls:
            return {}
        found = {document.path: os.fsencode(document.file) for document in self._discovery.documents}
        return {path: file for path, file in found.items() if self.files.get(path) != file}

    def out_of_reach(self, places: Sequence[Path], paths: Sequence[str]) -> set[str]:
        """Those of the documents `paths` that may still be in one of the `places`, which cannot be reached now."""
        if not places:
            return set()
        known = {path: self.files.get(path) for path in paths}
        return {path for path, file in known.items() if file is None or sources.is_in(os.fsdecode(file), places)}

    def resolved_failures(self) -> list[str]:
        """Paths that could not be read in an earlier run, were seen in this one, and did not fail.

        None of them is below a folder that was not searched, was left out, or has vanished.
        """
        failing = self._found | {each.path for each in self._discovery.unreadable}
        return [
            path
            for path, row in self.rows.items()
            if not row.sha256
            and path not in failing
            and not self._discovery.leaves_out(path)
            and source_folders.is_seen(path, self._discovery.searched)
        ]


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them cannot be read
        return False
