"""What late-interaction models that sentence-transformers opens have in common: loading, and the queries."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import UsageError
from ..records import F32, QueryVectors
from .encoder import EncoderSpec, contextual_query, shown
from .folders import ModelFolder
from .layouts import ADAPTER, Layout
from .loading import load

QUERY_BATCH = 32
NO_SINGLE: F32 = np.zeros(0, np.float32)
MIN_NORM = np.float32(1e-12)
"""Vectors of padding are all zero, and stay so."""
UNUSED_PARTS = ("pooler", "lm_head", "vision_model.head")
"""Parts of a network that embedding does not use, and that checkpoints may leave out."""


class LateInteraction:
    """A model in a folder. Its network is loaded when it is first needed. May be shared between threads."""

    def __init__(self, found: ModelFolder, spec: EncoderSpec, *, device: str) -> None:
        self.spec = spec
        self._found = found
        self._device = device
        self._using_model = threading.Lock()

    @cached_property
    def model(self) -> Any:
        """The `MultiVectorEncoder` of sentence-transformers on its device. Raises UsageError if it cannot be loaded."""
        from sentence_transformers import MultiVectorEncoder

        local = not _has_adapter(self._found)  # an adapter's base model is in another folder
        model = load(
            MultiVectorEncoder, self._found.folder, device=self._device, unused=UNUSED_PARTS, local_files_only=local
        )
        self.check(model)
        return model

    def check(self, model: Any) -> None:
        """Raise UsageError if a model that was loaded is not one of this class."""

    def prepare(self) -> None:
        """Load the network now, rather than at the first use."""
        with self._using_model:
            _ = self.model

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries; all tokens of one weigh the same. Raises UsageError for a blank query.

        A special token that is spelled out in a query is read as text: a space is put into it.
        """
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {shown(blank[0])} has nothing to search for")
        with self._using_model:
            tokenizer = self.model.tokenizer
            plain = [without_special_tokens(text, tokenizer) for text in texts]
            raw = self.model.encode_query(plain, batch_size=QUERY_BATCH, output_value=None, show_progress_bar=False)
        out = []
        for vectors, ids in (unmasked(each, self.spec.dim) for each in raw):
            tokens = tuple(tokenizer.decode([token]) for token in ids.tolist())
            out.append(contextual_query(vectors, NO_SINGLE, tokens))
        return out

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query."""
        (query,) = self.encode_queries([text])
        return query


def without_special_tokens(text: str, tokenizer: Any) -> str:
    """A text in which no special token of a tokenizer is spelled out: a space is put into each."""
    for special in tokenizer.all_special_tokens:
        text = text.replace(special, f"{special[:1]} {special[1:]}")
    return text


def unmasked(raw: Mapping[str, Any], dim: int) -> tuple[F32, np.ndarray]:
    """The unmasked vectors (T, `dim`) of one output of sentence-transformers, of unit length, and their token ids (T,).

    Vectors that are longer are truncated first (Matryoshka).
    """
    kept = raw["attention_mask"].bool().cpu()
    vectors: F32 = raw["token_embeddings"].cpu()[kept].float().numpy()[:, :dim]
    ids: np.ndarray = raw["input_ids"].cpu()[kept].numpy()
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), MIN_NORM), ids


def _has_adapter(found: ModelFolder) -> bool:
    return found.layout is not Layout.FOR_RETRIEVAL and any(True for _ in found.folder.rglob(ADAPTER))
