"""What an index remembers of OCR: the engine and languages that read its scans, and whether all of them are read."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import IndexNotFound, UsageError
from ..engine.store import IndexWriter, Snapshot, open_snapshot
from ..engine.store.catalog import OCR
from .render import ocr as engines
from .render.ocr import Ocr

ALL_READ = "ocr_all_read"
"""The setting with the engine and languages that have read every page without a text layer: no later run looks for
pages that are not read.
"""


def wanted(asked: str | None, languages: str | None, recorded: str | None) -> Ocr | None:
    """The OCR of a run: as `asked`, "off" for none, or as `recorded` in the index if it is None.

    Raises UsageError where it cannot be done on this machine.
    """
    if asked == engines.OFF:
        if languages:
            raise UsageError("languages for OCR, and no OCR; leave one of them out")
        return None
    if is_asked_for(asked, languages):
        return engines.chosen(asked or engines.AUTO, languages)
    found = engines.recorded(recorded)
    if found is not None:
        try:
            found.require()
        except UsageError as err:
            raise UsageError(f"{err}; this index reads its scans so, and 'docsearch index --no-ocr' ends that") from err
    return found


def is_asked_for(ocr: str | None, languages: str | None) -> bool:
    """Whether a run was told to read by OCR, as `wanted` is; then it tries once more what could not be read."""
    return ocr is not None or bool(languages)


def is_on(directory: Path, asked: str | None = None) -> bool:
    """Whether a run over the index in `directory` reads scans by OCR: as `asked`, or as the index remembers.

    Raises what `open_snapshot` raises, except IndexNotFound.
    """
    if asked is not None:
        return asked != engines.OFF
    try:
        with open_snapshot(directory) as snapshot:
            return engines.recorded(snapshot.setting(OCR)) is not None
    except IndexNotFound:
        return False


def record(writer: IndexWriter, ocr: Ocr | None) -> None:
    """Have later runs read scans in the same way."""
    setting = None if ocr is None else ocr.setting
    if writer.setting(OCR) != setting:
        writer.write_setting(OCR, setting)


def paths_to_read(index: IndexWriter | Snapshot, ocr: Ocr | None, *, failed: bool) -> frozenset[str]:
    """The documents in the index of which OCR would read a page that it has not read, or another engine has; or, if
    `failed`, that it failed to read.
    """
    if ocr is None or (index.setting(ALL_READ) == ocr.reader and not failed):
        return frozenset()
    return frozenset(index.documents_for_ocr(ocr.reader, failed=failed))


def record_all_read(writer: IndexWriter, ocr: Ocr | None) -> None:
    """At the end of a run: record that there is nothing left to read, if so."""
    if ocr is None:
        if writer.setting(ALL_READ) is not None:  # what is added from now on is not read
            writer.write_setting(ALL_READ, None)
    elif writer.setting(ALL_READ) != ocr.reader and not writer.documents_for_ocr(ocr.reader):
        writer.write_setting(ALL_READ, ocr.reader)
