"""Retrieve and rerank: candidates from stage 1 where the collection is large, then exact scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property, partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from . import threads
from .distinct import distinct
from .maxsim_cache import MaxSimCache
from .modes import COMBINED
from .page_maxima import are_elsewhere
from .query.weighting import likely_vectors
from .ranking import cross_language, described, rerank
from .ranking.added import WithAdded
from .ranking.filters import PageFilter
from .ranking.fusion import Fusion, text_scores
from .ranking.named import WithNames
from .ranking.prior import PagePrior, ScoreParts
from .ranking.rerank import Scorer
from .ranking.source_code import WithSourceCode
from .records import F32, I64, DescribedPicture, Mode, Operators, Query, QueryVectors, Ranking, Region
from .retrieval.first_stage import DEFAULT_CANDIDATES, FirstStage
from .scoring import rise, top_k
from .store import Snapshot

OnStage = Callable[[str, float], None]
"""Callback: receives a stage's name and the seconds it took for a batch."""


class TwoStageSearch:
    """Ranks the pages of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot, cache: MaxSimCache, first_stage: FirstStage, scorer: Scorer | None) -> None:
        """`scorer` computes exact scores on an accelerator; without one the CPU does."""
        self._snapshot = snapshot
        self._cache = cache
        self.filter = PageFilter(snapshot)
        self._first_stage = first_stage
        self._scorer = scorer

    def candidates(self, k: int, candidates: int | None, *, exact: bool) -> int | None:
        """How many pages stage 1 proposes; None where every page is scored."""
        if exact or (candidates is None and self._first_stage.is_skipped):
            return None
        return max(candidates or DEFAULT_CANDIDATES, k)

    def cache_maxima(
        self, batch: Sequence[Query], asked: Sequence[Mapping[int, QueryVectors]], on_stage: OnStage | None
    ) -> None:
        """Compute MaxSim with all pages of what is `asked` for by queries of a `batch`, if the cache can hold it.

        In one pass over the pages, which costs more than what is computed: reading corrections and weighting need these
        maxima for some pages, reranking for all. Expansion terms that weighting drops most likely are left out.
        """
        if not self._is_caching:
            return
        with timed("rerank", on_stage), threads.no_blas_threads():
            found = [
                likely_vectors(query)
                for queries in asked
                for i, query in queries.items()
                if not query.contextual and _is_open(batch[i])
            ]
            if found and len(self._snapshot):
                self._cache.fill(np.concatenate(found))

    def rank(
        self,
        batch: Sequence[Query],
        weighed: Mapping[int, QueryVectors],
        *,
        k: int,
        candidates: int | None,
        on_stage: OnStage | None,
        all_copies: bool = False,
        mode: Mode = "visual",
        shows: Callable[[str], NDArray[np.bool_]],
    ) -> dict[int, Ranking]:
        """The best `k` pages for each query, keyed by its position in the batch.

        They come from `candidates` pages or, if None, from all allowed. Pages with identical content count as one,
        in both stages; with `all_copies` each counts. Queries without words are found by their pictures, whatever the
        `mode`. `shows` tells which pages (N,) without a text layer show a word, for words that pages must not have.
        """
        out: dict[int, Ranking] = {}
        groups: dict[tuple[str | None, str | None, Region | None, Operators], list[int]] = {}
        for i in weighed:
            groups.setdefault((batch[i].path, batch[i].where, batch[i].like, batch[i].operators), []).append(i)
        for (path, where, like, operators), members in groups.items():
            excluded = None if like is None else self._snapshot.row(like.ref)
            rows = self.filter.rows(path, excluded, all_copies=all_copies, where=where)
            if operators and (allowed := self._first_stage.texts.allowed(operators, shows)) is not None:
                rows = np.flatnonzero(allowed) if rows is None else rows[allowed[rows]]
            if mode == "text":
                by_text = [i for i in members if _has_words(batch[i])]
                with timed("candidates", on_stage):
                    out.update((i, self._by_text(batch[i], rows, k)) for i in by_text)
                members = [i for i in members if i not in out]
            if self._first_stage.is_only:
                exact = candidates is None
                found = [partial(self._by_dense, weighed[i], rows, k, exact=exact) for i in members]
                out.update(zip(members, self._answered(found, on_stage), strict=True))
                continue
            if candidates is None:
                if members:
                    with timed("rerank", on_stage), threads.no_blas_threads():
                        if path is None and where is None and self._is_caching:
                            self._fill_cache([weighed[i] for i in members])
                        fusions = [self.rescored(batch[i], weighed[i], mode) for i in members]
                        ranked = self._rerank([weighed[i] for i in members], rows, k, fusions)
                        out.update(zip(members, ranked, strict=True))
                continue
            asked = [
                partial(self._of_candidates, weighed[i], rows, k, candidates, self.rescored(batch[i], weighed[i], mode))
                for i in members
            ]
            out.update(zip(members, self._answered(asked, on_stage), strict=True))
        return out

    def _answered(
        self, searches: Sequence[Callable[[OnStage | None], Ranking]], on_stage: OnStage | None
    ) -> list[Ranking]:
        """The rankings of several searches: one after the other, or in step where other processes hold the vectors."""
        if not are_elsewhere(self._snapshot):
            return [search(on_stage) for search in searches]
        spent: list[tuple[str, float]] = []
        started = perf_counter()
        found = self._snapshot.in_step([partial(search, lambda *took: spent.append(took)) for search in searches])
        if on_stage is not None:
            share = (perf_counter() - started) / max(1e-9, sum(seconds for _, seconds in spent))
            for stage, seconds in spent:  # of searches at the same time
                on_stage(stage, seconds * share)
        return found

    def _of_candidates(
        self,
        query: QueryVectors,
        rows: I64 | None,
        k: int,
        candidates: int,
        looked_up: Callable[[], ScoreParts] | None,
        on_stage: OnStage | None,
    ) -> Ranking:
        """The best `k` of those `candidates` among `rows` (n,), or all pages, that stage 1 proposes."""
        fusion = None if looked_up is None else cache(looked_up)  # used in both stages
        with timed("candidates", on_stage):
            if rows is None or len(rows) > candidates:  # fewer need no proposal
                fused = None if fusion is None else fusion().scores
                rows = self._first_stage.candidates.find(query, count=candidates, rows=rows, fused=fused).pages
        with timed("rerank", on_stage), threads.no_blas_threads():
            (found,) = self._rerank([query], rows, k, [fusion])
        return found

    def rescored(self, query: Query, encoded: QueryVectors, mode: Mode) -> Callable[[], ScoreParts] | None:
        """What turns the visual scores of a query, `encoded`, into final ones, when it is called.

        None where visual scores are final: of queries without words, and of models for which nothing else was measured.
        """
        if not self._first_stage.has_visual_words or encoded.contextual or not _has_words(query):
            return None
        texts, picture = self._first_stage.texts, encoded.described

        def by_pictures() -> ScoreParts:
            return with_kinds(self._prior.applied(query.text, None, None))

        def with_kinds(scores: ScoreParts) -> ScoreParts:
            if picture is None:
                return scores
            return WithAdded(scores, described.added_shares(picture, self._matches(picture)), "kinds")

        if mode not in COMBINED and texts.has_text.any():  # by pictures alone, though there is text
            return by_pictures

        def with_names() -> ScoreParts:
            scores = with_kinds(looked_up()) if mode in COMBINED else by_pictures()
            if mode in COMBINED and (source := texts.source_pages(query.text)) is not None:
                scores = WithSourceCode(scores, source)
            named = texts.named_pages(query.text)
            return WithNames(scores, named, len(self._snapshot)) if len(named) else scores

        def looked_up() -> ScoreParts:
            fusion = Fusion(texts.evidence(query.corrected, query.operators.beginnings))
            scores = self._prior.applied(query.text, fusion, texts.number_shares)
            passages = self._first_stage.passages()
            if passages is None:
                return scores
            every = np.ones(len(self._snapshot), np.bool_)
            is_foreign = every if mode == "semantic" else texts.foreign_pages(query.text)
            added = cross_language.added_shares(passages.cosines(query.text), is_foreign)
            return WithAdded(scores, added, "passages")

        return with_names

    def _matches(self, picture: DescribedPicture) -> F32:
        """The matches (N, C) of all pages with the vectors of a picture that a query describes.

        In a large collection they are 1 for pages that the inverted index finds, else 0.
        """
        floors, ceilings = (np.full(len(picture.terms), each, np.float32) for each in (picture.floor, picture.ceiling))
        pages_of = self._first_stage.presence()
        if pages_of is None:
            return rise(self._cache.of(picture.vectors, None), floors, ceilings)
        return np.stack([*pages_of(picture.vectors, floors, ceilings)], axis=1).astype(np.float32)

    @cached_property
    def _prior(self) -> PagePrior:
        return PagePrior(self._snapshot.lengths)

    def _by_text(self, query: Query, rows: I64 | None, k: int) -> Ranking:
        """The best `k` of `rows` (n,), or of all pages, by text alone."""
        scores = text_scores(self._first_stage.texts.evidence(query.corrected, query.operators.beginnings))
        asked = np.arange(len(scores)) if rows is None else distinct(rows)
        return top_k(asked, scores[asked], k, self._snapshot.page_order())

    def _by_dense(
        self, query: QueryVectors, rows: I64 | None, k: int, on_stage: OnStage | None, *, exact: bool
    ) -> Ranking:
        """The best `k` of `rows` (n,), or of all pages, by dense vectors."""
        with timed("candidates", on_stage):
            index = self._first_stage.candidates.dense_index
            asked = None if rows is None else distinct(rows)
            if index is None or (asked is not None and not len(asked)):
                return Ranking(np.zeros(0, np.int64), np.zeros(0, np.float32))
            search = index.nearest_exactly if exact else index.nearest
            found = search(query.single, count=k, rows=asked)
            return Ranking(found.pages, dense_scores(found.scores))

    @property
    def _is_caching(self) -> bool:
        """Whether maxima with all pages are worth computing: not on an accelerator, nor where most pages are copies."""
        copies = self._snapshot.copies
        return self._scorer is None and (copies is None or 2 * len(copies.counted) >= len(self._snapshot))

    def _fill_cache(self, queries: Sequence[QueryVectors]) -> None:
        """Cache the maxima of queries with all pages, which `_rerank` then finds there; not of contextual ones."""
        if not any(query.contextual for query in queries):
            self._cache.fill(np.concatenate([query.every for query in queries]))

    def _rerank(
        self,
        queries: Sequence[QueryVectors],
        rows: I64 | None,
        k: int,
        fusions: Sequence[Callable[[], ScoreParts] | None],
    ) -> list[Ranking]:
        """Exact scores; uses cached maxima unless a query is contextual."""
        cached = None if any(query.contextual for query in queries) else self._cache.of
        return rerank.rank(
            self._snapshot, queries, rows=rows, k=k, scorer=self._scorer, maxima_of=cached, fusions=fusions
        )


def dense_scores(cosines: F32) -> F32:
    """The scores (n,) in 0..1 of pages by the cosines (n,), -1..1, of their dense vectors: (1 + cosine) / 2."""
    scores: F32 = np.clip((1 + cosines) / 2, 0, 1, dtype=np.float32)
    return scores


def _is_open(query: Query) -> bool:
    """Whether a query may find pages of all documents."""
    return query.path is None and query.where is None


def _has_words(query: Query) -> bool:
    return query.like is None and query.text.strip() != ""


@contextmanager
def timed(stage: str, on_stage: OnStage | None) -> Iterator[None]:
    """Tell `on_stage` how long the block took."""
    started = perf_counter()
    yield
    if on_stage is not None:
        on_stage(stage, perf_counter() - started)
