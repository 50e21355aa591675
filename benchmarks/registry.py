"""The benchmark cases by name.

A case is a module in `cases/` with a function that takes a `Setting` and yields rows as soon as they are measured. It
imports what it measures inside the function, so that `--help` is fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .cases import (
    code,
    codecs,
    copies,
    encode,
    filters,
    index,
    jina_v4,
    large,
    many_documents,
    maxsim,
    maxsim_gpu,
    maxsim_gpu_codecs,
    on_ray,
    pipeline,
    pixel_gpu,
    pointing,
    quality,
    query,
    server_load,
    shards,
    single_vectors,
    text_search,
    two_stage,
    web_page,
)
from .setting import Row, Setting


@dataclass(frozen=True, slots=True)
class Case:
    """A benchmark: its `name`, a one-line `summary` of what it measures, and the function that runs it.

    After `limit_s` seconds it is stopped, on any machine: what was measured until then is reported.
    """

    name: str
    summary: str
    run: Callable[[Setting], Iterator[Row]]
    limit_s: int = 600


CASES = {
    case.name: case
    for case in (
        Case("maxsim", "the exact score of 1,000 pages for one query, and of peers on the same data", maxsim.run),
        Case(
            "maxsim_gpu", "100,000 pages on a GPU, one query and 256, compared with two packages", maxsim_gpu.run, 900
        ),
        Case("maxsim_gpu_codecs", "100,000 pages on a GPU in each codec, beside limits", maxsim_gpu_codecs.run, 900),
        Case("pixel_gpu", "the network of pixel on a GPU: pages/s in three number formats", pixel_gpu.run),
        Case("encode", "pages to vectors, compared with Tesseract and ColModernVBERT's network", encode.run),
        Case("index", "docsearch index: pages/s, memory of all its processes, bytes per page", index.run, 1800),
        Case("pipeline", "how busy an encoder of fixed latency is while documents are indexed", pipeline.run),
        Case("ray", "indexing on a Ray cluster with 1, 2, 4 and 8 workers, beside docsearch index", on_ray.run, 1200),
        Case("shards", "batches by workers on Ray, and 1,000 simulated shards with and without hedging", shards.run),
        Case("query", "docsearch query as a whole process", query.run),
        Case(
            "two_stage", "candidates against the exact score of every page: nDCG@5, recall, time", two_stage.run, 1800
        ),
        Case("filters", "conditions on columns of documents among 100,000 pages", filters.run, 900),
        Case("copies", "one file filed fifty times: what its copies take from other pages", copies.run, 1800),
        Case("large", "an index of 100,000 composed pages: opening, questions cold and warm, memory", large.run, 3600),
        Case("many_documents", "what one document and a filter cost among 1,000 and 100,000", many_documents.run, 3600),
        Case(
            "single_vectors",
            "100,000 pages of one vector each: time to build, open and search, compared with FAISS's indexes",
            single_vectors.run,
            1200,
        ),
        Case("codecs", "float16, int8, int4, residual, binary: bytes, nDCG@5 lost, time", codecs.run, 1800),
        Case(
            "jina_v4",
            "jina-embeddings-v4 at full size with random weights on a GPU: pages/s, FLOP share",
            jina_v4.run,
            900,
        ),
        Case("code", "questions on this repository's own source: recall@1 and recall@5 by mode", code.run, 1800),
        Case("pointing", "heat maps against the labelled evidence of eval-dev", pointing.run, 1200),
        Case(
            "server_load",
            "docsearch serve: 32 clients search while documents are uploaded and removed",
            server_load.run,
        ),
        Case("web_page", "the web page in a browser: from the last key to the results on the screen", web_page.run),
        Case(
            "text_search", "BM25 of the exact text by bm25s and FTS5: time and nDCG@5 beside docsearch", text_search.run
        ),
        Case("quality", "nDCG@5 and recall for the questions of eval-dev, with defaults", quality.run, 1200),
    )
}
"""In the order they run: `index` builds indexes that `query`, `pointing` and `quality` reuse."""
