"""Changes of an index that clients ask for: an uploaded document in, another one out, each complete when it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.models.encoder import PageEncoder
from ..engine.store import DocumentRow, open_snapshot, open_writer
from ..indexer import pipeline, source_folders
from ..indexer.report import Progress
from . import stored_uploads
from .http_errors import NotHere
from .stored_uploads import Stored


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an upload: the document it is now, how many of its pages can be found, and what is wrong with the
    others, or with all of it. `renamed` says that it is one that the index knew under a path that has gone.
    """

    doc_id: str
    pages_done: int
    pages_total: int | None
    error: str | None = None
    renamed: bool = False


def add(
    directory: Path,
    stored: Stored,
    *,
    encoder: PageEncoder,
    passwords: Sequence[str],
    on_progress: Callable[[Progress], None],
) -> Outcome:
    """Index an upload. Where a document of the same content is there already, it is that one, and the file goes.

    Raises what `pipeline.add` does.
    """
    with open_writer(directory, fingerprint=None, create=False):
        pass  # raises IndexLocked before a large file is read, since this may be asked every second
    document = stored.document()
    twin = _same_content(directory, document.sha256(), stored.path)
    if twin is not None:
        stored_uploads.delete(directory, stored.path)
        return _outcome(directory, twin.path)
    report = pipeline.add(document, directory, encoder=encoder, passwords=passwords, on_progress=on_progress)
    return _outcome(directory, stored.path, renamed=report.moved > 0)


def remove(directory: Path, doc_id: str) -> str:
    """Remove a document from the index, and its file if it was uploaded; return its path. Raises NotHere, IndexLocked
    and what else the store raises.
    """
    with open_writer(directory, fingerprint=None, create=False) as writer:
        path = next((path for path, row in writer.documents().items() if row.id == doc_id), None)
        if path is None:
            raise NotHere(f"there is no document {doc_id!r} in the index")
        writer.remove([path])
    stored_uploads.delete(directory, path)
    return path


def _outcome(directory: Path, path: str, *, renamed: bool = False) -> Outcome:
    """What the index says of a document that a run went through."""
    with open_snapshot(directory) as snapshot:
        row = snapshot.documents()[path]
        failures = [each for each in snapshot.failures() if each.path == path]
    if row.state == "failed":
        return Outcome(row.id, 0, row.page_count, row.error, renamed)
    assert row.page_count is not None, "a run that went through knows it"
    failed = [each for each in failures if each.page is not None]
    error = None
    if failed:
        error = f"{len(failed)} of {row.page_count} pages cannot be read; page {failed[0].page}: {failed[0].reason}"
    return Outcome(row.id, row.page_count - len(failed), row.page_count, error, renamed)


def _same_content(directory: Path, sha256: str, path: str) -> DocumentRow | None:
    """A document of this content that is complete in the index, other than `path`, and whose file is where it was."""
    places = source_folders.recorded(directory)
    with open_snapshot(directory) as snapshot:
        rows = snapshot.documents()
    if path in rows:
        return None
    same = (row for row in rows.values() if row.sha256 == sha256 and row.state == "done")
    return next((row for row in same if source_folders.is_there(row.path, places)), None)
