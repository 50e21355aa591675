"""What a search of a folder leaves out: globs of `--exclude`, `.docsearchignore` files, hidden files, tools' folders.

A `.docsearchignore` file has the syntax of `.gitignore`, and holds for its folder and all folders below. A pattern that
begins with "!" takes a file or folder in again, also one that is left out by default.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import UsageError
from ..engine.store import layout
from ..engine.where.paths import path_matches

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".docsearchignore"
TOOL_FOLDERS = frozenset(
    (
        *("node_modules", "bower_components", "jspm_packages", "__pycache__", "__macosx"),
        *("$recycle.bin", "system volume information", "lost+found"),
    )
)
"""Names, in lower case, of folders that tools and systems fill, and people do not write into."""
MARKERS = frozenset(("CACHEDIR.TAG", "pyvenv.cfg"))
"""Files that say of their folder: a cache (https://bford.info/cachedir), an environment of Python."""


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The `.docsearchignore` files that hold in a folder, the outermost first; each with its folder, as in a path."""

    files: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def below(self, folder: Path, prefix: str) -> IgnoreRules:
        """These rules and those of the ignore file in `folder`, of which paths begin with `prefix`.

        Raises UsageError if the file cannot be read, or has a pattern that is none: what it means to leave out must
        not be indexed by mistake.
        """
        file = folder / IGNORE_FILE
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as err:
            raise UsageError(f"{file}: cannot be read: {err}; correct it or delete it") from err
        from pathspec import GitIgnoreSpec

        try:
            spec = GitIgnoreSpec.from_lines(lines)
        except ValueError as err:
            raise UsageError(f"{file}: {err}; its lines are patterns as in .gitignore") from err
        return IgnoreRules((*self.files, (prefix, spec)))

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether `path` is ignored: True, or False if it is taken in again; None if no pattern matches it."""
        for prefix, spec in reversed(self.files):
            relative = path[len(prefix) :] + ("/" if is_folder else "")
            if (verdict := spec.check_file(relative).include) is not None:
                return bool(verdict)
        return None


def is_excluded(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path, or its last name, matches one of the globs."""
    name = path.rpartition("/")[2]
    return any(path_matches(path, pattern) or fnmatchcase(name, pattern) for pattern in patterns)


def is_tool_folder(name: str) -> bool:
    """Whether a folder of this name is left out by default.

    >>> is_tool_folder("node_modules"), is_tool_folder("modules")
    (True, False)
    """
    return name.lower() in TOOL_FOLDERS


def is_index(folder: os.DirEntry[str]) -> bool:
    """Whether a folder is an index of docsearch."""
    return layout.catalog_file(Path(folder.path)).exists()


def marker(entries: Sequence[os.DirEntry[str]]) -> str | None:
    """The name of the file that says that a folder with these entries is a cache or an environment; None without."""
    return next((entry.name for entry in entries if entry.name in MARKERS), None)
