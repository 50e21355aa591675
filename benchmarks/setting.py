"""What a case gets and gives: where things lie, the rows it yields, and the two ways in which it can decline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

Row = dict[str, str | int | float | dict[str, float] | None]
"""One line of a result: "what" was measured, then figures with their units in their names, or why it was "skipped".
"peers" of the same run are one figure, the milliseconds of each by its name.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run finds its documents and keeps its indexes. `corpora` is None where there are none."""

    corpora: Path | None
    cache: Path = REPOSITORY / ".bench"
    sample_docs: Path = REPOSITORY / "sample_docs"

    def corpus(self, name: str) -> Path:
        """A folder of the corpora; raises Skipped without it."""
        if self.corpora is None:
            raise Skipped(f"needs the corpus {name}: set DOCSEARCH_CORPORA or give --corpora DIR")
        folder = self.corpora / name
        if not folder.is_dir():
            raise Skipped(f"needs the corpus {name}: {folder} is not a folder")
        return folder


class Skipped(Exception):
    """This machine lacks what the case needs."""


class Refused(Exception):
    """The case ran and what it found may not be reported: a result is wrong, or a command failed."""
