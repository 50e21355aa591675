"""Queries to vectors: words, pictures, both, or a page of the index, each by the side of the model that reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache

import numpy as np

from ..compression.visual_words import VisualWords
from ..errors import UsageError
from ..models.encoder import (
    BatchEncoder,
    ImageQueryEncoder,
    QueryEncoder,
    TokenQueryEncoder,
    contextual_query,
    single_query,
)
from ..records import Query, QueryVectors
from ..store import Snapshot
from . import by_example
from .instructions import without_instructions
from .operators import check_asks

CACHED_TEXTS = 512
"""Texts whose tokens are kept, about 10 MB: questions, what they imply, their words in other languages."""


class QueryEncoding:
    """Encodes queries for one snapshot. May be shared between threads: the model is used by one at a time."""

    def __init__(self, snapshot: Snapshot, encoder: QueryEncoder) -> None:
        self._snapshot = snapshot
        self._encoder = encoder
        self._using_model = threading.Lock()

    @cached_property
    def _tokens_of(self) -> Callable[[str], QueryVectors] | None:
        """The tokens of a text; None where a dense vector is needed, too: patches with visual words need none."""
        if isinstance(self._encoder, TokenQueryEncoder) and self._snapshot.has_words:
            return lru_cache(CACHED_TEXTS)(self._encoder.encode_tokens)
        return None

    @property
    def visual_words(self) -> VisualWords | None:
        """The model's visual words, if it has any."""
        found: VisualWords | None = getattr(self._encoder, "visual_words", None)
        return found

    def encode_all(self, batch: Sequence[Query], *, strict: bool) -> dict[int, QueryVectors]:
        """Encode queries, keyed by batch position; texts are batched if the model benefits.

        The vectors of such a model (`BatchEncoder`) may differ in their last bits from those of a query alone.
        A query without anything to search for is left out, or raises UsageError if `strict`.
        """
        encoded: dict[int, QueryVectors] = {}
        texts = {i: query.text for i, query in enumerate(batch) if query.image is None and query.like is None}
        if len(texts) > 1 and isinstance(self._encoder, BatchEncoder):
            with suppress(UsageError), self._using_model:  # one of them is empty: then each is tried alone
                encoded.update(zip(texts, self._encoder.encode_queries([*texts.values()]), strict=True))
        for i, query in enumerate(batch):
            try:
                if i not in encoded:
                    encoded[i] = self.encode(query)
            except UsageError:
                if strict:
                    raise
        return encoded

    def encode(self, query: Query) -> QueryVectors:
        """One query. Raises UsageError where there is nothing to search for, or the model cannot see pictures."""
        if query.image is None:
            check_asks(query.text, query.operators)
        if query.like is not None and not self._encoder.spec.dim:
            return single_query(by_example.dense_vector(self._snapshot, query.like))
        if query.like is not None:
            match_range = self._encoder.spec.match_range
            patches = by_example.page_patches(self._snapshot, query.like, match_range)
            if self._encoder.spec.reads_passages and by_example.is_passage(self._snapshot, query.like):
                return contextual_query(patches.vectors, patches.single, patches.tokens)
            return by_example.most_distinctive_patches(self._snapshot, patches, self.visual_words)
        with self._using_model:
            if query.image is None and self._tokens_of is not None:
                return self._tokens_of(query.text)
            if query.image is None:
                return self._encoder.encode_query(self._words(query.text))
            return self._encode_image(query)

    def _words(self, text: str) -> str:
        """The words of a question that a model which takes each word by itself is to look for."""
        return text if self.visual_words is None else without_instructions(text)

    def _encode_image(self, query: Query) -> QueryVectors:
        """A picture, with words or without."""
        if not isinstance(self._encoder, ImageQueryEncoder):
            raise UsageError(
                f"this index's model, {self._encoder.spec.name}, accepts text queries only; "
                "'docsearch models' lists one that accepts images, too"
            )
        assert query.image is not None
        _check_picture(query.image)
        (seen,) = self._encoder.encode_image_queries([query.image])
        if not len(seen.vectors) and self._snapshot.fingerprint["dim"] != 0:
            raise UsageError("there is nothing on the picture to search for")
        if not seen.contextual:
            seen = by_example.most_distinctive_patches(self._snapshot, seen, self.visual_words)
        return (
            by_example.combined(self._encoder.encode_query(self._words(query.text)), seen)
            if query.text.strip()
            else seen
        )


def _check_picture(image: object) -> None:
    """Raise UsageError unless a picture is an array (H, W, 3) of uint8."""
    if isinstance(image, np.ndarray):
        if image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8 and image.size:
            return
        found = f"one of {image.dtype}, {image.shape}"
    else:
        found = f"a {type(image).__name__}"
    raise UsageError(
        f"a picture to search by is an array (height, width, 3) of uint8, not {found}; of a file: "
        "numpy.asarray(PIL.Image.open(FILE).convert('RGB'))"
    )
