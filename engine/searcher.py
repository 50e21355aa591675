"""A question in, hits out: wires query encoding, candidates, reranking and heat maps over one snapshot of an index."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..evaluation import codec_loss
from ..evaluation.codec_loss import CodecLoss
from . import threads
from .compression import codecs
from .compression.residual import Codebook
from .compression.visual_words import PageCode
from .errors import UsageError
from .explain import heatmap
from .explain.heatmap import WordMarks
from .hits import Hits
from .models.encoder import BatchEncoder, ImageQueryEncoder, QueryEncoder
from .models.pooled import described
from .models.registry import find_spec, load_query_encoder
from .query import by_example
from .query.by_example import Region
from .ranking import rerank
from .ranking.maxsim_cache import WordMaxima
from .ranking.rerank import Scorer
from .records import F32, I64, U8, U16, WHOLE_PAGE, FloatBox, Hit, Others, PageRef, QueryVectors, Ranking
from .store import Snapshot, check_encoder, open_snapshot

if TYPE_CHECKING:
    from .retrieval.candidates import CandidateIndex

DEFAULT_CANDIDATES = 200
"""Pages that stage 1 proposes for the exact score: they keep 0.998 of the exact first ten of 3,323 pages (log.md)."""
EXACT_VECTORS = 1_500_000
"""Collections of at most this many vectors are scored whole: with more two stages are faster, and keep 0.998 of the
first ten. docs/log.md has the times.
"""
EXACT_VECTORS_UNKNOWN = 4_000_000
"""The same for models without visual words, of which it is not measured what two stages keep."""
SAMPLE_PAGES = 500
"""Pages on which the commonness of a query word is measured."""
LEAST_OF_OTHERS = 0.02
"""A synonym that can add less to a score is not looked for; docs/log.md compares 0 to 0.03."""
COMMON_MATCH = 0.5
"""Match (0..1) from which a page counts as holding a word."""
BATCH_QUERIES = 32
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
"""Without this file there is no NVIDIA GPU, and no reason to import torch to ask for one."""
STAGES = ("encode", "weigh", "candidates", "rerank")
"""What a question goes through; "candidates" only where two stages search."""


@dataclass(frozen=True, slots=True)
class Query:
    """One row of a batch job; `path` restricts it to documents as in `Searcher.search`, `image` is a picture (H, W, 3)
    to search for, with the text or without one; `like`, in their place, is what of a page in the index to search for.
    """

    query_id: str
    text: str
    path: str | None = None
    image: U8 | None = field(default=None, compare=False)
    like: Region | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """What stage 1 keeps, over `queries` queries: the share of the exact first ten that two stages find at all, and the
    share of queries whose first hit stays first.
    """

    queries: int
    candidates: int
    recall_at_10: float
    same_first: float


class PagePixels(Protocol):
    """Where pictures of pages come from; the engine itself opens no documents."""

    def pixels(self, ref: PageRef) -> U8:
        """A page as (H, W, 3) uint8; raises DocsearchError where there is no picture of it."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


def open_index(
    directory: Path | str,
    *,
    encoder: QueryEncoder | None = None,
    pages: PagePixels | None = None,
    device: str = "cpu",
) -> Searcher:
    """Open an index for searching, with the model that made it, or with `encoder`; hits show their `pages`, if given.
    `device` is where pages are scored: "cpu", "cuda", or "auto" for a GPU if there is one.

    Raises IndexNotFound, IndexFormatError, IndexDamaged, EncoderMismatch when the model is of another revision, and
    UsageError when there is no such GPU.
    """
    snapshot = open_snapshot(Path(directory))
    try:
        name = str(snapshot.fingerprint["name"])
        spec = described(encoder.spec if encoder else find_spec(name), snapshot.pool)
        check_encoder(Path(directory), snapshot.fingerprint, spec.fingerprint)
        return Searcher(snapshot, encoder or load_query_encoder(name), pages, scorer=_scorer(snapshot, device))
    except BaseException:
        snapshot.close()
        raise


