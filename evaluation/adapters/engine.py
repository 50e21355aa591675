"""An index for each corpus that a benchmark hands over, and the answers to its queries, for the adapters here."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from PIL import Image

from ...engine import threads
from ...engine.errors import UsageError
from ...engine.models.encoder import Encoder
from ...engine.models.pooled import pooled_spec
from ...engine.models.registry import find_spec, load_encoder
from ...engine.records import QUESTION_MAX_CHARS, Mode, PageRef, Query
from ...engine.searcher import Searcher, open_searcher
from ...indexer.report import IndexReport
from ..datasets.collection import Corpus
from ..datasets.indexing import index_corpus
from ..matching import strictly_falling

UNSAFE = re.compile(r"[^\w.-]+")
KEY_DIGITS = 12
WORKERS_MAX = 8


class SearchOptions(TypedDict, total=False):
    """The options of `CorpusSearch`, for classes that hand them on."""

    model: str
    device: str
    codec: str | None
    pool: int | None
    mode: Mode | None
    candidates: int | None
    exact: bool
    workers: int | None


class CorpusSearch:
    """Indexes corpora in `folder` and searches the one that was indexed last; a context manager.

    Without a `folder`, indexes are deleted in the end. `model`, `device`, `codec` and `pool` are those of `index`;
    `mode`, `candidates` and `exact` those of a search; `workers` render pages, by default half of the cores.
    A corpus has a folder by its `name` and its ids. A page that is in there already is embedded again only if its
    picture or its text has changed: six languages over the same pages cost one indexing.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        model: str = "pixel",
        device: str = "auto",
        codec: str | None = None,
        pool: int | None = None,
        mode: Mode | None = None,
        candidates: int | None = None,
        exact: bool = False,
        workers: int | None = None,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="docsearch-eval-") if folder is None else None
        self._folder = Path(self._temporary.name if self._temporary is not None else str(folder))
        self.spec = find_spec(model)
        self._model = model
        self._device = device
        self._codec = codec
        self._pool = pool
        self._mode = mode
        self._candidates = candidates
        self._exact = exact
        self._workers = workers or min(max(threads.available() // 2, 1), WORKERS_MAX)
        self._encoder: Encoder | None = None
        self._searcher: Searcher | None = None

    def __enter__(self) -> CorpusSearch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the index that is open, and delete all of them if they are temporary."""
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None
        if self._temporary is not None:
            self._temporary.cleanup()

    def index(self, name: str, corpus: Corpus) -> IndexReport:
        """Index a corpus, or what of it is missing, and search it from now on. Raises what indexing raises."""
        if self._encoder is None:
            self._encoder = load_encoder(self._model, device=self._device)
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None
        directory = self._folder / self._key(name, corpus.ids)
        report = index_corpus(
            corpus,
            directory,
            model=self._model,
            codec=self._codec,
            pool=self._pool,
            workers=self._workers,
            encoder=self._encoder,
        )
        self._searcher = open_searcher(directory, encoder=self._encoder)
        self._searcher.prepare()
        return report

    def search(self, queries: Iterable[tuple[str, str]], k: int) -> dict[str, dict[str, float]]:
        """The scores of the best `k` pages for each query, an id and a text, by query id and page id.

        Scores fall strictly from hit to hit, so that any evaluator has the pages in this engine's order. A query with
        nothing to search for has no pages, and of one of more than QUESTION_MAX_CHARS its beginning is asked. Raises
        UsageError before `index`.
        """
        asked = (Query(query_id, text[:QUESTION_MAX_CHARS]) for query_id, text in queries)
        found = self._opened().search_many(asked, k=k, candidates=self._candidates, exact=self._exact, mode=self._mode)
        return {query.query_id: _scores([(hit.ref.path, hit.score) for hit in hits]) for query, hits in found}

    def rerank(
        self, queries: Iterable[tuple[str, str]], candidates: Mapping[str, Sequence[str]], k: int
    ) -> dict[str, dict[str, float]]:
        """The scores of the best `k` of the given pages of each query, by their pictures."""
        searcher = self._opened()
        found = {}
        for query_id, text in queries:
            refs = [self._ref(searcher, page_id) for page_id in candidates.get(query_id, ())]
            scores = zip((ref.path for ref in refs), searcher.scores(text[:QUESTION_MAX_CHARS], refs), strict=True)
            found[query_id] = _scores(sorted(scores, key=lambda pair: (-pair[1], pair[0]))[:k])
        return found

    def _opened(self) -> Searcher:
        if self._searcher is None:
            raise UsageError("no corpus is indexed yet: call index() before search()")
        return self._searcher

    def _key(self, name: str, ids: Sequence[str]) -> str:
        spec = pooled_spec(self.spec, self._pool or 1)
        parts = "\0".join([repr(sorted(spec.fingerprint.items())), str(self._codec), *ids])
        digest = hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_DIGITS]
        return f"{UNSAFE.sub('-', name).strip('.-') or 'corpus'}-{digest}.index"

    @staticmethod
    def _ref(searcher: Searcher, page_id: str) -> PageRef:
        document = searcher.snapshot.document(path=page_id)
        if document is None:
            raise UsageError(f"{page_id}: no such page in the corpus")
        return PageRef(document.id, page_id, 1)


def encoded(image: Image.Image) -> bytes:
    """A decoded picture as a file again, without loss and quickly: a TIFF, not compressed, of the same resolution."""
    out = io.BytesIO()
    dpi = image.info.get("dpi")
    image.save(out, "TIFF", **({"dpi": dpi} if dpi else {}))
    return out.getvalue()


def _scores(hits: Sequence[tuple[str, float]]) -> dict[str, float]:
    falling = strictly_falling(score for _, score in hits)
    return dict(zip((page_id for page_id, _ in hits), falling, strict=True))
