"""A toy model and collections for it: a page is a set of words, and each word is a random direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from docsearch.engine.compression.visual_words import VisualWords
from docsearch.engine.errors import UsageError
from docsearch.engine.models.encoder import EncoderSpec
from docsearch.engine.ocr_text import OcrText
from docsearch.engine.records import PageRef, PagesToStore, PageVectors, QueryVectors, Ragged
from docsearch.engine.store import open_writer

WORDS, DIM, WIDTH = 300, 64, 512
SPEC = EncoderSpec("toy", "1", "words as directions", "Apache-2.0", 0, DIM, WIDTH, WORDS, 100.0, 10_000)


def directions() -> np.ndarray:
    vectors = np.random.default_rng(5).standard_normal((WORDS, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class ToyEncoder:
    """Encodes queries of words "w0" to "w299", separated by spaces; with `pairs`, neighbouring words form pairs."""

    spec = SPEC

    def __init__(self, *, pairs: bool = False) -> None:
        self.visual_words = VisualWords(directions(), WIDTH)
        self._pairs = pairs

    def encode_query(self, text: str) -> QueryVectors:
        words = [int(t[1:]) for t in text.split()]
        if not words:
            raise UsageError("no word")
        vectors = directions()[words]
        weights = np.full(len(words), 1 / len(words), np.float32)
        single = self.visual_words.query_vector(vectors, weights)
        rows = np.array([*pairwise(range(len(words)))] if self._pairs else [], np.int64).reshape(-1, 2)
        return QueryVectors(vectors, weights, single, tuple(text.split()), 0.5, pairs=rows)


def line_of_boxes(words: int) -> np.ndarray:
    """Boxes of words on one line: each is near the next two, and not near those after."""
    left = 1000 * np.arange(words)
    return np.stack([left, np.zeros(words), left + 900, np.full(words, 300)], axis=1).astype(np.uint16)


def write(
    directory: Path,
    pages: Mapping[str, list[list[int]]],
    codec: str | None = None,
    *,
    noise: float = 0.03,
    sha256: Callable[[str], str] = str,
    texts: Mapping[str, list[str]] | None = None,
    headings: Mapping[str, list[str]] | None = None,
    ocr: Mapping[str, list[OcrText | None]] | None = None,
    fingerprint: Mapping[str, Any] = SPEC.fingerprint,
) -> None:
    """Write an index of documents, each a list of pages, each a list of word numbers; vectors have some noise.

    `sha256` gives the hash of a document's bytes from its path: documents with the same one are copies. `texts` are the
    text layers of a document's pages, by its path, `headings` those of its pages, and `ocr` what read them;
    `fingerprint` is the model's.
    """
    rng = np.random.default_rng(1)
    visual_words = VisualWords(directions(), WIDTH)
    with open_writer(directory, fingerprint=fingerprint, codec=codec, codebook=visual_words.codebook) as writer:
        for path, contents in pages.items():
            doc_id = writer.begin_document(path, sha256(path), 1, 1, len(contents)).doc_id
            noisy = [directions()[page] + noise * rng.standard_normal((len(page), DIM)) for page in contents]
            vectors = Ragged.of([v.astype(np.float16).reshape(-1, DIM) for v in noisy])
            words = Ragged(visual_words.assign(vectors.values.astype(np.float32)), vectors.offsets)
            refs = tuple(PageRef(doc_id, path, i + 1) for i in range(len(contents)))
            boxes = np.concatenate([line_of_boxes(len(page)) for page in contents])
            embedded = PageVectors(refs, vectors, boxes, visual_words.page_vectors(words))
            none = [""] * len(refs)
            writer.add_pages(
                PagesToStore(
                    embedded,
                    (texts or {}).get(path, none),
                    np.ones((len(refs), 2)),
                    words.values,
                    headings=(headings or {}).get(path, none),
                    ocr=(ocr or {}).get(path),
                )
            )
            writer.finish_document(doc_id, len(contents))