class Searcher:
    """Holds one snapshot of an index and the text side of its model; a context manager. Any thread may ask it.

    >>> with open_index("reports.index") as index:  # doctest: +SKIP
    ...     for hit in index.search("revenue chart 2023", k=3):
    ...         print(hit.rank, hit.ref.path, hit.ref.page)
    """

    def __init__(
        self,
        snapshot: Snapshot,
        encoder: QueryEncoder,
        pages: PagePixels | None = None,
        *,
        scorer: Scorer | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._scorer = scorer
        self.encoder = encoder
        self._pages = pages
        self._closed = False
        self._one_at_a_time = threading.RLock()  # guards the encoder and all that is filled in later
        self._commonness: dict[str, float] = {}
        self._maxima = WordMaxima(len(snapshot), partial(rerank.token_maxima, snapshot))
        self._opened: CandidateIndex | None = None

    def __enter__(self) -> Searcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index."""
        self._closed = True
        self._maxima.clear()
        if self._pages is not None:
            self._pages.close()
        self.snapshot.close()

    def search(
        self,
        text: str,
        *,
        k: int = 10,
        candidates: int | None = None,
        exact: bool = False,
        path: str | None = None,
        image: U8 | None = None,
    ) -> Hits:
        """The best `k` pages for a question, or for a picture `image` (H, W, 3), or for both; best first.

        Every page is scored where that is cheap or `exact` asks for it; else, or where `candidates` is given, stage 1
        proposes that many pages. `path` keeps the documents whose path matches the glob or whose file name it is.
        Raises UsageError when the question holds nothing to search for, or the model does not see pictures.
        """
        asked = [Query("", text, path, image)]
        ((_, hits),) = self.search_many(asked, k=k, candidates=candidates, exact=exact)
        return Hits(hits, text, None if self._pages is None else partial(self._marked, asked[0]))

    def more_like(
        self,
        ref: PageRef,
        box: FloatBox | None = None,
        *,
        k: int = 10,
        candidates: int | None = None,
        exact: bool = False,
        path: str | None = None,
    ) -> list[Hit]:
        """The best `k` other pages that look like the page `ref`, or say the same; or like what of it lies in `box`,
        x0, y0, x1, y1 in fractions of the page. Found from the stored vectors, with any model; otherwise as `search`.
        """
        asked = [Query("", "", path, like=Region(ref, box))]
        ((_, hits),) = self.search_many(asked, k=k, candidates=candidates, exact=exact)
        return hits

    def search_many(
        self,
        queries: Iterable[Query],
        *,
        k: int = 10,
        candidates: int | None = None,
        exact: bool = False,
        on_stage: Callable[[str, float], None] | None = None,
    ) -> Iterator[tuple[Query, list[Hit]]]:
        """Answer queries in order, as `search` would each; pages are read once for many queries.

        A query without a word to search for gets no hits here, so that one bad row does not end a batch job. `on_stage`
        is told each of the STAGES that a batch of queries went through and the seconds it took.
        """
        single = None
        if not isinstance(queries, Sequence) or len(queries) > 1:
            single = UsageError
        waiting = iter(queries)
        while batch := list(islice(waiting, BATCH_QUERIES)):
            with _timed("encode", on_stage), threads.no_blas_threads():
                encoded = self._encode_all(batch, strict=single is None)
            if self._scores_all(exact, candidates) and self._scorer is None:
                # What weighing looks for on some pages, ranking needs of all.
                with _timed("rerank", on_stage), threads.no_blas_threads():
                    self._look_for(batch, encoded)
            with _timed("weigh", on_stage):
                weighed = dict(zip(encoded, self.weigh(list(encoded.values())), strict=True))
            ranked = self._rank(batch, weighed, k=k, candidates=candidates, exact=exact, on_stage=on_stage)
            for i, query in enumerate(batch):
                yield query, self._hits(ranked.get(i))

    def weigh(self, queries: Sequence[QueryVectors]) -> list[QueryVectors]:
        """Queries with their weights adjusted to the collection: a word that most pages hold tells little.

        Commonness is the share of pages on which the word is matched: of an evenly spaced sample or, going by the
        posting lists of a large index, of all. The weight is the model's own times the root of BM25's inverse document
        frequency (docs/log.md compares powers). What else words look for is left out where it could add next to
        nothing. Queries that are `in_context` stay as they are, and so does the share of a picture that is asked for
        beside words.
        """
        with self._one_at_a_time:
            self._learn_commonness([query for query in queries if not query.in_context])
        return [query if query.in_context else self._reweighed(query) for query in queries]

    def _learn_commonness(self, queries: Sequence[QueryVectors]) -> None:
        unseen = {
            token: (vector, floor, ceiling)
            for q in queries
            for token, vector, floor, ceiling, is_asked in zip(
                q.tokens, q.vectors, q.floors, q.ceilings, rerank.are_looked_up(q.weights), strict=True
            )
            if token and token not in self._commonness and (self._is_small or is_asked)
        }
        if unseen and len(self.snapshot):
            vectors, floors, ceilings = (np.stack(column) for column in zip(*unseen.values(), strict=True))
            held, pages = self._seen_on_pages(vectors, floors + COMMON_MATCH * (ceilings - floors), floors)
            idf = np.sqrt(np.log1p((pages - held + 0.5) / (held + 0.5)))
            self._commonness.update(zip(unseen, idf.tolist(), strict=True))

    def _seen_on_pages(self, vectors: F32, least: F32, floors: F32) -> tuple[I64, int]:
        """On how many pages each word of (Q, D) has a similarity of `least` (Q,), (Q,), and how many were looked at: a
        sample, or, where there are posting lists, all, which they tell at once.
        """
        if not self._is_small and self._candidates.patches is not None:
            found = self._candidates.maxima(vectors, floors)
            counts = [np.count_nonzero(maxima > border) for maxima, border in zip(found, least, strict=True)]
            return np.array(counts, np.int64), len(self.snapshot)
        maxima = self._maxima.of(vectors, self._sample)
        return (maxima > least).sum(axis=0), len(maxima)

    def _reweighed(self, query: QueryVectors) -> QueryVectors:
        """The weights of words times what the collection says; what all of them weigh together stays."""
        is_word = np.array([token != "" for token in query.tokens])
        factor = np.array([self._commonness.get(token, 1.0) for token in query.tokens], np.float32)
        weights = query.weights * factor
        share = 1 - query.weights[~is_word].sum(dtype=np.float32)
        weights[is_word] = weights[is_word] / weights[is_word].sum() * share
        return without_small_others(replace(query, weights=weights.astype(np.float32)))

    def info(self) -> dict[str, object]:
        """The facts of the index, and how it is searched."""
        whole = self._is_small
        return {
            **self.snapshot.info(),
            "search": "exact: every page is scored" if whole else f"two stages, {DEFAULT_CANDIDATES} candidates",
            "exact_below_vectors": self._exact_vectors,
            "candidates": None if whole else DEFAULT_CANDIDATES,
        }

    def measure_recall(self, queries: Sequence[str], candidates: int = DEFAULT_CANDIDATES) -> Recall:
        """Compare two stages with exact search on this index."""
        asked = [Query(str(i), text) for i, text in enumerate(queries)]
        exact = [hits for _, hits in self.search_many(asked, exact=True)]
        staged = [hits for _, hits in self.search_many(asked, candidates=candidates)]
        kept, first, counted = 0.0, 0, 0
        for want, got in zip(exact, staged, strict=True):
            if want:
                found = {hit.ref for hit in got}
                kept += sum(hit.ref in found for hit in want) / len(want)
                first += bool(got) and got[0].ref == want[0].ref
                counted += 1
        return Recall(counted, candidates, kept / max(counted, 1), first / max(counted, 1))

    def measure_codecs(self, queries: Sequence[str]) -> list[CodecLoss]:
        """What storing the vectors in fewer bits would lose on this index; see `loss.measure`."""
        asked = self.weigh([self._encode(Query("", text)) for text in queries])
        return codec_loss.measure(self.snapshot, asked, self.codebook)

    def scores(self, text: str, refs: Sequence[PageRef]) -> list[float]:
        """The scores of pages for a question, in their order; raises UsageError for one that is not in the index."""
        (query,) = self.weigh([self._encode(Query("", text))])
        rows = [self._row_of(ref) for ref in refs]
        (ranking,) = rerank.rank(self.snapshot, [query], rows=np.array(rows, np.int64), k=len(rows))
        found = dict(zip(ranking.pages.tolist(), ranking.scores.tolist(), strict=True))
        return [found.get(row, 0.0) for row in rows]

    def heatmap(self, text: str, ref: PageRef, pixels: U8, *, image: U8 | None = None) -> U8:
        """The page `ref`, rendered as `pixels` (H, W, 3), with what on it matches the question drawn over it."""
        (query,) = self.weigh([self._encode(Query("", text, image=image))])
        return heatmap.draw(pixels, *self._patches(ref), query)

    def overlay(self, text: str, ref: PageRef, size: tuple[int, int], *, word: int | None = None) -> U8:
        """What `heatmap` draws over the page `ref`, alone, as a picture of `size` width and height, (H, W, 4); or what
        the `word` of that place in the question finds. Raises UsageError where there is no such page or word.
        """
        (query,) = self.weigh([self._encode(Query("", text))])
        if word is not None:
            if not 0 <= word < len(query.tokens):
                raise UsageError(f"there is no word {word} in the question; its words are {', '.join(query.tokens)}")
            query = heatmap.only_word(query, word)
        return heatmap.overlay(size[1], size[0], *self._patches(ref), query)

    def word_marks(self, text: str, ref: PageRef) -> list[WordMarks]:
        """Where the page `ref` matches each word of the question, and how well."""
        (query,) = self.weigh([self._encode(Query("", text))])
        return heatmap.word_marks(*self._patches(ref), query)

    def text(self, ref: PageRef) -> str:
        """The text layer of the page `ref` as it was indexed, or ""; raises UsageError where there is no such page."""
        return self.snapshot.text(self._row_of(ref))

    def _marked(self, query: Query, hit: Hit) -> U8:
        """The page of a hit of `query` with the heat map over it."""
        assert self._pages is not None
        if self._closed:
            raise UsageError("The index was closed; open it again to see pages.")
        return self.heatmap(query.text, hit.ref, self._pages.pixels(hit.ref), image=query.image)

    def _patches(self, ref: PageRef) -> tuple[F32, U16]:
        row = self._row_of(ref)
        (block,) = self.snapshot.blocks(rows=np.array([row], np.int64))
        boxes = self.snapshot.boxes(row)
        if len(boxes) and (boxes == WHOLE_PAGE).all():
            raise UsageError(
                f"the model of this index, {self.encoder.spec.name}, does not tell where on a page its vectors lie, so "
                "there is no heat map; 'docsearch models' lists others"
            )
        return codecs.decode(block.coded), boxes

    def _encode_all(self, batch: Sequence[Query], *, strict: bool) -> dict[int, QueryVectors]:
        """Queries by their place in the batch; texts together where the model can. Those with nothing to search for are
        left out, unless `strict`.
        """
        encoded: dict[int, QueryVectors] = {}
        texts = {i: query.text for i, query in enumerate(batch) if query.image is None and query.like is None}
        if len(texts) > 1 and isinstance(self.encoder, BatchEncoder):
            with suppress(UsageError), self._one_at_a_time:  # one of them is empty: then each is tried alone
                encoded.update(zip(texts, self.encoder.encode_queries([*texts.values()]), strict=True))
        for i, query in enumerate(batch):
            try:
                if i not in encoded:
                    encoded[i] = self._encode(query)
            except UsageError:
                if strict:
                    raise
        return encoded

    def _encode(self, query: Query) -> QueryVectors:
        if query.like is not None:
            row = self._row_of(query.like.ref)
            patches = by_example.patches_of(self.snapshot, row, query.like, self.encoder.spec.alike)
            return by_example.telling(self.snapshot, patches, self._code)
        with self._one_at_a_time:
            return self._encode_asked(query)

    def _encode_asked(self, query: Query) -> QueryVectors:
        """A query in words, a picture, or both."""
        if query.image is None:
            return self.encoder.encode_query(query.text)
        if not isinstance(self.encoder, ImageQueryEncoder):
            raise UsageError(
                f"the model of this index, {self.encoder.spec.name}, takes questions in words only; "
                "'docsearch models' lists one that sees pictures, too"
            )
        (seen,) = self.encoder.encode_image_queries([query.image])
        if not len(seen.vectors):
            raise UsageError("there is nothing on the picture to search for")
        if not seen.in_context:
            seen = by_example.telling(self.snapshot, seen, self._code)
        return by_example.both(self.encoder.encode_query(query.text), seen) if query.text.strip() else seen

    def _row_of(self, ref: PageRef) -> int:
        row = self.snapshot.row_of(ref)
        if row is not None:
            return row
        raise UsageError(f"{ref.path}, page {ref.page}: not in this index")

    @cached_property
    def _sample(self) -> I64:
        pages = len(self.snapshot)
        return np.unique(np.linspace(0, pages - 1, min(pages, SAMPLE_PAGES)).astype(np.int64))

    def prepare(self) -> None:
        """Make the derived files that a search of this index needs, so that the first question does not wait for it."""
        if not self._is_small:
            _ = self._candidates

    @cached_property
    def _is_small(self) -> bool:
        return int(self.snapshot.lengths.sum()) <= self._exact_vectors

    @property
    def _exact_vectors(self) -> int:
        return EXACT_VECTORS_UNKNOWN if self._code is None else EXACT_VECTORS

    @property
    def _candidates(self) -> CandidateIndex:
        from .retrieval.candidates import open_candidates  # FAISS takes a tenth of a second to import

        with self._one_at_a_time:  # two threads would write the same derived files
            if self._opened is None:
                self._opened = open_candidates(self.snapshot, self._code, on_gpu=self._scorer is not None)
            return self._opened

    @property
    def codebook(self) -> Codebook | None:
        """What the codec residual needs of models that have visual words."""
        return None if self._code is None else self._code.codebook

    @property
    def _code(self) -> PageCode | None:
        """The visual words of models that have them."""
        code: PageCode | None = getattr(self.encoder, "code", None)
        return code

    def _rows(self, path: str | None, like: Region | None) -> I64 | None:
        """The rows whose document's path matches the glob or has this file name, without the page that others are to be
        like; None for all.
        """
        if path is None and like is None:
            return None
        rows = np.arange(len(self.snapshot))
        if path is not None:
            paths = self.snapshot.paths()
            matching = {each for each in set(paths.tolist()) if fits(each, path)}
            rows = rows[np.isin(paths, list(matching))]
        return rows if like is None else rows[rows != self._row_of(like.ref)]

    def _rank(
        self,
        batch: Sequence[Query],
        encoded: dict[int, QueryVectors],
        *,
        k: int,
        candidates: int | None,
        exact: bool,
        on_stage: Callable[[str, float], None] | None,
    ) -> dict[int, Ranking]:
        whole = self._scores_all(exact, candidates)
        out: dict[int, Ranking] = {}
        among: dict[tuple[str | None, Region | None], list[int]] = {}
        for i in encoded:
            among.setdefault((batch[i].path, batch[i].like), []).append(i)
        for (path, like), members in among.items():
            rows = self._rows(path, like)
            if whole:
                with _timed("rerank", on_stage), threads.no_blas_threads():
                    questions = [encoded[i] for i in members]
                    ranked = self._ranked(questions, rows, k)
                out.update(zip(members, ranked, strict=True))
                continue
            count = max(candidates or DEFAULT_CANDIDATES, k)
            for i in members:
                with _timed("candidates", on_stage):
                    found = self._candidates.find(encoded[i], count=count, rows=rows)
                with _timed("rerank", on_stage), threads.no_blas_threads():
                    (out[i],) = self._ranked([encoded[i]], found.pages, k)
        return out

    def _ranked(self, queries: Sequence[QueryVectors], rows: I64 | None, k: int) -> list[Ranking]:
        """What `rerank.rank` says, with the maxima of words that are known already; other vectors do not come again."""
        known = None if any(query.in_context for query in queries) else self._maxima.of
        return rerank.rank(self.snapshot, queries, rows=rows, k=k, scorer=self._scorer, maxima_of=known)

    def _scores_all(self, exact: bool, candidates: int | None) -> bool:
        return exact or (candidates is None and self._is_small)

    def _look_for(self, batch: Sequence[Query], encoded: Mapping[int, QueryVectors]) -> None:
        """Find the maxima of the words of questions to all pages, not those of what else they look for: most of that is
        left out when the words' weights are known.
        """
        words = [q.vectors for i, q in encoded.items() if not q.in_context and batch[i].path is None]
        if words and len(self.snapshot):
            self._maxima.of(np.concatenate(words), None)

    def _hits(self, ranking: Ranking | None) -> list[Hit]:
        if ranking is None:
            return []
        refs = self.snapshot.refs(ranking.pages)
        return [Hit(ref, float(s), rank) for rank, (ref, s) in enumerate(zip(refs, ranking.scores, strict=True), 1)]


def without_small_others(query: QueryVectors) -> QueryVectors:
    """The query without what else its words look for where that could add less than LEAST_OF_OTHERS to the score: the
    synonyms of a word that is one of many find more wrong words than right ones.
    """
    if query.others is None:
        return query
    kept = query.others.shares * query.weights[query.others.words] >= LEAST_OF_OTHERS
    if not kept.any():
        return replace(query, others=None)
    others = Others(query.others.vectors[kept], query.others.words[kept], query.others.shares[kept])
    return replace(query, others=others)


def fits(path: str, wanted: str) -> bool:
    """Whether a document's path matches the glob `wanted`, or has this file name.

    >>> fits("contracts/a.pdf", "contracts/*"), fits("contracts/a.pdf", "a.pdf"), fits("contracts/a.pdf", "b.pdf")
    (True, True, False)
    """
    return path == wanted or path.endswith("/" + wanted) or fnmatchcase(path, wanted)


def _scorer(snapshot: Snapshot, device: str) -> Scorer | None:
    """What scores pages on a GPU; None where the processor does. Imports torch only where there is an NVIDIA GPU."""
    if device == "cpu" or (device == "auto" and not NVIDIA_DRIVER.exists()):
        return None
    from .models.device import choose

    chosen = choose(device)
    if chosen.type != "cuda":
        return None
    try:
        from .ranking.gpu import GpuPages
    except ImportError as err:
        if device == "cuda":
            raise UsageError(f"--device cuda: {err}; install the extra: pip install 'docsearch[gpu]'") from err
        return None
    return GpuPages(snapshot, chosen)


@contextmanager
def _timed(stage: str, on_stage: Callable[[str, float], None] | None) -> Iterator[None]:
    started = perf_counter()
    yield
    if on_stage is not None:
        on_stage(stage, perf_counter() - started)
