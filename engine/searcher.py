"""The Searcher: answers queries from one snapshot of an index. It wires the stages, which have modules of their own.

encode -> weigh -> candidates -> rerank -> hits
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from . import threads
from .answers import Answers
from .compression.residual import Codebook
from .errors import UsageError
from .hits import Hits, PagePictures
from .kernels.native import library
from .maxsim_cache import MaxSimCache
from .models.encoder import QueryEncoder
from .models.pooled import pooled_spec
from .models.registry import find_spec, load_query_encoder
from .modes import COMBINED, check_mode, modes_of
from .page_maxima import PageMaxima
from .page_views import DetailsOfHits, PageViews
from .query.encode import QueryEncoding
from .query.given import as_queries
from .query.implied import implied_text, with_implied
from .query.languages import languages_not_read
from .query.operators import parse
from .query.terms import plain_words
from .query.translated import with_translations
from .query.weighting import PRESENT_MATCH, Weighting
from .ranking import rerank
from .ranking.accelerator import open_scorer
from .ranking.prior import ScoreParts
from .ranking.rerank import Scorer
from .ranking.third_stage import ThirdStage
from .records import F64, U8, FloatBox, Hit, Mode, PageRef, Query, QueryVectors, Ranking, Region, SoughtWord
from .retrieval.first_stage import DEFAULT_CANDIDATES, FirstStage, OnPages
from .retrieval.question_reading import corrected, read
from .store import Snapshot, check_encoder, open_snapshot
from .two_stage import OnStage, TwoStageSearch, dense_scores, timed

BATCH_QUERIES = 32
"""Queries that are encoded and ranked together."""
SHOWN_MATCH = 0.8
"""Match (0..1) from which a page without a text layer shows a word that no other page may have."""
STAGES = ("encode", "weigh", "candidates", "rerank")
"""What a query goes through; "candidates" only where two stages search."""


def open_searcher(
    directory: Path | str | Mapping[str, Path],
    *,
    encoder: QueryEncoder | None = None,
    pictures: PagePictures | None = None,
    device: str = "cpu",
) -> Searcher:
    """Open the index in `directory` for searching, with the model that made it, or with `encoder`.

    Several indexes of one model, by their names, are searched as one: statistics count the pages of all. `pictures` are
    where notebooks get the pages of hits from. `device` is where pages are scored: "cpu", "cuda", or "auto" for a GPU
    if there is one. Raises IndexNotFound, IndexFormatError, IndexDamaged, EncoderMismatch where a model is of another
    revision or the indexes differ in theirs, and UsageError where there is no such GPU.
    """
    if isinstance(directory, str | Path):
        first, snapshot = Path(directory), open_snapshot(Path(directory))
    else:
        from .store import open_combined

        first, snapshot = next(iter(directory.values())), open_combined(directory)
    try:
        name, revision = (str(snapshot.fingerprint.get(each, "")) for each in ("name", "revision"))
        spec = pooled_spec(encoder.spec if encoder else find_spec(name, revision), snapshot.pool)
        check_encoder(first, snapshot.fingerprint, spec.fingerprint)
        encoder = encoder or load_query_encoder(name, revision)
        return Searcher(snapshot, encoder, pictures, scorer=open_scorer(snapshot, device))
    except BaseException:
        snapshot.close()
        raise


class Searcher(PageViews):
    """Answers from one snapshot of an index; a context manager. May be shared between threads.

    Examples:
        >>> with open_index("reports.index") as index:
        ...     for hit in index.search("revenue chart 2023", k=1):
        ...         print(hit.ref.path, hit.ref.page)
        annual-report-2023.pdf 6
    """

    def __init__(
        self,
        snapshot: Snapshot,
        encoder: QueryEncoder,
        pictures: PagePictures | None = None,
        *,
        scorer: Scorer | None = None,
    ) -> None:
        """`scorer` computes exact scores on an accelerator; without one the CPU does."""
        self.snapshot = snapshot
        self.encoder = encoder
        self.pictures = pictures
        self._page_maxima = PageMaxima(snapshot)
        self.cache = cache = MaxSimCache(len(snapshot), self._page_maxima)
        self._encoding = QueryEncoding(snapshot, encoder)
        self._unread_languages = languages_not_read(encoder.spec.unread_letters)
        self.first_stage = FirstStage(
            snapshot, self._encoding.visual_words, on_gpu=scorer is not None, unread=self._unread_languages
        )
        self._weighting = Weighting(
            snapshot, cache, self.first_stage.presence, encoder.spec.chance, encoder.spec.reads_nothing_of
        )
        self._answers = Answers(snapshot, cache, self._weighting, encoder.spec, self.first_stage)
        self._two_stage = TwoStageSearch(snapshot, cache, self.first_stage, scorer)
        self.documents = self._two_stage.filter.documents

    def __enter__(self) -> Searcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the snapshot and drop what is cached; everything else then raises UsageError."""
        self.cache.clear()
        self._weighting.clear()
        self._page_maxima.forget()
        self.snapshot.close()
        if self.pictures is not None:
            self.pictures.close()

    def search(
        self,
        text: str,
        *,
        k: int = 10,
        candidates: int | None = None,
        exact: bool = False,
        path: str | None = None,
        image: U8 | None = None,
        all_copies: bool = False,
        mode: Mode | None = None,
        rerank: ThirdStage | None = None,
        where: str | None = None,
    ) -> Hits:
        """The best `k` pages for a question, or for a picture `image` (H, W, 3) uint8, or for both; best first.

        Small collections, or `exact`, score every page; otherwise stage 1 proposes `candidates` pages. `path` keeps the
        documents whose path matches this glob, or whose file name it is, and `where` those for which this condition on
        their columns is true, such as "author = 'Kim' and modified >= 2024" (docs/filters.md). Of files with the same
        bytes only the one with the first path is among the hits, and the paths of the others that are selected are its
        `also`; with `all_copies`, each is a hit of its own. `mode` says what pages are found by, "visual", "text",
        "hybrid" or "semantic" (see `modes`); None is `default_mode`. `rerank` reorders the first hits. Raises
        UsageError when there is nothing to search for, the model sees no pictures, or the index has no such mode.
        """
        query = Query("", text, path, image, where=where)
        found = self.search_many(
            [query], k=k, candidates=candidates, exact=exact, all_copies=all_copies, mode=mode, rerank=rerank
        )
        ((_, hits),) = found
        return hits

    def more_like(
        self,
        ref: PageRef,
        box: FloatBox | None = None,
        *,
        k: int = 10,
        candidates: int | None = None,
        exact: bool = False,
        path: str | None = None,
        all_copies: bool = False,
        where: str | None = None,
    ) -> Hits:
        """The best `k` other pages that look or read like the page `ref`, or like the part of it in `box`.

        `box` is x0, y0, x1, y1 in fractions of the page. Copies of the page itself are hits only with `all_copies`.
        Uses the stored vectors, with any model; else as `search`.
        """
        query = Query("", "", path, like=Region(ref, box), where=where)
        found = self.search_many([query], k=k, candidates=candidates, exact=exact, all_copies=all_copies)
        ((_, hits),) = found
        return hits

    def search_many(
        self,
        queries: Iterable[Query | str],
        *,
        k: int = 10,
        candidates: int | None = None,
        exact: bool = False,
        all_copies: bool = False,
        mode: Mode | None = None,
        where: str | None = None,
        on_stage: OnStage | None = None,
        rerank: ThirdStage | None = None,
    ) -> Iterator[tuple[Query, Hits]]:
        """Answer queries in order, each as `search` would; pages are read once for BATCH_QUERIES of them.

        A string is a question with its number, from 0, as `query_id`. `where` is a condition besides the queries' own.
        Of several, one with nothing to search for has no hits instead of an error. `on_stage` gets a stage's seconds.
        """
        self.snapshot.check_open()
        if k < 1 or (candidates is not None and candidates < 1):
            raise UsageError(f"k and candidates must be 1 or more, not {k if k < 1 else candidates}")
        check_mode(mode, self.snapshot, self.modes, self.encoder.spec.name)
        mode = mode or self.default_mode
        strict = isinstance(queries, Sequence) and len(queries) == 1
        depth = k if rerank is None else max(k, rerank.count)
        count = self._two_stage.candidates(depth, candidates, exact=exact)
        waiting = as_queries(queries)
        while asked_for := list(islice(waiting, BATCH_QUERIES)):
            with timed("encode", on_stage), threads.no_blas_threads():
                readings = [read(query, lambda: self.first_stage.texts) for query in asked_for]
                batch = [self._two_stage.filter.documents.selecting(reading.query, where) for reading in readings]
                encoded = self._encoding.encode_all(batch, strict=strict)
                if mode in COMBINED:
                    encoded |= {i: self._with_translations(batch[i], query) for i, query in encoded.items()}
                implied = self._implied(batch, encoded) if mode in COMBINED else {}
            if count is None:
                self._two_stage.cache_maxima(batch, (encoded, implied), on_stage)
            with timed("weigh", on_stage):
                batch = [self._corrected(query, mode) for query in batch]
                weighed = dict(zip(encoded, self.weigh(list(encoded.values())), strict=True))
                asked = weighed if mode not in COMBINED else weighed | self._with_implied(batch, weighed)
            ranked = self._two_stage.rank(
                batch,
                asked,
                k=depth,
                candidates=count,
                on_stage=on_stage,
                all_copies=all_copies,
                mode=mode,
                shows=self._pages_that_show,
            )
            for i, query in enumerate(batch):
                own: Mode = "visual" if not query.text.strip() or query.like is not None else mode
                source = DetailsOfHits(self, replace(query, text=asked_for[i].text), own)
                hits = self._hits(query, ranked.get(i), source, all_copies=all_copies)
                ranking = ranked.get(i)
                if ranking is not None and asked.get(i) is not weighed.get(i):
                    ranking = replace(ranking, best_visual=None)  # it is that of a question with implied words
                answer = self._answers.answer(query, hits, encoded.get(i), weighed.get(i), ranking, own)
                if rerank is not None:
                    answer = rerank.answer(answer, "" if query.like else query.text, k, self.text, self.pictures)
                read_as = (asked_for[i].text, dict(query.corrections), readings[i].missing_phrases)
                yield asked_for[i], answer.read_as(*read_as).drawn_by(source.drawn)

    def encode(self, text: str, *, image: U8 | None = None, mode: Mode | None = None) -> QueryVectors:
        """A question as vectors with the weights that it has in this collection. Raises UsageError as `search`."""
        self.snapshot.check_open()
        with threads.no_blas_threads():
            asked = read(Query("", text, image=image), lambda: self.first_stage.texts).query
            encoded = self._encoding.encode(asked)
            if (mode or self.default_mode) in COMBINED:
                encoded = self._with_translations(asked, encoded)
        (query,) = self.weigh([encoded])
        return query

    def weigh(self, queries: Sequence[QueryVectors]) -> list[QueryVectors]:
        """Queries with weights adjusted to this collection; see `query.weighting`."""
        self.snapshot.check_open()
        return self._weighting.weigh(queries)

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes in which questions can be asked; see `modes_of`."""
        return modes_of(self.snapshot, has_visual_words=self._encoding.visual_words is not None)

    @property
    def default_mode(self) -> Mode:
        """How questions are answered if they do not say: "hybrid" if there is text and the model is `pixel`."""
        has_words = self._encoding.visual_words is not None
        return "hybrid" if has_words and self.first_stage.texts.has_text.any() else "visual"

    def _corrected(self, query: Query, mode: Mode) -> Query:
        """A query that was read with, where text is searched, its typing errors corrected."""
        if mode == "visual":
            return query
        return corrected(query, lambda: self.first_stage.texts, lambda word: bool(self._pages_that_show(word).any()))

    def _pages_that_show(self, word: str) -> NDArray[np.bool_]:
        """Which pages (N,) show a word and have no text layer to tell so; none for models that take no single words."""
        found = np.zeros(len(self.snapshot), bool)
        rows = np.flatnonzero(~self.first_stage.texts.has_text)
        if len(rows) and self._encoding.visual_words is not None:
            (query,) = self.weigh([self._encoding.encode(Query("", word))])
            if (presence := self.first_stage.presence()) is not None:
                wider = query.floors + np.float32(SHOWN_MATCH / PRESENT_MATCH) * (query.ceilings - query.floors)
                found[rows] = np.any([*presence(query.vectors, query.floors, wider)], axis=0)[rows]
            else:
                matches = (self.cache.of(query.vectors, rows) - query.floors) / (query.ceilings - query.floors)
                found[rows] = matches.max(axis=1) >= SHOWN_MATCH
        return found

    def _implied(self, batch: Sequence[Query], encoded: Mapping[int, QueryVectors]) -> dict[int, QueryVectors]:
        """What the `encoded` queries of a batch imply beside what they say, encoded; by their position in it."""
        asked = {i: implied for i in encoded if batch[i].like is None and (implied := implied_text(batch[i].corrected))}
        found = self._encoding.encode_all([Query("", text) for text in asked.values()], strict=False)
        return {i: found[place] for place, i in enumerate(asked)}

    def _with_implied(self, batch: Sequence[Query], weighed: Mapping[int, QueryVectors]) -> dict[int, QueryVectors]:
        """The weighed queries that imply more than they say, with that; by their position in the batch."""
        implied = self._implied(batch, weighed)
        parts = dict(zip(implied, self.weigh([*implied.values()]), strict=True))
        return {i: with_implied(weighed[i], its) for i, its in parts.items()}

    def _with_translations(self, query: Query, encoded: QueryVectors) -> QueryVectors:
        """A query that also looks for its words in the other languages of the collection that the model reads."""
        languages = self.first_stage.texts.languages - self._unread_languages
        if query.like is not None or not query.text.strip() or not languages:
            return encoded
        return with_translations(encoded, query.text, languages, lambda word: self._encoding.encode(Query("", word)))

    def rescored(self, text: str, mode: Mode) -> tuple[QueryVectors, ScoreParts | None]:
        """A question as it is searched for, weighed, and what turns scores of pictures into those of hits."""
        asked = self._corrected(read(Query("", text), lambda: self.first_stage.texts).query, mode)
        weighed = self.encode(text, mode=mode)
        query = weighed if mode not in COMBINED else self._with_implied([asked], {0: weighed}).get(0, weighed)
        looked_up = self._two_stage.rescored(asked, query, mode)
        return query, None if looked_up is None else looked_up()

    def sought(self, text: str) -> tuple[tuple[SoughtWord, ...], dict[str, str]]:
        """What texts are searched for a question, and the words of it that were corrected; see `TextSearch.sought`."""
        if self.default_mode != "hybrid":
            return plain_words(parse(text)[0]), {}
        texts = self.first_stage.texts
        asked = self._corrected(read(Query("", text), lambda: texts).query, "hybrid")
        return texts.sought(asked.corrected, asked.operators.beginnings), dict(asked.corrections)

    def prepare(self, on_pages: OnPages | None = None) -> None:
        """Open or build what the first query would wait for; `on_pages` is called after passages were embedded."""
        self.snapshot.check_open()
        _ = self.snapshot.copies
        if self.default_mode == "hybrid":
            _ = self.first_stage.texts.names
            self.first_stage.passages(on_pages)
        if not self.first_stage.is_skipped:
            _ = self.first_stage.candidates

    def info(self) -> dict[str, object]:
        """What `docsearch info --json` prints: the counts and settings of the index, and how it is searched."""
        has_stages = not (self.first_stage.is_skipped or self.first_stage.is_only)
        return {
            **self.snapshot.info(),
            "search": self.first_stage.description,
            "exact_below_vectors": self.first_stage.exact_vectors,
            "candidates": DEFAULT_CANDIDATES if has_stages else None,
            "mode": self.default_mode,
            "kernels": library.description(),
        }

    @property
    def codebook(self) -> Codebook | None:
        """The centroids that the codec residual needs; None for models without visual words."""
        visual_words = self._encoding.visual_words
        return None if visual_words is None else visual_words.codebook

    def scores(self, text: str, refs: Sequence[PageRef]) -> list[float]:
        """The scores of pages for a question, by pictures, in their order.

        Raises UsageError for a page that is not in the index.
        """
        rows, query = [self.snapshot.row(ref) for ref in refs], self.encode(text)
        rescored = self._two_stage.rescored(Query("", text), query, "visual")
        asked = np.array(rows, np.int64)
        if self.first_stage.is_only:
            cosines = self.snapshot.dense_vectors(rows).astype(np.float32) @ query.single
            by_dense: list[float] = dense_scores(cosines).tolist()
            return by_dense
        (ranking,) = rerank.rank(self.snapshot, [query], rows=asked, k=len(rows), fusions=[rescored])
        found = dict(zip(ranking.pages.tolist(), ranking.scores.tolist(), strict=True))
        return [found.get(row, 0.0) for row in rows]

    def best_hit_features(self, text: str, best: Hit, mode: Mode = "visual") -> F64:
        """The features (5,) of the best hit of a question, from which its confidence follows; see `confidence`."""
        encoded = self._encoding.encode(Query("", text))
        (weighed,) = self.weigh([encoded])
        row = self.snapshot.row(best.ref)
        ranking = Ranking(np.array([row], np.int64), np.array([best.score], np.float32))
        return self._answers.features(Query("", text), encoded, weighed, ranking, mode)

    def _hits(self, query: Query, ranking: Ranking | None, source: DetailsOfHits, *, all_copies: bool) -> list[Hit]:
        if ranking is None:
            return []
        pages = ranking.pages.tolist()
        also = [() if all_copies else self._two_stage.filter.copies(page, query.path, query.where) for page in pages]
        found = zip(self.snapshot.refs(pages), ranking.scores.tolist(), also, self.snapshot.lines(pages), strict=True)
        return [Hit(ref, score, n, others, source, lines) for n, (ref, score, others, lines) in enumerate(found, 1)]
