"""What an open index tells of its pages: heat maps, where words match, text, vectors, lists and facets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .compression.codecs import decode
from .details import HitDetails, RecognisedWord
from .errors import UsageError
from .explain.passage import line_boxes
from .explain.snippet import has_match, passage_snippet, snippet
from .hits import PagePictures
from .maxsim_cache import MaxSimCache
from .models.encoder import QueryEncoder
from .modes import COMBINED
from .ranking.prior import ScoreParts
from .records import F16, F32, U8, Hit, Mode, PageRef, PageWords, Query, QueryVectors, SoughtWord
from .retrieval.first_stage import FirstStage
from .retrieval.passages import Passage
from .store import Snapshot
from .store.columns import MODIFIED, TITLE
from .where.documents import DocumentFilter
from .where.facets import Facet, count_facets
from .where.pages import Pages, pages_of

if TYPE_CHECKING:
    from .explain.heatmap import WordMarks
    from .explain.printed import PrintedMatches
    from .explained import Explanation


class DetailsOfHits:
    """The source of the hits of one `query`, found in this `mode`: they share what it is searched for.

    A deep copy is the same object.
    """

    def __init__(self, views: PageViews, query: Query, mode: Mode) -> None:
        self._views = views
        self._asked = query
        self._mode = mode
        self._text = query.text

    def __deepcopy__(self, memo: object) -> DetailsOfHits:
        return self

    def __call__(self, ref: PageRef) -> HitDetails:
        """The details of a page. Raises UsageError where the index is closed, or has no such page."""
        text = self._views.text(ref)
        nearest = self._views.nearest_passage(self._text, ref, self._mode)
        passage = (
            snippet(text, self._sought)
            if nearest is None
            else passage_snippet(text, nearest.start, nearest.end, self._sought)
        )
        seen = () if passage is not None or self._query is None else self._recognised(ref, self._query)
        index, ref = self._views.snapshot.of_index(ref.index), replace(ref, index="")
        columns = index.columns.of([ref.doc_id]).get(ref.doc_id, {})
        title, modified = (str(columns.get(name, "")) for name in (TITLE, MODIFIED))
        row = index.row(ref)
        ocr_engine = index.ocr_engines([row])[0] if text else ""
        return HitDetails(text, passage, seen, index.label(row), title, modified, ocr_engine)

    def page(self, ref: PageRef) -> U8:
        """The page as (H, W, 3) uint8. Raises what `PagePictures.pixels` does, and UsageError without pictures."""
        self._views.snapshot.check_open()
        return self._pictures.pixels(ref)

    def page_with_matches(self, ref: PageRef) -> U8:
        """The page with its heat map, (H, W, 3) uint8; raises what `page` raises, and UsageError without a question."""
        if self._asked.like is not None:
            raise UsageError(f"{ref.path}, page {ref.page}: found by a page, so there is no word to mark")
        return self._marked(ref, self._pictures)

    def _marked(self, ref: PageRef, pictures: PagePictures) -> U8:
        self._views.snapshot.check_open()
        pixels, words = pictures.with_words(ref)
        shown = None if self._mode == "visual" else words
        return self._views.heatmap(self._text, ref, pixels, image=self._asked.image, words=shown, mode=self._mode)

    @property
    def drawn(self) -> Callable[[Hit], U8] | None:
        """Draws the pages of these hits, small, for a notebook; None where the index has no pictures."""
        return None if self._views.pictures is None else self._drawn

    def _drawn(self, hit: Hit) -> U8:
        self._views.snapshot.check_open()
        thumbnails = self._pictures.thumbnails
        return thumbnails.pixels(hit.ref) if self._asked.like is not None else self._marked(hit.ref, thumbnails)

    @property
    def _pictures(self) -> PagePictures:
        if self._views.pictures is None:
            raise UsageError("this index was opened without pictures of its pages; docsearch.open_index has them")
        return self._views.pictures

    @cached_property
    def _sought(self) -> tuple[SoughtWord, ...]:
        return self._views.sought(self._text)[0] if self._text.strip() else ()

    @cached_property
    def _query(self) -> QueryVectors | None:
        """The encoded question; None where it has no word."""
        try:
            return self._views.encode(self._text) if self._text.strip() else None
        except UsageError:
            return None

    def _recognised(self, ref: PageRef, query: QueryVectors) -> tuple[RecognisedWord, ...]:
        from .explain.patches import placed_patches, recognised

        try:
            seen = recognised(*placed_patches(self._views.snapshot, ref), query)
            return tuple(each for each in seen if not self._views.encoder.spec.unread_letters(each.word))
        except UsageError:  # the model's vectors have no place
            return ()


class PageViews(ABC):
    """The part of a `Searcher` that shows and lists pages. Methods that take `words` of a text layer mark these too."""

    snapshot: Snapshot
    documents: DocumentFilter
    encoder: QueryEncoder
    cache: MaxSimCache
    pictures: PagePictures | None
    first_stage: FirstStage

    @property
    @abstractmethod
    def default_mode(self) -> Mode:
        """How questions are answered if they do not say."""

    @abstractmethod
    def encode(self, text: str, *, image: U8 | None = None) -> QueryVectors:
        """A question, or an `image` (H, W, 3) uint8, as vectors with the weights that they have in this collection."""

    @abstractmethod
    def rescored(self, text: str, mode: Mode) -> tuple[QueryVectors, ScoreParts | None]:
        """A question as it is searched for, weighed, and what turns scores of pictures into those of hits."""

    @abstractmethod
    def sought(self, text: str) -> tuple[tuple[SoughtWord, ...], dict[str, str]]:
        """What texts are searched for a question, and the words of it that were corrected."""

    def nearest_passage(self, text: str, ref: PageRef, mode: Mode | None) -> Passage | None:
        """The passage of the page `ref` that shows why it is a hit of the question `text` in this `mode`, by meaning.

        None where its words show that: in the mode hybrid, if it has any of the question's; None is the default mode.
        """
        mode = mode or self.default_mode
        if mode not in COMBINED or self.default_mode != "hybrid" or not text.strip():
            return None
        passages = self.first_stage.passages()
        if passages is None:
            return None
        if mode == "hybrid" and has_match(self.text(ref), self.sought(text)[0]):
            return None
        return passages.nearest(text, self.snapshot.row(ref))

    def heatmap(
        self,
        text: str,
        ref: PageRef,
        pixels: U8,
        *,
        image: U8 | None = None,
        words: PageWords | None = None,
        mode: Mode | None = None,
    ) -> U8:
        """The page `ref`, rendered as `pixels` (H, W, 3) uint8, with what matches the question marked on it.

        `words` are those of its text layer, which are marked too where they match; in the mode semantic, so is the
        passage that is nearest in meaning.
        """
        from .explain import heatmap  # imports Pillow, which no answer needs
        from .explain.patches import placed_patches

        query, words = self.encode(text, image=image), self._printed_words(ref, words)
        printed = self.printed_matches(text, query, words)
        passage = self._passage_lines(text, ref, mode, words)
        return heatmap.draw(pixels, *placed_patches(self.snapshot, ref), query, printed, passage)

    def overlay(
        self,
        text: str,
        ref: PageRef,
        size: tuple[int, int],
        *,
        word: int | None = None,
        words: PageWords | None = None,
        mode: Mode | None = None,
    ) -> U8:
        """The marks of `heatmap` alone, (H, W, 4) uint8, for a page of `size` width and height.

        `word` is the place in the question of the only word to mark, without a passage. Raises UsageError for a page or
        word that is not there.
        """
        from .explain import heatmap
        from .explain.patches import placed_patches

        query, words = self.encode(text), self._printed_words(ref, words)
        printed = self.printed_matches(text, query, words)
        passage = None if word is not None else self._passage_lines(text, ref, mode, words)
        if word is not None:
            if not 0 <= word < len(query.tokens):
                raise UsageError(f"there is no word {word} in the question; its words are {', '.join(query.words)}")
            query, printed = heatmap.only_word(query, word), None if printed is None else printed.only_token(word)
        placed = placed_patches(self.snapshot, ref)
        return heatmap.overlay(size[1], size[0], *placed, query, printed, passage)

    def word_marks(self, text: str, ref: PageRef, *, words: PageWords | None = None) -> list[WordMarks]:
        """Where the page `ref` matches each word of the question, and how well; with the `words` of its text layer."""
        from .explain import heatmap
        from .explain.patches import placed_patches

        query = self.encode(text)
        printed = self.printed_matches(text, query, self._printed_words(ref, words))
        return heatmap.word_marks(*placed_patches(self.snapshot, ref), query, printed)

    def passage_lines(self, text: str, ref: PageRef, mode: Mode | None, words: PageWords | None) -> F32:
        """The lines of the passage that `nearest_passage` tells, as boxes (L, 4) float32 in page fractions.

        `words` are those of the page's text layer. None without them, where they show why it is a hit, and where the
        document has changed.
        """
        found = self._passage_lines(text, ref, mode, self._printed_words(ref, words))
        return np.zeros((0, 4), np.float32) if found is None else found

    def _passage_lines(self, text: str, ref: PageRef, mode: Mode | None, words: PageWords | None) -> F32 | None:
        """The same, of words as `_printed_words` tells them."""
        if words is None or (passage := self.nearest_passage(text, ref, mode)) is None:
            return None
        return line_boxes(self.text(ref), passage.start, passage.end, words)

    def _printed_words(self, ref: PageRef, words: PageWords | None) -> PageWords | None:
        """The `words` of a page's own text layer, or those that OCR read, which no document tells; None stays None."""
        if words is None:
            return None
        return self.snapshot.ocr_words(self.snapshot.row(ref)) or words

    def printed_matches(self, text: str, query: QueryVectors, words: PageWords | None) -> PrintedMatches | None:
        """Where the `words` of a page have the tokens of the question `text`, encoded as `query`; None without words,
        and for models whose questions text layers are not searched for.
        """
        if words is None or not len(words.texts) or not text.strip() or self.default_mode != "hybrid":
            return None
        from .explain.printed import printed_matches

        sought, corrections = self.sought(text)
        return printed_matches(words, query, sought, corrections)

    def text(self, ref: PageRef) -> str:
        """The text layer of the page `ref` as it was indexed, or ""; UsageError where there is no such page."""
        return self.snapshot.text(self.snapshot.row(ref))

    def explain(self, text: str, hits: Sequence[Hit], *, mode: Mode | None = None) -> list[Explanation]:
        """Why `hits` of the question `text`, found in this `mode`, have their scores. Raises UsageError where the
        question has no word, or a page is not in the index.
        """
        from .explained import explain

        mode = mode or self.default_mode
        query, rescored = self.rescored(text, mode)
        return explain(self.snapshot, self.cache, query, rescored, self.sought(text), hits, mode)

    def pages(self, *, path: str | None = None, where: str | None = None) -> Pages:
        """The pages of the index, by path and number: of documents that `path` and `where` select, as in a search.

        Raises UsageError for a condition that does not fit the index.
        """
        self.snapshot.check_open()
        return pages_of(self.documents, path, where)

    def vectors(self, ref: PageRef) -> F16:
        """The patch vectors of the page `ref` as the index has them, decoded, (T, D) float16.

        Raises UsageError where there is no such page.
        """
        rows = np.array([self.snapshot.row(ref)], np.int64)
        (vectors,) = [decode(block.coded) for block in self.snapshot.blocks(rows=rows)]
        return vectors.astype(np.float16)

    def facets(self, *columns: str, where: str | None = None, path: str | None = None, limit: int = 20) -> list[Facet]:
        """How many documents and pages have each value of `columns`; without `columns`, of all that have a value.

        Each column comes with its `limit` most frequent values. Only the documents that `path` and `where` select are
        counted, as in a search. Raises UsageError for a column that is not there, and for a wrong condition.
        """
        self.snapshot.check_open()
        return count_facets(self.documents, columns, where, path, limit=limit)

    def check_where(self, where: str) -> None:
        """Raise UsageError if a condition on documents' columns is wrong, or does not fit the index."""
        self.documents.keys(None, where)
