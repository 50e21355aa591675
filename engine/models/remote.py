"""Vectors from a server: vLLM's `/pooling`, Infinity's and OpenAI's `/embeddings`, TEI's `/embed` and `/embed_all`.

A model's name is the URL of the endpoint with settings: "http://gpu:8000/pooling,model=OWNER/NAME". The model behind it
is told by its answer to a fixed text (`probes`), which an index records.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property

import numpy as np

from .. import probes
from ..errors import UsageError
from ..records import F32, U8, WHOLE_PAGE, PageImage, PageVectors, QueryVectors, Ragged
from . import published
from .encoder import EmbeddedPages, EncoderSpec, TextVectors, contextual_query, shown, single_query
from .late_interaction import MIN_NORM, NO_SINGLE
from .remote_protocols import parse

PROBE = "What was the revenue of the year 2023, by quarter?"
PASSAGE_CHARS = 1_200
"""Characters of a text layer that are embedded together for many vectors: about 300 tokens."""


class Remote:
    """A model behind an endpoint. May be shared between threads."""

    def __init__(self, name: str) -> None:
        """Ask the endpoint `name` for its probe. Raises UsageError if it does not answer with vectors."""
        self._endpoint = parse(name)
        self.spec = self._describe()

    def _describe(self) -> EncoderSpec:
        endpoint = self._endpoint
        (answer,) = endpoint.texts([endpoint.query_prompt + PROBE])
        width = answer.shape[-1]
        if endpoint.dim is not None and endpoint.dim > width:
            raise UsageError(f"--model {endpoint.name}: dim={endpoint.dim}, but its vectors have {width} numbers")
        probe = probes.encoded(np.atleast_2d(answer))
        dim = endpoint.dim or width
        what = "pictures" if endpoint.reads_pictures else "text layers"
        one = answer.ndim == 1
        spec = published.make_spec(
            endpoint.name, f"vectors of {what} from a server", "see the model's own page", 0, dim=0 if one else dim
        )
        how = "one vector per page" if one else "a server does not tell where on a page its vectors lie"
        notice = f"{endpoint.url}: pages are sent there; {how}, so there are no heat maps"
        return replace(
            spec,
            revision=endpoint.model or "as served",
            single_dim=dim if one else 0,
            settings=((probes.SETTING, probe), ("prompts", f"{endpoint.query_prompt}|{endpoint.page_prompt}")),
            notice=notice,
            present=True,
            reads_passages=not endpoint.reads_pictures,
        )

    @cached_property
    def _is_single(self) -> bool:
        return self.spec.single_dim > 0

    def prepare(self) -> None:
        """Nothing is loaded: the endpoint answered when it was opened."""

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages, by their pictures or their text layers. Raises UsageError if the server fails for good.

        A page without a text layer has no vectors, or a vector of zeros, if the model reads text layers.
        """
        if self._endpoint.reads_pictures:
            vectors = self._all_pictures([page.pixels for page in pages])
        else:
            vectors = self._all_texts([page.text for page in pages])
        refs = tuple(page.ref for page in pages)
        if self._is_single:
            none = Ragged(np.zeros((0, 0), np.float16), np.zeros(len(pages) + 1, np.int64))
            single = np.concatenate(vectors).astype(np.float16)
            return EmbeddedPages(PageVectors(refs, none, np.zeros((0, 4), np.uint16), single), words=None)
        packed = Ragged.of([each.astype(np.float16) for each in vectors])
        boxes = np.tile(WHOLE_PAGE, (len(packed.values), 1))
        return EmbeddedPages(PageVectors(refs, packed, boxes, np.zeros((len(pages), 0), np.float16)), words=None)

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries; all tokens of one weigh the same. Raises UsageError for a blank query."""
        if blank := [text for text in texts if not text.strip()]:
            raise UsageError(f"the query {shown(blank[0])} has nothing to search for")
        found = self._endpoint.texts([self._endpoint.query_prompt + text for text in texts])
        return [self._query(self._unit(vectors)) for vectors in found]

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query."""
        (query,) = self.encode_queries([text])
        return query

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) as queries. Raises UsageError if the model reads text."""
        if not self._endpoint.reads_pictures:
            raise UsageError(f"this index's model, {self.spec.name}, accepts text queries only")
        return [self._query(vectors) for vectors in self._all_pictures(images)]

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Embed texts as documents."""
        vectors = self._all_texts(texts)
        if self._is_single:
            none = Ragged(np.zeros((0, 0), np.float32), np.zeros(len(texts) + 1, np.int64))
            return TextVectors(none, np.concatenate(vectors))
        return TextVectors(Ragged.of(vectors), np.zeros((len(texts), 0), np.float32))

    def _query(self, vectors: F32) -> QueryVectors:
        if self._is_single:
            return single_query(vectors[0])
        return contextual_query(vectors, NO_SINGLE, ("",) * len(vectors))

    def _all_pictures(self, images: Sequence[U8]) -> list[F32]:
        with ThreadPoolExecutor(self._endpoint.batch) as pool:  # a server puts requests together to batches
            return [self._unit(each) for each in pool.map(self._endpoint.picture, images)]

    def _all_texts(self, texts: Sequence[str]) -> list[F32]:
        """The vectors (T, D) of each text; those of many vectors are cut into passages."""
        passages = [[text] if self._is_single and text.strip() else _passages(text) for text in texts]
        every = [self._endpoint.page_prompt + passage for own in passages for passage in own]
        found = iter([self._unit(each) for each in self._endpoint.texts(every)])
        width = self.spec.single_dim or self.spec.dim
        none: F32 = np.zeros((1 if self._is_single else 0, width), np.float32)
        return [np.concatenate([next(found) for _ in own]) if own else none for own in passages]

    def _unit(self, answer: F32) -> F32:
        """The vectors (T, D) of an answer, truncated to the model's dimension, of unit length."""
        width = self.spec.single_dim or self.spec.dim
        if (answer.ndim == 1) != self._is_single or answer.shape[-1] < width:
            raise UsageError(
                f"{self._endpoint.url}: answered with vectors of shape {answer.shape}; at first it was "
                f"{'one vector' if self._is_single else 'many vectors'} of {width} numbers or more"
            )
        cut = np.atleast_2d(answer)[:, :width]
        unit: F32 = cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), MIN_NORM)
        return unit


def _passages(text: str) -> list[str]:
    """A text in pieces of at most PASSAGE_CHARS characters, cut at white space; none of a blank text."""
    pieces: list[str] = []
    for word in text.split():
        if pieces and len(pieces[-1]) + 1 + len(word) <= PASSAGE_CHARS:
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    return pieces
