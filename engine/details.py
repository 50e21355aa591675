"""What a hit tells besides its rank: the passage of its text that matches, and what its document says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Snippet:
    """A passage of a page's text on one line, and the `spans` in it that match the question: first and last + 1
    characters, in order, without overlaps.
    """

    text: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """A word of a question that the model sees on a page: its best match there, `score` in 0..1, and where that is."""

    word: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class HitDetails:
    """What a hit tells besides its rank: the page's `text`, or "", with the `snippet` around the question's words, None
    without a text layer; there, the `recognised` words. `label` is the page's number as its document has it ("iv"), ""
    where that is none; `title` is the document's, or ""; `modified` when its file was changed, in ISO 8601.
    """

    text: str = ""
    snippet: Snippet | None = None
    recognised: tuple[RecognisedWord, ...] = ()
    label: str = ""
    title: str = ""
    modified: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The details as a JSON object, without the page's whole text."""
        passage = self.snippet
        return {
            "label": self.label,
            "title": self.title,
            "modified": self.modified,
            "snippet": None
            if passage is None
            else {"text": passage.text, "spans": [list(each) for each in passage.spans]},
            "recognised": [{"word": each.word, "score": each.score, "box": list(each.box)} for each in self.recognised],
        }
