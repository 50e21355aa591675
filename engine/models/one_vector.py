"""Dense visual models: one vector per page, from sentence-transformers or the two towers of CLIP and SigLIP.

Stage 1 is the whole search: the cosine of the question's vector with each page's. There are no patch vectors, hence no
MaxSim and no heat maps.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import UsageError
from ..records import F32, U8, PageImage, PageVectors, QueryVectors, Ragged
from . import folders, published
from .encoder import EmbeddedPages, EncoderSpec, TextVectors, shown, single_query
from .folders import ModelFolder
from .late_interaction import MIN_NORM, UNUSED_PARTS
from .layouts import Layout
from .loading import load

BATCH = 8
NOTICE = "{}: one vector per page; pages are found by their cosine with the question, and there are no heat maps"


def describe(name: str, *, download: bool = False) -> tuple[ModelFolder, EncoderSpec]:
    """The folder of a model and its spec, from its JSON files and the headers of its weights; UsageError as `find`."""
    found = folders.find(name, download=download)
    if found.layout is not Layout.DENSE:
        raise UsageError(f"{name}: not a model with one vector per page")
    spec = published.make_spec(
        found.name.full, "one vector per page, from its picture", "see the model's own page", found.parameters, dim=0
    )
    described = replace(
        spec, revision=found.revision, single_dim=found.dim, notice=NOTICE.format(found.name.base), present=True
    )
    return found, described


class OneVector:
    """A model in a folder. Its network is loaded when it is first needed. May be shared between threads."""

    def __init__(self, found: ModelFolder, spec: EncoderSpec, *, device: str) -> None:
        self.spec = spec
        self._found = found
        self._device = device
        self._using_model = threading.Lock()

    @staticmethod
    def open(name: str, *, device: str = "auto") -> OneVector:
        """Open the model `name`, which is on this machine; UsageError if it is not. Needs sentence-transformers."""
        return OneVector(*describe(name), device=device)

    @cached_property
    def model(self) -> Any:
        """The `SentenceTransformer` on its device. Raises UsageError if it cannot be loaded."""
        from sentence_transformers import SentenceTransformer

        model = load(SentenceTransformer, self._found.folder, device=self._device, unused=UNUSED_PARTS)
        if not model.supports("image"):
            raise UsageError(f"{self._found.folder}: comes with settings for images, but embeds text only")
        return model

    def prepare(self) -> None:
        """Load the network now, rather than at the first use."""
        with self._using_model:
            _ = self.model

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages: each has one dense vector, and no patch vectors."""
        single = self._encode_images([page.pixels for page in pages]).astype(np.float16)
        none = Ragged(np.zeros((0, 0), np.float16), np.zeros(len(pages) + 1, np.int64))
        refs = tuple(page.ref for page in pages)
        return EmbeddedPages(PageVectors(refs, none, np.zeros((0, 4), np.uint16), single), words=None)

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries, each as one dense vector. Raises UsageError for a blank query."""
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {shown(blank[0])} has nothing to search for")
        with self._using_model:
            raw = self.model.encode_query([*texts], batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        return [single_query(vector) for vector in self._unit(raw)]

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query."""
        (query,) = self.encode_queries([text])
        return query

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) as queries, each as one dense vector."""
        return [single_query(vector) for vector in self._encode_images(images)]

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Embed texts as documents, each as one dense vector."""
        with self._using_model:
            raw = self.model.encode_document([*texts], batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        none = Ragged(np.zeros((0, 0), np.float32), np.zeros(len(texts) + 1, np.int64))
        return TextVectors(none, self._unit(raw))

    def _encode_images(self, images: Sequence[U8]) -> F32:
        """One vector (N, S) of unit length for each image."""
        from PIL import Image

        pictures = [Image.fromarray(pixels) for pixels in images]
        with self._using_model:
            raw = self.model.encode_document(pictures, batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        return self._unit(raw)

    def _unit(self, raw: Any) -> F32:
        """Vectors (N, S), truncated to the dimension that was asked for, of unit length."""
        vectors: F32 = np.asarray(raw, np.float32)
        if vectors.shape[1] < self.spec.single_dim:
            raise UsageError(
                f"{self._found.folder}: its vectors have {vectors.shape[1]} numbers, its files say "
                f"{self.spec.single_dim}"
            )
        cut = vectors[:, : self.spec.single_dim]
        unit: F32 = cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), MIN_NORM)
        return unit
