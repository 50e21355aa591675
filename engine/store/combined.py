"""Several indexes of one model, read as one snapshot.

Its rows are those of the first index, then those of the second, and so on. Segments and documents get numbers of their
own, so that nothing above the store needs to know of several indexes: statistics count the pages of all.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NoReturn, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import EncoderMismatch, UsageError
from ..records import I64, Lines, PageRef, PageWords
from .cache import DerivedFiles, NoCache
from .catalog import CODEBOOK
from .columns import ColumnsTable
from .copies import Copies, rows_of_contents
from .segment import OpenSegments, Segment, SegmentRow
from .snapshot import Snapshot, open_snapshot

SUMMED = (
    "documents",
    "documents_unfinished",
    "documents_failed",
    "pages",
    "pages_failed",
    "failed",
    "vectors",
    "segments",
    "dead_pages",
    "bytes",
)
COUNTED = ("unread", "segments_by_codec", "shards")
"""The facts of an index that are added up, numbers and counts by name."""

T = TypeVar("T")


def open_combined(directories: Mapping[str, Path]) -> CombinedSnapshot:
    """Open indexes by their names, each as of its last commit, as one snapshot.

    Raises EncoderMismatch unless all are of one model with one set of settings, and what `open_snapshot` raises.
    """
    with ExitStack() as opened:
        members = {name: opened.enter_context(open_snapshot(path)) for name, path in directories.items()}
        _check_models(members)
        combined = CombinedSnapshot(members)
        opened.pop_all()
        return combined


@dataclass(frozen=True, slots=True)
class _Starts:
    """Where the numbers of each member begin: its rows, its segments and its documents, (M,) int64 each."""

    rows: I64
    segments: I64
    documents: I64


class CombinedSnapshot(Snapshot):
    """The pages of several open snapshots, its `members` by name, as rows 0 to N - 1; closes them with itself.

    Cross-language search is on where all members have it, with one encoder. A `PageRef` has the name of its index. What
    is of one index alone, such as its list of documents, is asked of that member.
    """

    def __init__(self, members: Mapping[str, Snapshot]) -> None:
        first = next(iter(members.values()))
        self.members = dict(members)
        self._directory = first._directory
        self._is_closed = False
        self._connection_lock = threading.RLock()
        self.cache = NoCache(first._directory)
        self.fingerprint = first.fingerprint
        self.codec = first.codec
        encoders = {member.cross_language for member in members.values()}
        self.cross_language = first.cross_language if len(encoders) == 1 else None
        self.pool = first.pool
        self.generation = "+".join(member.generation for member in members.values())

    def close(self) -> None:
        """Close all members. Closing twice is harmless."""
        self._is_closed = True
        with ExitStack() as closing:
            for member in self.members.values():
                closing.callback(member.close)

    def member(self, name: str) -> Snapshot:
        """One index by its name. Raises UsageError."""
        if name not in self.members:
            raise UsageError(f"{name!r} is none of the indexes that are searched: {', '.join(self.members)}")
        return self.members[name]

    def of_index(self, name: str) -> Snapshot:
        """The snapshot of the index with this name. Raises UsageError."""
        return self.member(name)

    def without_cross_language(self) -> dict[str, Path]:
        """The folders of the indexes in which cross-language search is off, by the indexes' names."""
        return {name: member._directory for name, member in self.members.items() if member.cross_language is None}

    def refs(self, rows: I64 | Sequence[int]) -> list[PageRef]:
        """The pages of `rows` (n,), each with the name of its index."""
        names, asked = list(self.members), np.asarray(rows, np.int64)
        return [
            replace(ref, index=names[place])
            for ref, place in zip(super().refs(asked), self._places(asked).tolist(), strict=True)
        ]

    def row(self, ref: PageRef) -> int:
        """The row of a page. Raises UsageError if there is no such page or index."""
        row = self.member(ref.index).row(replace(ref, index=""))
        return row + int(self._starts.rows[list(self.members).index(ref.index)])

    def text(self, row: int) -> str:
        """The text layer of a row's page, or ""."""
        (place,) = self._places(np.array([row])).tolist()
        member: Snapshot = list(self.members.values())[place]
        return member.text(row - int(self._starts.rows[place]))

    def lines(self, rows: Sequence[int]) -> list[Lines | None]:
        """The lines of a text file that the page of each of `rows` shows, None for pages of other documents."""
        return self._of_members(rows, lambda member, own: member.lines(own), None)

    def headings(self, rows: Sequence[int]) -> list[str]:
        """The headings of the page of each of `rows`, a line each, or ""."""
        return self._of_members(rows, lambda member, own: member.headings(own), "")

    def ocr_engines(self, rows: Sequence[int]) -> list[str]:
        """The program that read the text of the page of each of `rows` by OCR, "" where none did."""
        return self._of_members(rows, lambda member, own: member.ocr_engines(own), "")

    def ocr_words(self, row: int) -> PageWords | None:
        """The words of a row's page that OCR read; None where its text is not OCR's."""
        return self._of_members([row], lambda member, own: [member.ocr_words(each) for each in own], None)[0]

    def _of_members(self, rows: Sequence[int], read: Callable[[Snapshot, list[int]], list[T]], empty: T) -> list[T]:
        """What `read` gives for each of `rows`, from the member that has its page, by its row there."""
        asked = np.asarray(rows, np.int64)
        places = self._places(asked)
        found = [empty] * len(asked)
        for place, member in enumerate(self.members.values()):
            own = np.flatnonzero(places == place)
            of_member = read(member, (asked[own] - self._starts.rows[place]).tolist())
            for at, each in zip(own.tolist(), of_member, strict=True):
                found[at] = each
        return found

    def info(self) -> dict[str, str | int | float | dict[str, int]]:
        """The facts of all indexes together: counts are sums, and what all have in common is as in each."""
        each = [member.info() for member in self.members.values()]
        total = dict(each[0])
        for name in SUMMED:
            total[name] = sum(int(str(facts[name])) for facts in each)
        for name in COUNTED:
            counts: Counter[str] = Counter()
            for facts in each:
                counts.update(cast("dict[str, int]", facts[name]))
            total[name] = dict(sorted(counts.items()))
        total["index"] = " + ".join(str(facts["index"]) for facts in each)
        total["bytes_per_page"] = round(int(str(total["bytes"])) / max(1, len(self)), 1)
        ocr = " + ".join(dict.fromkeys(str(facts["ocr"]) for facts in each))
        return total | {"generation": self.generation, "cross_language": self.cross_language or "off", "ocr": ocr}

    @property
    def derived_files(self) -> list[DerivedFiles]:
        """Where derived files of the segments are kept: in the cache of each index."""
        return [
            replace(member.derived_files[0], first=first)
            for member, first in zip(self.members.values(), self._starts.segments.tolist(), strict=True)
        ]

    @property
    def column_tables(self) -> list[tuple[int, ColumnsTable]]:
        """The columns of each index, with what its documents' keys are raised by."""
        starts = self._starts.documents.tolist()
        return [(start, member.columns) for start, member in zip(starts, self.members.values(), strict=True)]

    @cached_property
    def copies(self) -> Copies | None:
        """Which pages have the same content as another one, in the same index or another; None where none has."""
        contents: dict[str, list[int]] = defaultdict(list)
        for start, member in zip(self._starts.documents.tolist(), self.members.values(), strict=True):
            for key, sha256 in member._query("SELECT key, sha256 FROM documents WHERE sha256 <> ''"):
                contents[sha256].append(start + key)
        same = sorted((keys for keys in contents.values() if len(keys) > 1), key=min)
        shared = rows_of_contents(same, self._page_table)
        return Copies(shared, self._page_order) if len(shared) else None

    @cached_property
    def segment_digests(self) -> dict[int, str]:
        """By segment, a digest of its files."""
        return {
            start + segment: digest
            for start, member in zip(self._starts.segments.tolist(), self.members.values(), strict=True)
            for segment, digest in member.segment_digests.items()
        }

    @cached_property
    def _pages(self) -> int:
        return sum(map(len, self.members.values()))

    @cached_property
    def _starts(self) -> _Starts:
        members = list(self.members.values())
        ends = [
            (len(member), max(member._segment_rows, default=-1) + 1, max(member._documents, default=-1) + 1)
            for member in members
        ]
        starts = np.cumsum([(0, 0, 0), *ends[:-1]], axis=0, dtype=np.int64)
        return _Starts(starts[:, 0], starts[:, 1], starts[:, 2])

    @cached_property
    def _segment_rows(self) -> dict[int, SegmentRow]:
        return {
            start + number: replace(row, id=start + number)
            for start, member in zip(self._starts.segments.tolist(), self.members.values(), strict=True)
            for number, row in member._segment_rows.items()
        }

    @cached_property
    def _documents(self) -> dict[int, tuple[str, str]]:
        return {
            start + key: names
            for start, member in zip(self._starts.documents.tolist(), self.members.values(), strict=True)
            for key, names in member._documents.items()
        }

    @cached_property
    def _table(self) -> NDArray[np.void]:
        tables = []
        for place, member in enumerate(self.members.values()):
            table = member._page_table.copy()
            table["document"] += self._starts.documents[place]
            table["segment"] += self._starts.segments[place]
            tables.append(table)
        return np.concatenate(tables)

    @cached_property
    def _open_segments(self) -> OpenSegments:
        opened = [(start, member._segments) for start, member in self._starting_segments()]
        return _CombinedSegments(self._directory, self._segment_rows, opened)

    def _starting_segments(self) -> list[tuple[int, Snapshot]]:
        return list(zip(self._starts.segments.tolist(), self.members.values(), strict=True))

    def _places(self, rows: I64) -> I64:
        """The place of the member of each of `rows` (n,)."""
        found: I64 = np.searchsorted(self._starts.rows, rows, side="right") - 1
        return found

    @property
    def _connection(self) -> NoReturn:
        raise UsageError(f"this is known of each index alone; ask one of {', '.join(self.members)}")


