"""How far an upload is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """Progress of an upload: `pages_done` of `pages_total` pages are embedded; the total is None until it is known.

    `place` is how many uploads are ahead of one that waits, 0 otherwise.
    """

    upload: str
    name: str
    state: Literal["waiting", "indexing", "done", "failed"] = "waiting"
    pages_done: int = 0
    pages_total: int | None = None
    doc_id: str | None = None
    error: str | None = None
    place: int = 0

    @property
    def is_final(self) -> bool:
        """Whether it will not change any more."""
        return self.state in ("done", "failed")
