"""Indexes of a toy contextual model, with dense vectors or without, whose documents span segments; its searchers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from docsearch.cluster.search.fan_out import Call
from docsearch.cluster.search.pages import ShardedPages, open_sharded_pages
from docsearch.cluster.search.shard import Shard
from docsearch.engine.hits import Hits
from docsearch.engine.models.encoder import EncoderSpec, QueryEncoder
from docsearch.engine.records import PageRef, PagesToStore, PageVectors, QueryVectors, Ragged
from docsearch.engine.searcher import Searcher
from docsearch.engine.store import open_writer

DIM, WORDS, PATCHES = 32, 40, 24


def directions() -> np.ndarray:
    vectors = np.random.default_rng(7).standard_normal((WORDS, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class LateEncoder:
    """Encodes questions of words "w0" to "w39", which depend on each other."""

    def __init__(self, dense_dim: int) -> None:
        self.spec = EncoderSpec("late", "1", "late interaction", "Apache-2.0", 0, DIM, dense_dim, 0, 100.0, 10_000)

    def encode_query(self, text: str) -> QueryVectors:
        vectors = directions()[[int(word[1:]) for word in text.split()]]
        vectors = vectors + 0.1 * vectors.mean(axis=0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        weights = np.full(len(vectors), 1 / len(vectors), np.float32)
        single = vectors.mean(axis=0)[: self.spec.single_dim].astype(np.float32)
        return QueryVectors(vectors, weights, single, tuple(text.split()), contextual=True)


def write(directory: Path, dense_dim: int, *, first: int = 0, documents: int = 6, pages: int = 30) -> None:
    """Documents of `pages` pages each; every one begins in one segment and ends in the next, some are copies."""
    rng = np.random.default_rng(3)
    with open_writer(directory, fingerprint=LateEncoder(dense_dim).spec.fingerprint) as writer:
        for number in range(first, documents):
            path, content = f"{number}.pdf", number % 5  # the last one is a copy of the first
            drawn = np.random.default_rng(content)
            doc_id = writer.begin_document(path, str(content), 1, 1, pages).doc_id
            for start, last in ((0, pages // 3), (pages // 3, pages)):
                words = drawn.integers(0, WORDS, (last - start, PATCHES))
                found = directions()[words] + 0.05 * drawn.standard_normal((last - start, PATCHES, DIM))
                vectors = Ragged.of([page.astype(np.float16) for page in found])
                refs = tuple(PageRef(doc_id, path, page + 1) for page in range(start, last))
                single = found.mean(axis=1)[:, :dense_dim].astype(np.float16)
                boxes = np.tile(rng.integers(0, 9000, (PATCHES, 4)), (last - start, 1)).astype(np.uint16)
                embedded = PageVectors(refs, vectors, boxes, single)
                sizes = np.ones((last - start, 2))
                writer.add_pages(PagesToStore(embedded, [""] * (last - start), sizes, None))
                if start == 0:
                    writer.commit()
            writer.finish_document(doc_id, pages)


class InProcess:
    """Calls shards in this process."""

    def __init__(self, pages: ShardedPages, encoder: QueryEncoder, cache: Path) -> None:
        specs = pages.specs(getattr(encoder, "visual_words", None))
        self.specs = {spec.name: spec for spec in specs}
        self.shards = {spec.name: Shard(spec, spec.directory, cache / spec.name) for spec in specs}
        for spec in specs:
            (cache / spec.name).mkdir(parents=True, exist_ok=True)

    def __call__(self, calls: Sequence[Call], *, timeout_s: float | None = None) -> list[Any]:
        return [getattr(self.shards[call.shard], call.method)(*call.arguments) for call in calls]


def open_in_process(directory: Path, encoder: QueryEncoder, cache: Path, without: Sequence[str] = ()) -> Searcher:
    """The searcher of a divided index whose shards compute in this process."""
    pages = open_sharded_pages(directory, without)
    pages.send = InProcess(pages, encoder, cache)
    return Searcher(pages, encoder)


def answer(hits: Hits) -> tuple[object, ...]:
    """Everything of an answer that has to be the same to the last bit."""
    return [(hit.ref, hit.score, hit.rank, hit.also) for hit in hits], hits.as_dict(), hits.confidence
