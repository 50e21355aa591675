"""What an open index tells of one page and a question: heat maps, where words match, the page's text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from .details import HitDetails, RecognisedWord
from .errors import UsageError
from .explain.snippet import snippet
from .hits import PagePictures
from .maxsim_cache import MaxSimCache
from .models.encoder import QueryEncoder
from .ranking.prior import ScoreParts
from .records import U8, Hit, Mode, PageRef, PageWords, Query, QueryVectors, SoughtWord
from .store import Snapshot
from .store.columns import MODIFIED, TITLE

if TYPE_CHECKING:
    from .explain.heatmap import WordMarks
    from .explain.printed import PrintedMatches
    from .explained import Explanation


class DetailsOfHits:
    """Tells the details of the hits of one question, which share what it is searched for. Deep copies are the same."""

    def __init__(self, views: PageViews, text: str) -> None:
        self._views = views
        self._text = text

    def __deepcopy__(self, memo: object) -> DetailsOfHits:
        return self

    def __call__(self, ref: PageRef) -> HitDetails:
        """The details of a page. Raises UsageError where the index is closed, or has no such page."""
        text = self._views.text(ref)
        passage = snippet(text, self._sought)
        seen = () if passage is not None or self._query is None else self._recognised(ref, self._query)
        index, ref = self._views.snapshot.of_index(ref.index), replace(ref, index="")
        columns = index.columns.of([ref.doc_id]).get(ref.doc_id, {})
        title, modified = (str(columns.get(name, "")) for name in (TITLE, MODIFIED))
        label = index.label(index.row(ref))
        return HitDetails(text, passage, seen, label, title, modified)

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
    """The part of a `Searcher` that shows pages. Methods that take `words` mark those of the page's text layer, too."""

    snapshot: Snapshot
    encoder: QueryEncoder
    cache: MaxSimCache
    pictures: PagePictures | None

    @property
    @abstractmethod
    def default_mode(self) -> Mode:
        """How questions are answered if they do not say."""

    @abstractmethod
    def encode(self, text: str, *, image: U8 | None = None) -> QueryVectors:
        """A question as vectors with the weights that it has in this collection."""

    @abstractmethod
    def rescored(self, text: str, mode: Mode) -> tuple[QueryVectors, ScoreParts | None]:
        """A question as it is searched for, weighed, and what turns scores of pictures into those of hits."""

    @abstractmethod
    def sought(self, text: str) -> tuple[tuple[SoughtWord, ...], dict[str, str]]:
        """What texts are searched for a question, and the words of it that were corrected."""

    def heatmap(
        self, text: str, ref: PageRef, pixels: U8, *, image: U8 | None = None, words: PageWords | None = None
    ) -> U8:
        """The page `ref`, rendered as `pixels` (H, W, 3) uint8, with what matches the question marked on it.

        `words` are those of its text layer, which are marked too where they match.
        """
        from .explain import heatmap  # imports Pillow, which no answer needs
        from .explain.patches import placed_patches

        query = self.encode(text, image=image)
        printed = self.printed_matches(text, query, words)
        return heatmap.draw(pixels, *placed_patches(self.snapshot, ref), query, printed)

    def overlay(
        self,
        text: str,
        ref: PageRef,
        size: tuple[int, int],
        *,
        word: int | None = None,
        words: PageWords | None = None,
    ) -> U8:
        """The marks of `heatmap` alone, (H, W, 4) uint8, for a page of `size` width and height.

        `word` is the place in the question of the only word to mark. Raises UsageError for a page or word that is not
        there.
        """
        from .explain import heatmap
        from .explain.patches import placed_patches

        query = self.encode(text)
        printed = self.printed_matches(text, query, words)
        if word is not None:
            if not 0 <= word < len(query.tokens):
                raise UsageError(f"there is no word {word} in the question; its words are {', '.join(query.words)}")
            query, printed = heatmap.only_word(query, word), None if printed is None else printed.only_token(word)
        return heatmap.overlay(size[1], size[0], *placed_patches(self.snapshot, ref), query, printed)

    def word_marks(self, text: str, ref: PageRef, *, words: PageWords | None = None) -> list[WordMarks]:
        """Where the page `ref` matches each word of the question, and how well; with the `words` of its text layer."""
        from .explain import heatmap
        from .explain.patches import placed_patches

        query = self.encode(text)
        printed = self.printed_matches(text, query, words)
        return heatmap.word_marks(*placed_patches(self.snapshot, ref), query, printed)

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

    def picture_of_hit(self, query: Query, mode: Mode, hit: Hit) -> U8:
        """The page of a hit of this `mode` with its heat map, for notebooks; raises what `PagePictures.pixels` does."""
        assert self.pictures is not None
        self.snapshot.check_open()
        pixels, words = self.pictures.with_words(hit.ref)
        shown = None if mode == "visual" else words
        return self.heatmap(query.text, hit.ref, pixels, image=query.image, words=shown)