class _CombinedSegments(OpenSegments):
    """The segments of several snapshots; `members` are where the numbers of each begin, and its segments."""

    def __init__(
        self, directory: Path, rows: Mapping[int, SegmentRow], members: Sequence[tuple[int, OpenSegments]]
    ) -> None:
        super().__init__(directory, rows)
        self._members = members

    def new(self, segment: int) -> Segment:
        """Open a segment."""
        start, opened = max((each for each in self._members if each[0] <= segment), key=lambda each: each[0])
        return opened.new(segment - start)


def _check_models(members: Mapping[str, Snapshot]) -> None:
    """Raise EncoderMismatch unless vectors and scores of all indexes can be compared."""
    names = list(members)
    for name in names[1:]:
        one, other = members[names[0]], members[name]
        differing = sorted(
            key
            for key in {*one.fingerprint, *other.fingerprint}
            if one.fingerprint.get(key) != other.fingerprint.get(key)
        )
        if differing:
            what = ", ".join(
                f"{key} {one.fingerprint.get(key)!r} there, {other.fingerprint.get(key)!r} here" for key in differing
            )
            raise EncoderMismatch(
                f"{name}: made with another model, or other settings, than {names[0]} ({what}), so their scores cannot "
                "be compared; search each by itself, or index the documents of one with the model of the other"
            )
        if len({_codebook(one), _codebook(other), None}) > 2:
            raise EncoderMismatch(
                f"{name}: its codec residual has another codebook than that of {names[0]}; search each by itself"
            )


def _codebook(member: Snapshot) -> str | None:
    """The digest of an index's codebook, None if it has none."""
    found = member._query("SELECT value FROM meta WHERE name = ?", CODEBOOK)
    return str(found[0][0]) if found else None
