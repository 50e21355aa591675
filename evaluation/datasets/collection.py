"""What every reader of a benchmark returns: pages, queries and judgements, with the metric that the field reports."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ...engine.errors import UsageError
from ...engine.records import FloatBox
from ..questions import Judgement, Question, Questions
from .languages import is_language, language_name

LANGUAGE, SUBSET = "language", "subset"
"""The columns of questions that name their language, and the part of the benchmark they belong to."""


PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
"""What the indexer reads, in the names of Pillow."""


@dataclass(frozen=True, slots=True)
class CorpusPage:
    """One page: its id in the corpus, its `picture` as an encoded image, its text if the corpus has one, else ""."""

    page_id: str
    picture: bytes
    text: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pages to search, which have the `ids` in this order; `read` yields them anew at each call, one at a time.

    A corpus of PDF files has the folder `documents` instead, which is indexed as any folder is; then `ids` is empty.
    `has_text` tells whether pages come with a text.
    """

    ids: tuple[str, ...]
    read: Callable[[], Iterator[CorpusPage]]
    has_text: bool = False
    documents: Path | None = None

    def fingerprint(self) -> str:
        """A hash of the ids, pictures and texts; reads every page."""
        digest = hashlib.sha256()
        for page in self.read():
            for part in (page.page_id.encode(), page.picture, page.text.encode()):
                digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class DatasetQuery:
    """A query as a dataset has it, with the `grades` of its judged pages by page id.

    `language` is a full word in lower case, or "" where the dataset does not tell. `within` is a glob of the pages that
    are searched. `pixel_boxes` say where on a page the answer is, x0, y0, x1, y1 in pixels of its picture, `boxes` in
    fractions of its width and height; both by page id.
    """

    query_id: str
    text: str
    grades: Mapping[str, int]
    language: str = ""
    within: str | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pixel_boxes: Mapping[str, tuple[FloatBox, ...]] = field(default_factory=dict)
    boxes: Mapping[str, tuple[FloatBox, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subset:
    """Queries over one corpus. `name` tells subsets of a benchmark apart: a language, a domain; "" for the only one.

    `unjudged` counts queries without a relevant page, which are left out.
    """

    name: str
    corpus: Corpus
    queries: tuple[DatasetQuery, ...]
    unjudged: int = 0


@dataclass(frozen=True, slots=True)
class Collection:
    """A benchmark: its subsets, and the `main` metric that is reported of it, such as "ndcg@10".

    Subsets that share one `Corpus` object are searched in one index. `all_languages` are those of the benchmark, also
    after `in_languages` has left some out.
    """

    name: str
    subsets: tuple[Subset, ...]
    main: str = "ndcg@10"
    all_languages: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of all queries, in order of first use."""
        return tuple(dict.fromkeys(q.language for each in self.subsets for q in each.queries if q.language))

    def in_languages(self, wanted: Sequence[str]) -> Collection:
        """The same benchmark with the queries of some languages, each a name or an ISO 639 code; the pages all stay.

        Raises UsageError where no query is in one of them.
        """
        if not wanted:
            return self
        names = [language_name(each) for each in wanted]
        for name in names:
            if name not in self.languages:
                has = ", ".join(self.languages) or "queries without a language"
                raise UsageError(f"{self.name} has no queries in {name}; it has {has}")
        subsets = tuple(
            replace(each, queries=kept)
            for each in self.subsets
            if (kept := tuple(query for query in each.queries if query.language in names))
        )
        return replace(self, subsets=subsets)

    def by_corpus(self) -> list[tuple[Corpus, tuple[Subset, ...]]]:
        """The distinct corpora, each with the subsets that search it."""
        groups: dict[int, tuple[Corpus, list[Subset]]] = {}
        for each in self.subsets:
            groups.setdefault(id(each.corpus), (each.corpus, []))[1].append(each)
        return [(corpus, tuple(subsets)) for corpus, subsets in groups.values()]


def questions(collection: Collection, subsets: Sequence[Subset]) -> Questions:
    """The queries of `subsets`, which share one corpus, as `docsearch eval` asks them; boxes are in page fractions.

    A page id is a document of the index, with one page; of PDF files it is the path and the page, joined by "#". Query
    ids that several subsets of the collection use get the subset's name in front.
    """
    sizes = picture_sizes(subsets[0].corpus, {page for s in subsets for q in s.queries for page in q.pixel_boxes})
    seen = Counter(query.query_id for each in collection.subsets for query in each.queries)
    items = []
    for each in subsets:
        for query in each.queries:
            columns = {**({LANGUAGE: (query.language,)} if query.language else {}), **query.columns}
            if each.name and not is_language(each.name):
                columns = {SUBSET: (each.name,), **columns}
            judgements = tuple(
                _judgement(each.corpus, page, grade, _fractions(query, page, sizes))
                for page, grade in query.grades.items()
            )
            where = f"{collection.name}, query {query.query_id}"
            query_id = f"{each.name}/{query.query_id}" if seen[query.query_id] > 1 else query.query_id
            items.append(Question(query_id, query.text, judgements, query.within, columns=columns, where=where))
    unjudged = sum(each.unjudged for each in subsets)
    return Questions(collection.name, tuple(items), unjudged, box_unit="fractions", main=collection.main)


def picture_sizes(corpus: Corpus, wanted: set[str]) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of the pictures of some pages; no picture is decoded, and none read if none is wanted.

    A picture that is broken has no size.
    """
    if not wanted:
        return {}
    found = {}
    for page in corpus.read():
        if page.page_id in wanted:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # nothing is decompressed
                    picture = Image.open(io.BytesIO(page.picture), formats=PICTURE_FORMATS)
                with picture:
                    found[page.page_id] = picture.size
            except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                continue
    return found


def share_equal_corpora(subsets: Sequence[Subset]) -> tuple[Subset, ...]:
    """The subsets with equal corpora made one, so that these pages are embedded once: six languages, one set of pages.

    Pictures are read and compared only where all ids are equal.
    """
    first_of: dict[tuple[tuple[str, ...], str], Corpus] = {}
    by_ids: dict[tuple[str, ...], list[Subset]] = {}
    for each in subsets:
        by_ids.setdefault(each.corpus.ids, []).append(each)
    shared = []
    for each in subsets:
        alike = by_ids[each.corpus.ids]
        if len({id(one.corpus) for one in alike}) == 1:
            shared.append(each)
            continue
        corpus = first_of.setdefault((each.corpus.ids, each.corpus.fingerprint()), each.corpus)
        shared.append(replace(each, corpus=corpus))
    return tuple(shared)


def _judgement(corpus: Corpus, page_id: str, grade: int, boxes: tuple[FloatBox, ...]) -> Judgement:
    if corpus.documents is None:
        return Judgement(page_id, 1, grade, boxes)
    path, _, page = page_id.rpartition("#")
    return Judgement(path, int(page), grade, boxes)


def _fractions(query: DatasetQuery, page_id: str, sizes: Mapping[str, tuple[int, int]]) -> tuple[FloatBox, ...]:
    boxes = query.boxes.get(page_id, ())
    if page_id not in sizes:
        return boxes
    width, height = sizes[page_id]
    pixels = query.pixel_boxes.get(page_id, ())
    return (*boxes, *((x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in pixels))
