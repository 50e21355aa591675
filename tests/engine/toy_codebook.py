"""Encodes random vectors with any codec: for residual with the nearest of a few random visual words."""

from __future__ import annotations

import numpy as np

from docsearch.engine.compression import codecs
from docsearch.engine.compression.codecs import Coded
from docsearch.engine.compression.residual import Codebook

WORDS = 50


def codebook(dim: int) -> Codebook:
    vectors = np.random.default_rng(dim).standard_normal((WORDS, dim))
    return Codebook((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16))


def nearest(values: np.ndarray, book: Codebook) -> np.ndarray:
    similarity = np.einsum("td,vd->tv", values.astype(np.float32), book.centroids.astype(np.float32), optimize=False)
    return similarity.argmax(axis=1).astype(np.uint16)


def encoded(codec: str, values: np.ndarray) -> Coded:
    if codec != "residual":
        return codecs.encode(codec, values)
    book = codebook(values.shape[1])
    return codecs.encode(codec, values, nearest(values, book), book)
