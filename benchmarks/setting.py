"""The interface between the command and a case: its setting, its rows, and the exceptions it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

Row = dict[str, str | int | float | dict[str, float] | None]
"""One line of a result: "what" was measured, then figures with their units in their names, or why it was "skipped".

"peers" has the milliseconds of each peer in the same run, by name.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run finds its documents and keeps its indexes. `corpora` is None if there are no corpora."""

    corpora: Path | None
    cache: Path = REPOSITORY / ".bench"
    sample_docs: Path = REPOSITORY / "sample_docs"

    def corpus(self, name: str) -> Path:
        """A folder of the corpora; raises Skipped if it is missing."""
        if self.corpora is None:
            raise Skipped(f"needs the corpus {name}: set DOCSEARCH_CORPORA or give --corpora DIR")
        folder = self.corpora / name
        if not folder.is_dir():
            raise Skipped(f"needs the corpus {name}: {folder} is not a folder")
        return folder


class Skipped(Exception):
    """This machine lacks something that the case needs."""


class Refused(Exception):
    """The case ran, but its results must not be reported: one is wrong, or a command failed."""
