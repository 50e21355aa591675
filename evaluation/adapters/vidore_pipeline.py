"""docsearch as a pipeline of vidore-benchmark, whose ViDoRe v3 leaderboard is of whole pipelines.

vidore-benchmark loads a class from a file, which may be as short as

    from docsearch.evaluation.adapters.vidore_pipeline import Docsearch
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

from vidore_benchmark.pipeline_evaluation.base_pipeline import BasePipeline

from ...engine.errors import UsageError
from ..datasets.collection import Corpus, CorpusPage
from .engine import CorpusSearch, SearchOptions, encoded


class Docsearch(BasePipeline):  # type: ignore[misc]  # the package is not on the package index, and has no types here
    """The whole engine; `top_k` pages are returned. `options`, in JSON, are those of `CorpusSearch`.

    The texts that the benchmark has of its pages are indexed `with_text` only.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        with_text: bool = False,
        top_k: int = 100,
        **options: Unpack[SearchOptions],
    ) -> None:
        self._with_text = with_text
        self._top_k = top_k
        self._search = CorpusSearch(folder, **options)

    def index(
        self,
        corpus_ids: Sequence[str],
        corpus_images: Sequence[Any],
        corpus_texts: Sequence[str],
        dataset_name: str | None = None,
    ) -> None:
        """Index pages: `corpus_images` are decoded Pillow images, in the order of the ids. Raises UsageError."""
        if len(corpus_ids) != len(corpus_images) or (self._with_text and len(corpus_ids) != len(corpus_texts)):
            raise UsageError(f"{len(corpus_ids)} ids came with {len(corpus_images)} images, {len(corpus_texts)} texts")

        def pages() -> Iterator[CorpusPage]:
            for place, page_id in enumerate(corpus_ids):
                text = (corpus_texts[place] or "") if self._with_text else ""
                yield CorpusPage(str(page_id), encoded(corpus_images[place]), text)

        name = f"{(dataset_name or 'corpus').rpartition('/')[2]}{'-text' if self._with_text else ''}"
        self._search.index(name, Corpus(tuple(map(str, corpus_ids)), pages, self._with_text))

    def search(
        self, query_ids: Sequence[str], queries: Sequence[str]
    ) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
        """The scores of the best pages for each query, and facts of the pipeline."""
        found = self._search.search(zip(map(str, query_ids), queries, strict=True), self._top_k)
        return found, {"model": self._search.spec.name, "revision": self._search.spec.revision}
