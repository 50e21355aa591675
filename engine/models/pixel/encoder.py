"""The embedded model with both of its sides, for programs that embed pages and queries themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...compression.visual_words import VisualWords
from ...errors import UsageError
from ...records import F16, U8, U16, PageImage, QueryVectors
from ..encoder import EmbeddedPages, EncoderSpec, TextVectors
from .pages import PixelPages
from .queries import encode_image_query
from .text import PixelText


@dataclass(frozen=True)
class Pixel:
    """The page side and the text side of the model."""

    pages: PixelPages
    text: PixelText

    @property
    def spec(self) -> EncoderSpec:
        return self.text.spec

    @property
    def visual_words(self) -> VisualWords:
        return self.text.visual_words

    @staticmethod
    def load(folder: Path | None = None) -> Pixel:
        """Read the weights that ship with the package, or those in the `folder` of a fine-tuned model."""
        return Pixel(PixelPages.load(folder), PixelText.load(folder))

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages; see `PixelPages.encode_pages`."""
        return self.pages.encode_pages(pages)

    @property
    def batch_pages(self) -> int:
        """See `PixelPages.batch_pages`."""
        return self.pages.batch_pages

    def prepare_pages(self, pages: Sequence[PageImage]) -> object:
        """See `PixelPages.prepare_pages`."""
        return self.pages.prepare_pages(pages)

    def encode_prepared(self, prepared: object) -> EmbeddedPages:
        """See `PixelPages.encode_prepared`."""
        return self.pages.encode_prepared(prepared)

    def assign(self, vectors: F16) -> U16:
        """The nearest visual word of each vector (T, D); see `PixelPages.assign`."""
        return self.pages.assign(vectors)

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query; see `PixelText.encode_query`."""
        return self.text.encode_query(text)

    def encode_tokens(self, text: str) -> QueryVectors:
        """Embed one query without its dense vector; see `PixelText.encode_tokens`."""
        return self.text.encode_tokens(text)

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries, in the order given."""
        return [self.text.encode_query(text) for text in texts]

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) as queries; see `queries.encode_image_query`."""
        return [encode_image_query(self.pages, pixels) for pixels in images]

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Raises UsageError: the model embeds what is printed on an image, and a text has none."""
        raise UsageError(
            f"{self.spec.name} embeds images of pages only; "
            f"render the {len(texts)} texts as pages, or use another model"
        )
