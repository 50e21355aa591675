"""Gives each file that an update found the path that it has in the index, whichever command it was indexed by."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from . import source_folders
from .discover import Discovery, Document, Unreadable
from .other_kinds import PATHS_KEPT, OtherKind

T = TypeVar("T")


def merged(found: Sequence[Discovery], files: Mapping[str, bytes], kept: Collection[str]) -> Discovery:
    """One discovery of what was found in several sources, each searched by itself.

    A document keeps the path that it has in the index, where `files` has the file of each path, as `os.fsencode` names
    it. A new one gets the path that its source gives it, or, where that belongs to another file, a longer one, with
    folder names in front. `kept` are paths in the index that no new document may have, though their files are missing.
    """
    known: dict[bytes, list[str]] = defaultdict(list)
    for path, file in files.items():
        known[file].append(path)
    documents: dict[str, Document] = {}
    new: dict[bytes, Document] = {}
    unreadable: dict[bytes, Unreadable] = {}
    for discovery in found:
        for document in discovery.documents:
            file = os.fsencode(document.file)
            if file in known:
                for path in known[file]:
                    documents[path] = document if path == document.path else replace(document, path=path)
            else:
                new.setdefault(file, document)
        for each in discovery.unreadable:
            unreadable.setdefault(os.fsencode(each.file), each)
    taken = {path for path, file in files.items() if path in kept or source_folders.may_exist(file)} if new else set()
    for document in new.values():
        path = next(path for path in _paths(document) if path not in documents and path not in taken)
        documents[path] = replace(document, path=path)
    return Discovery(
        roots=_distinct(root for each in found for root in each.roots),
        documents=tuple(documents[path] for path in sorted(documents)),
        unreadable=tuple(
            replace(each, path=path) for file, each in unreadable.items() for path in known.get(file, [each.path])
        ),
        searched=_distinct(folder for each in found for folder in each.searched),
        other_kinds=_counted(kind for each in found for kind in each.other_kinds),
        exclude=_distinct(pattern for each in found for pattern in each.exclude),
        excluded=sum(each.excluded for each in found),
        unselected=sum(each.unselected for each in found),
        ignored=sum(each.ignored for each in found),
        folders=_counted(kind for each in found for kind in each.folders),
        suffixes=frozenset(suffix for each in found for suffix in each.suffixes),
    )


def _paths(document: Document) -> Iterator[str]:
    """The paths that a document may have in the index: as it was found, then with more and more folder names."""
    yield document.path
    parts = [part.strip("/\\:") for part in document.file.parts]
    for depth in range(document.path.count("/") + 2, len(parts) + 1):
        yield source_folders.escaped("/".join(parts[-depth:]))
    digest = hashlib.sha256(os.fsencode(document.file)).hexdigest()
    yield from (f"{document.path}-{digest[:digits]}" for digits in range(8, len(digest) + 1))


def _distinct(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _counted(kinds: Iterable[OtherKind]) -> tuple[OtherKind, ...]:
    """The kinds of several discoveries as one list, the most frequent first."""
    total: dict[str, OtherKind] = {}
    for each in kinds:
        known = total.get(each.kind, OtherKind(each.kind, 0, ()))
        paths = (*known.paths, *each.paths)[:PATHS_KEPT]
        total[each.kind] = OtherKind(each.kind, known.files + each.files, paths)
    return tuple(sorted(total.values(), key=lambda each: (-each.files, each.kind)))
