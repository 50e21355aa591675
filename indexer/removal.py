"""Removes documents from an index, by their paths, their folders or globs; all of them or none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from unicodedata import normalize

from ..engine.errors import UsageError
from ..engine.printable import printable
from ..engine.store import open_writer

WILDCARD = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Removed:
    """How many documents were removed from an index, and how many pages they had."""

    documents: int
    pages: int


def remove(directory: Path, paths: Iterable[str]) -> Removed:
    """Remove the documents at `paths`: of this path in the index, in this folder, or of a path that matches this glob.

    Raises UsageError, before anything is removed, where no document has one of the paths; and what `open_writer`
    raises. The documents' files stay as they are.
    """
    with open_writer(directory, fingerprint=None, create=False) as writer:
        chosen: dict[str, None] = {}
        for path in paths:
            prefix = WILDCARD.split(normalize("NFC", path).rstrip("/"), maxsplit=1)[0]
            matching = [known for known in writer.find_paths(prefix) if _matches(known, path)]
            if not matching:
                raise UsageError(f"{path}: no document in the index has this path; nothing was removed")
            chosen.update(dict.fromkeys(matching))
        writer.open_again(chosen)  # what was removed comes back when it is indexed again
        pages = writer.remove(chosen)
        writer.commit()
    return Removed(len(chosen), pages)


def _matches(document: str, path: str) -> bool:
    """Whether a document is meant by a path, in either of Unicode's normal forms, or as its name is printed."""
    path = normalize("NFC", path)
    folder = path.rstrip("/") + "/"
    return any(
        name == path or name.startswith(folder) or fnmatchcase(name, path)
        for name in {normalize("NFC", document), normalize("NFC", printable(document))}
    )
