"""Indexes of pages with dense vectors, in clusters around a common offset, and queries around another offset."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
from docsearch.engine.store import open_writer

DIM = 64
FINGERPRINT: dict[str, str | int] = {"name": "toy single", "revision": "1", "dim": 4, "single_dim": DIM}


def vectors(pages: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    """Dense vectors (pages, dim) float16 of unit length."""
    return _around(1, np.random.default_rng(seed), pages, dim).astype(np.float16)


def queries(count: int, dim: int = DIM) -> np.ndarray:
    """Query vectors (count, dim) float32 of unit length, from the clusters of the pages around another offset."""
    return _around(2, np.random.default_rng(98), count, dim).astype(np.float32)


def _around(offset: int, rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    clusters = np.random.default_rng(99).standard_normal((100, dim))
    found = np.random.default_rng(offset).standard_normal(dim) + clusters[rng.integers(0, len(clusters), count)]
    found += 0.7 * rng.standard_normal((count, dim))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def add(directory: Path, name: str, single: np.ndarray) -> None:
    """Commit a document of pages with these dense vectors (P, S), in a segment of its own."""
    pages = len(single)
    with open_writer(directory, fingerprint={**FINGERPRINT, "single_dim": single.shape[1]}) as writer:
        doc_id = writer.begin_document(f"{name}.pdf", name, 1, 1, pages).doc_id
        refs = tuple(PageRef(doc_id, f"{name}.pdf", i + 1) for i in range(pages))
        one_each = Ragged(np.ones((pages, 4), np.float16), np.arange(pages + 1))
        embedded = PageVectors(refs, one_each, np.zeros((pages, 4), np.uint16), single)
        writer.add_pages(PagesToStore(embedded, [""] * pages, np.ones((pages, 2)), None))
        writer.finish_document(doc_id, pages)
