"""Late-interaction models opened with sentence-transformers: ColPali, ColQwen2, ColModernVBERT and others like them.

Any model that its `MultiVectorEncoder` opens with trained weights will do: those that embed pictures of pages are
`MultiVector`, those that embed text read the text layers of pages (`late_text`). Such models have no single vector per
page: stage 1 looks patches up in an inverted index, whose visual words are learned from the patches of each index.
Faysse et al., "ColPali: Efficient Document Retrieval with Vision Language Models", 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from math import isqrt
from typing import Any

import numpy as np

from ..errors import UsageError
from ..records import F16, F32, U8, U16, WHOLE_PAGE, PageImage, PageVectors, QueryVectors, Ragged
from . import folders, layouts, published
from .encoder import EmbeddedPages, EncoderSpec, TextVectors, contextual_query
from .folders import ModelFolder
from .grid_boxes import grid_boxes
from .late_interaction import NO_SINGLE, LateInteraction, unmasked
from .late_text import LateText
from .layouts import Layout
from .published import PUBLISHED

PAGE_BATCH = 4


def published_specs() -> list[EncoderSpec]:
    """The published models; `present` says whether they are in the hub's cache."""
    return [replace(spec, present=folders.is_cached(spec.name)) for spec in PUBLISHED]


def describe(name: str, *, download: bool = False) -> tuple[ModelFolder, EncoderSpec]:
    """The folder of a model and its spec, from its JSON files and the headers of its weights.

    Raises UsageError if there is no such folder, or it has no trained projection.
    """
    found = folders.find(name, download=download)
    reads_text = not layouts.reads_images(found.folder, found.layout)
    how = "embeds text layers" if reads_text else "embeds pictures of pages"
    known = published.named(found.name.base)
    spec = known or published.make_spec("", f"late interaction; {how}", "see the model's own page", found.parameters)
    described = replace(
        spec,
        name=found.name.full,
        revision=found.revision,
        dim=found.dim,
        present=True,
        reads_passages=reads_text,
    )
    return found, described


def open_model(name: str, *, device: str = "auto") -> MultiVector | LateText:
    """Open the model `name`, which is on this machine; UsageError if it is not. Needs sentence-transformers."""
    found, spec = describe(name)
    if layouts.reads_images(found.folder, found.layout):
        return MultiVector(found, spec, device=device)
    return LateText(found, spec, device=device)


class MultiVector(LateInteraction):
    """A model that embeds pictures of pages."""

    @staticmethod
    def open(name: str, *, device: str = "auto") -> MultiVector:
        """Open the model `name`, which is on this machine; UsageError if it is not, or embeds text only."""
        opened = open_model(name, device=device)
        if not isinstance(opened, MultiVector):
            raise UsageError(f"{name}: this model embeds text only")
        return opened

    def check(self, model: Any) -> None:
        """Raise UsageError if the model does not embed images; give ColModernVBERT its prompts."""
        from transformers import ColModernVBertProcessor

        from .tiles import PromptedProcessor

        if not model.supports("image"):
            raise UsageError(f"{self._found.folder}: comes with settings for images, but embeds text only")
        if self._found.layout is Layout.FOR_RETRIEVAL and isinstance(model.processor, ColModernVBertProcessor):
            first: Any = model[0]
            first.processor = PromptedProcessor.from_pretrained(self._found.folder)

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages. Vectors whose place on the page is unknown have the whole page as their box."""
        encoded = self._encode_images([page.pixels for page in pages])
        boxes = [self._boxes(page.pixels, ids) for page, (_, ids) in zip(pages, encoded, strict=True)]
        vectors = Ragged.of([rows.astype(np.float16) for rows, _ in encoded])
        refs = tuple(page.ref for page in pages)
        none: F16 = np.zeros((len(pages), 0), np.float16)
        return EmbeddedPages(PageVectors(refs, vectors, np.concatenate(boxes), none), words=None)

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) as queries: their image tokens, without those of the prompt."""
        out = []
        for vectors, ids in self._encode_images(images):
            is_image = ids == self._image_token
            kept = vectors[is_image] if is_image.any() else vectors
            out.append(contextual_query(kept, NO_SINGLE, ("",) * len(kept)))
        return out

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Raises UsageError: these models have no prompt for documents that are text."""
        raise UsageError(f"{self.spec.name} embeds images of pages only; render the {len(texts)} texts as pages")

    def _encode_images(self, images: Sequence[U8]) -> list[tuple[F32, np.ndarray]]:
        """Of each image, vectors (T, D) of unit length and the token ids (T,) that they belong to."""
        from PIL import Image

        pictures = [Image.fromarray(pixels) for pixels in images]
        with self._using_model:
            raw = self.model.encode_document(
                pictures, batch_size=PAGE_BATCH, output_value=None, show_progress_bar=False
            )
        return [unmasked(each, self.spec.dim) for each in raw]

    @cached_property
    def _image_token(self) -> int:
        """The id of the token that stands for a part of a page; -1 if the processor tells none."""
        processor = self.model.processor
        if (known := getattr(processor, "image_token_id", None)) is not None:
            return int(known)
        token = getattr(processor, "image_token", None)
        return -1 if token is None else int(self.model.tokenizer.convert_tokens_to_ids(str(token)))

    @cached_property
    def _tiles(self) -> dict[int, tuple[int, int]]:
        from .tiles import tile_tokens

        return tile_tokens(self.model.tokenizer.get_vocab())

    def _boxes(self, pixels: U8, ids: np.ndarray) -> U16:
        """The boxes (T, 4) uint16 of a page's tokens `ids` (T,), if the model reads the page as a grid or in tiles.

        Other tokens, such as those of the prompt, have the whole page as their box.
        """
        from sentence_transformers.multi_vector_encoder.interpretability import get_n_patches

        from .tiles import tile_boxes

        out = np.tile(WHOLE_PAGE, (len(ids), 1))
        try:
            if self._tiles:
                image_tokens, boxes = tile_boxes(ids, self._image_token, self._tiles)
                out[image_tokens] = boxes
                return out
            columns, rows = get_n_patches(self.model, (pixels.shape[1], pixels.shape[0]))
        except ValueError:  # a processor that does not say; it may scale every page to one square
            columns = rows = self._side_of_square(int(np.count_nonzero(ids == self._image_token)))
        except (NotImplementedError, KeyError, TypeError, AttributeError):
            return out  # a processor that tells no grid
        image_tokens = np.flatnonzero(ids == self._image_token)
        if len(image_tokens) == rows * columns:
            out[image_tokens] = grid_boxes(rows, columns)
        return out

    def _side_of_square(self, count: int) -> int:
        """The side of the grid of `count` image tokens, if the model scales every page to a square; else 0."""
        size = getattr(getattr(self.model.processor, "image_processor", None), "size", None) or {}
        height, width = (dict(size).get(side) for side in ("height", "width"))
        side = isqrt(count)
        return side if height is not None and height == width and side * side == count else 0
