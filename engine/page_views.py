"""What an open index tells of one page and a question: heat maps, where words match, the page's text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from .errors import UsageError
from .records import U8, Mode, PageRef, PageWords, QueryVectors, SoughtWord
from .store import Snapshot

if TYPE_CHECKING:
    from .explain.heatmap import WordMarks
    from .explain.printed import PrintedMatches


class PageViews(ABC):
    """The part of a `Searcher` that shows pages. Methods that take `words` mark those of the page's text layer, too."""

    snapshot: Snapshot

    @property
    @abstractmethod
    def default_mode(self) -> Mode:
        """How questions are answered if they do not say."""

    @abstractmethod
    def encode(self, text: str, *, image: U8 | None = None) -> QueryVectors:
        """A question as vectors with the weights that it has in this collection."""

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

        query = self.encode(text, image=image)
        printed = self.printed_matches(text, query, words)
        return heatmap.draw(pixels, *heatmap.placed_patches(self.snapshot, ref), query, printed)

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

        query = self.encode(text)
        printed = self.printed_matches(text, query, words)
        if word is not None:
            if not 0 <= word < len(query.tokens):
                raise UsageError(f"there is no word {word} in the question; its words are {', '.join(query.words)}")
            query, printed = heatmap.only_word(query, word), None if printed is None else printed.only_token(word)
        return heatmap.overlay(size[1], size[0], *heatmap.placed_patches(self.snapshot, ref), query, printed)

    def word_marks(self, text: str, ref: PageRef, *, words: PageWords | None = None) -> list[WordMarks]:
        """Where the page `ref` matches each word of the question, and how well; with the `words` of its text layer."""
        from .explain import heatmap

        query = self.encode(text)
        printed = self.printed_matches(text, query, words)
        return heatmap.word_marks(*heatmap.placed_patches(self.snapshot, ref), query, printed)

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
