"""What a hit tells besides its rank: the passage of its text that matches, what its document says, its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from .records import U8, PageRef


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
    where that is none; `title` is the document's, or ""; `modified` when its file was changed, in ISO 8601. The
    program `ocr_engine` read the text by OCR; "" for that of a text layer.
    """

    text: str = ""
    snippet: Snippet | None = None
    recognised: tuple[RecognisedWord, ...] = ()
    label: str = ""
    title: str = ""
    modified: str = ""
    ocr_engine: str = ""

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
            **({"ocr_engine": self.ocr_engine} if self.ocr_engine else {}),
        }


class HitSource(Protocol):
    """The open index that a hit was found in."""

    def __call__(self, ref: PageRef) -> HitDetails:
        """The details of a page, for the question that found it. Raises UsageError where the index is closed."""
        ...

    def page(self, ref: PageRef) -> U8:
        """The page as (H, W, 3) uint8. Raises UsageError or DocumentError where it cannot be shown."""
        ...

    def page_with_matches(self, ref: PageRef) -> U8:
        """The page with its heat map, (H, W, 3) uint8; raises what `page` raises."""
        ...


class DescribedHit:
    """The part of a `Hit` that reads its index, when it is asked, and its document.

    All of it raises UsageError where the index was closed, and for a hit that was pickled, which has no index.
    """

    __slots__ = ()

    ref: PageRef
    source: HitSource | None
    lines: tuple[int, int] | None

    @property
    def place(self) -> str:
        """Where the hit is, for people: "report.pdf, page 3", or "main.py:120-160" for lines of a text file."""
        return line_place(self.ref.path, self.lines) if self.lines else f"{self.ref.path}, page {self.ref.page}"

    @property
    def details(self) -> HitDetails:
        """What the page and its document say, all at once."""
        return self._source()(self.ref)

    @property
    def text(self) -> str:
        """The page's text layer, or ""."""
        return self.details.text

    @property
    def snippet(self) -> Snippet | None:
        """The passage of the text that matches, None without a text layer."""
        return self.details.snippet

    @property
    def label(self) -> str:
        """The page's number as its document has it, "" where that is the same."""
        return self.details.label

    @property
    def title(self) -> str:
        """The document's title, or ""."""
        return self.details.title

    @property
    def modified(self) -> str:
        """When the document's file was changed, in ISO 8601."""
        return self.details.modified

    def image(self) -> Image.Image:
        """The page as a picture, rendered again from its document or from a copy of that.

        Raises UsageError where the document is gone, and DocumentError where the page cannot be rendered.
        """
        from PIL import Image

        return Image.fromarray(self._source().page(self.ref))

    def heatmap(self) -> Image.Image:
        """The page as a picture, with what matches the question marked on it.

        Raises what `image` raises, and UsageError for a hit of `more_like`, which no words found.
        """
        from PIL import Image

        return Image.fromarray(self._source().page_with_matches(self.ref))

    def _source(self) -> HitSource:
        if self.source is None:
            raise UsageError(f"{self.ref.path}, page {self.ref.page}: this hit does not know its index")
        return self.source


def line_place(path: str, lines: Sequence[int]) -> str:
    """Lines of a file, `lines` the first and the last, as editors and compilers write them.

    >>> line_place("main.py", (120, 160)), line_place("main.py", (7, 7))
    ('main.py:120-160', 'main.py:7')
    """
    first, last = lines
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"
