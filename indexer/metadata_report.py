"""What became of the columns that users give documents, in a run of `index`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MetadataReport:
    """What became of metadata: the `columns` with their types, how many documents have `changed` values, and
    `problems`: rows that match no document, and files beside documents that were not read.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    changed: int = 0
    problems: tuple[str, ...] = ()
