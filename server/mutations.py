"""Changes to an index that clients request: adding an uploaded document, removing a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.models.encoder import PageEncoder
from ..engine.store import DocumentRow, open_snapshot, open_writer
from ..indexer import pipeline, source_folders
from ..indexer.report import Progress
from . import stored_uploads
from .http_errors import existing
from .stored_uploads import StoredUpload


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of indexing an upload: its document, how many of its pages were indexed, and what failed.

    `renamed`: the document was known under a path that no longer exists, and has been renamed to the upload's.
    """

    doc_id: str
    pages_done: int
    pages_total: int | None
    error: str | None = None
    renamed: bool = False


def add(
    directory: Path,
    stored: StoredUpload,
    *,
    encoder: PageEncoder,
    passwords: Sequence[str],
    on_progress: Callable[[Progress], None],
) -> Outcome:
    """Index an upload. If the index has a document with the same content, that one is returned and the file deleted.

    Raises what `pipeline.add` raises.
    """
    with open_writer(directory, fingerprint=None, create=False):
        pass  # raises IndexLocked before a large file is hashed: locked uploads are retried every second
    document = stored.document()
    duplicate = _same_content(directory, document.sha256(), stored.path)
    if duplicate is not None:
        stored_uploads.delete(directory, stored.path)
        return _outcome(directory, duplicate.path)
    report = pipeline.add(document, directory, encoder=encoder, passwords=passwords, on_progress=on_progress)
    return _outcome(directory, stored.path, renamed=report.moved > 0)


def remove(directory: Path, doc_id: str) -> str:
    """Remove a document from the index, and its file if it was uploaded; return its path.

    Raises NotFound, IndexLocked and other errors of the store.
    """
    with open_writer(directory, fingerprint=None, create=False) as writer:
        row = existing(writer.document(doc_id=doc_id))
        writer.open_again([row.path])
        writer.remove([row.path])
    stored_uploads.delete(directory, row.path)
    return row.path


def _outcome(directory: Path, path: str, *, renamed: bool = False) -> Outcome:
    """What the index records about a document after a run."""
    with open_snapshot(directory) as snapshot:
        row = snapshot.document(path=path)
        failures = snapshot.failures(path)
    assert row is not None, "the run has recorded it"
    if row.state == "failed":
        return Outcome(row.id, 0, row.page_count, row.error, renamed)
    assert row.page_count is not None, "a completed run knows the number of pages"
    failed = [each for each in failures if each.page is not None]
    error = None
    if failed:
        error = f"{len(failed)} of {row.page_count} pages cannot be read; page {failed[0].page}: {failed[0].reason}"
    return Outcome(row.id, row.page_count - len(failed), row.page_count, error, renamed)


def _same_content(directory: Path, sha256: str, path: str) -> DocumentRow | None:
    """A complete document with this content, other than `path`, whose file still exists."""
    folders = source_folders.recorded(directory)
    with open_snapshot(directory) as snapshot:
        if snapshot.document(path=path) is not None:
            return None
        same = snapshot.documents_of_content(sha256)
    return next((row for row in same if source_folders.exists(row.path, folders)), None)
