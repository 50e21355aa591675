"""Both sides of the embedded model in one value, for programs that embed pages and questions themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError
from ...records import F16, U8, U16, PageImage, QueryVectors
from ..encoder import EmbeddedPages, EncoderSpec, TextVectors
from .pages import PixelPages
from .queries import seen
from .text import PixelText


@dataclass(frozen=True)
class Pixel:
    """The page side and the text side."""

    pages: PixelPages
    text: PixelText

    @property
    def spec(self) -> EncoderSpec:
        return self.text.spec

    @staticmethod
    def load(folder: Path | None = None, *, device: str = "auto") -> Pixel:
        """Read the weights that ship with the package, or those in the `folder` of a fine-tuned model."""
        return Pixel(PixelPages.load(folder, device=device), PixelText.load(folder))

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages, see `PixelPages.encode_pages`."""
        return self.pages.encode_pages(pages)

    def assign(self, vectors: F16) -> U16:
        """The nearest visual word of each vector (T, D), see `PixelPages.assign`."""
        return self.pages.assign(vectors)

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query, see `PixelText.encode_query`."""
        return self.text.encode_query(text)

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries in the order given."""
        return [self.text.encode_query(text) for text in texts]

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed pictures (H, W, 3), see `queries.seen`."""
        return [seen(self.pages, pixels) for pixels in images]

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Refused: a text that nobody drew has no pixels to look at."""
        raise UsageError(
            f"{self.spec.name} embeds pictures of pages only; draw the {len(texts)} texts, or use another model"
        )
