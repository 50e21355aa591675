"""Files that are not documents, counted by kind: other extensions, hidden documents, pipes, sockets, devices."""

from __future__ import annotations

import re
import stat
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from .kinds import ARCHIVE_SUFFIXES, advice, suffix_of

EMPTY_FOLDER = "empty"
"""A folder that was given, and has nothing in it."""
BROKEN_LINK, HIDDEN, NO_EXTENSION, OTHER_NAME = "broken link", "hidden", "no extension", "other name"
EXTENSION = re.compile(r"\.[a-z0-9_+~-]{1,10}")
"""What is taken for an extension; "minutes.of the 3rd meeting" has none."""
PATHS_KEPT = 20
"""Paths that are kept of each kind: memory does not grow with what is skipped."""
KINDS_SHOWN = 8
SPECIAL = {
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


@dataclass(frozen=True, slots=True)
class OtherKind:
    """Skipped files of one `kind`, such as ".docx" or "pipe": how many `files`, and the first PATHS_KEPT `paths`.

    `advice` is what would make them readable, such as a package to install; "" if nothing is known.
    """

    kind: str
    files: int
    paths: tuple[str, ...]
    advice: str = ""


class OtherKinds:
    """Counts skipped files by kind."""

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()
        self._paths: dict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, path: str) -> None:
        """Count one file; `path` as a document's path in the index would be."""
        self._files[kind] += 1
        if len(self._paths[kind]) < PATHS_KEPT:
            self._paths[kind].append(path)

    def found(self, renderer: str = "mupdf") -> tuple[OtherKind, ...]:
        """Each kind, the most frequent first, with advice for users of this renderer."""
        ordered = sorted(self._files.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            OtherKind(kind, files, tuple(self._paths[kind]), advice(kind, renderer)) for kind, files in ordered
        )


def merged(*found: Sequence[OtherKind]) -> tuple[OtherKind, ...]:
    """Several counts of different kinds as one, the most frequent kind first."""
    return tuple(sorted((each for part in found for each in part), key=lambda each: (-each.files, each.kind)))


def by_name(name: str) -> str:
    """The kind of a file by its name.

    >>> by_name("A.DOCX"), by_name("LICENSE"), by_name("minutes.of the 3rd meeting")
    ('.docx', 'no extension', 'other name')
    """
    extension = suffix_of(name)
    if not extension:
        return NO_EXTENSION
    if extension in ARCHIVE_SUFFIXES:
        return extension
    return extension if EXTENSION.fullmatch(extension) else OTHER_NAME


def by_mode(mode: int) -> str | None:
    """The kind of what is not a regular file, by its `st_mode`; None for a regular file."""
    return None if stat.S_ISREG(mode) else SPECIAL.get(stat.S_IFMT(mode), "special file")


def summary(kinds: Sequence[OtherKind]) -> str:
    """One line: "12 files of other kinds were skipped: .zip 7, .cr2 3, pipe 2", and what to do; "" without any."""
    if not kinds:
        return ""
    total = sum(each.files for each in kinds)
    shown = [f"{each.kind} {each.files:,}" for each in kinds[:KINDS_SHOWN]]
    if rest := kinds[KINDS_SHOWN:]:
        shown.append(f"others {sum(each.files for each in rest):,}")
    what = "1 file of another kind was" if total == 1 else f"{total:,} files of other kinds were"
    to_do: dict[str, list[str]] = defaultdict(list)
    for each in kinds:
        if each.advice:
            to_do[each.advice].append(each.kind)
    remarks = [f"{' '.join(names[:KINDS_SHOWN])}: {what_to_do}" for what_to_do, names in to_do.items()]
    return "\n".join([f"{what} skipped: {', '.join(shown)}", *(f"  {remark}" for remark in remarks[:KINDS_SHOWN])])


def folder_summary(folders: Sequence[OtherKind]) -> str:
    """One line about folders that were left out by default: "2 folders were left out: hidden 1, node_modules 1"."""
    if not folders:
        return ""
    total = sum(each.files for each in folders)
    shown = [f"{each.kind} {each.files:,}" for each in folders[:KINDS_SHOWN]]
    if rest := folders[KINDS_SHOWN:]:
        shown.append(f"others {sum(each.files for each in rest):,}")
    return f"{'1 folder was' if total == 1 else f'{total:,} folders were'} left out: {', '.join(shown)}"
