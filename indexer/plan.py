"""What a run of `index` would do, found out without reading a document or changing the index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.errors import IndexNotFound
from ..engine.store import DocumentRow, Failure, open_snapshot
from ..engine.store.attached import container_of
from ..engine.store.catalog import OCR
from . import discover, ocr_setting, selection, source_folders, sources
from .known_documents import KnownDocuments
from .metadata import Metadata, RecordedMetadata, remembered
from .metadata_report import MetadataReport
from .other_kinds import OtherKind
from .render.producer import Layouts, has_passages
from .settings import ALL_FILES, DEFAULTS, FileChoice, IndexSettings

NEW, COMPARE, AGAIN = "new", "compare", "again"


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """A document that would be read, its size in `bytes`, and why.

    "new": the index has no document of this path, though it may have been moved. "compare": it has, of another size or
    time, or perhaps of another folder, and the content decides; or another program lays its pages out now, or OCR would
    read some of them. "again": it failed or was not finished.
    """

    path: str
    why: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: `to_read` in path order, `unchanged` documents to skip, `vanished` paths in the index.

    `failed` and what follows are as in an `IndexReport`, but only what cannot be opened at all is in `failed`.
    `problems` say what is wrong with the table of metadata that the index remembers.
    """

    to_read: tuple[PlannedDocument, ...]
    unchanged: int
    vanished: tuple[str, ...]
    failed: tuple[Failure, ...]
    other_kinds: tuple[OtherKind, ...]
    excluded: int
    ignored: int = 0
    folders: tuple[OtherKind, ...] = ()
    unselected: int = 0
    problems: tuple[str, ...] = ()


def plan(
    paths: Sequence[Path | str],
    directory: Path | str,
    choice: FileChoice = ALL_FILES,
    settings: IndexSettings = DEFAULTS,
) -> Plan:
    """Say what `index_paths` would do with these arguments.

    Raises UsageError as it does for `paths`, `where` and tables of metadata, and IndexFormatError or IndexDamaged.
    """
    directory = Path(directory)
    condition = selection.checked(choice.where)
    discovery = discover.find(
        [Path(path) for path in paths], exclude=choice.exclude, kinds=choice.kinds, renderer=settings.renderer
    )
    given = [sources.of(path, where=condition) for path in paths]
    record = sources.read(directory)
    wanted = selection.conditions(() if record is None else record.sources, given)
    users: Metadata | MetadataReport = Metadata(None if settings.metadata is None else Path(settings.metadata))
    rows: dict[str, DocumentRow] = {}
    producers: dict[str, str] = {}
    for_ocr: frozenset[str] = frozenset()
    try:
        with open_snapshot(directory) as snapshot:
            rows, producers = snapshot.documents(), snapshot.producers()
            reading = ocr_setting.wanted(settings.ocr, settings.ocr_languages, snapshot.setting(OCR))
            asked = ocr_setting.is_asked_for(settings.ocr, settings.ocr_languages)
            for_ocr = ocr_setting.paths_to_read(snapshot, reading, failed=asked)
            if settings.metadata is None:
                users = remembered(snapshot, forget=settings.forget_metadata)
            said = RecordedMetadata(snapshot) if isinstance(users, MetadataReport) else users
    except IndexNotFound:
        ocr_setting.wanted(settings.ocr, settings.ocr_languages, None)
        said = Metadata(None) if isinstance(users, MetadataReport) else users
    discovery = selection.selected(discovery, wanted, said)
    known = KnownDocuments(rows, source_folders.recorded(directory), discovery)
    to_read = [
        PlannedDocument(document.path, _why(rows.get(document.path)), document.size)
        for document in discovery.documents
        if document.path in for_ocr or _is_outdated(document.path, producers) or not known.is_unchanged(document)
    ]
    unchanged = {document.path for document in discovery.documents} - {each.path for each in to_read}
    lying_in_these = (path for path in rows if path not in unchanged and _lies_in(path, rows, unchanged))
    return Plan(
        to_read=tuple(to_read),
        unchanged=len(unchanged) + sum(1 for _ in lying_in_these),
        vanished=tuple(sorted(path for paths in known.vanished().values() for path in paths)),
        failed=tuple(Failure(each.path, None, each.reason) for each in discovery.unreadable),
        other_kinds=discovery.other_kinds,
        excluded=discovery.excluded,
        ignored=discovery.ignored,
        folders=discovery.folders,
        unselected=discovery.unselected,
        problems=users.problems if isinstance(users, MetadataReport) else (),
    )


def _is_outdated(path: str, producers: Mapping[str, str]) -> bool:
    """Whether a document is laid out in another way now; `producers` are the programs that did it, by path."""
    return Layouts(producers, has_passages(producers.get(path, ""))).is_outdated(path)


def _lies_in(path: str, rows: Mapping[str, DocumentRow], documents: Collection[str]) -> bool:
    """Whether a document lies in one of `documents`, at any depth."""
    above = container_of(path, rows)
    while above is not None:
        if above in documents:
            return True
        above = container_of(above, rows)
    return False


def _why(row: DocumentRow | None) -> str:
    if row is None:
        return NEW
    return COMPARE if row.state == "done" else AGAIN
