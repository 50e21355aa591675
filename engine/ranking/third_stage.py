"""Stage 3, on request: a cross-encoder reads the first hits, their texts or pictures, and puts these in its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from ..errors import DocsearchError
from ..hits import Hits, PagePictures
from ..records import F32, U8, Hit, PageRef

DEFAULT_RERANKED = 20
"""Hits that are read by default: a model reads some hundred tokens of each, or a picture."""


class PageReranker(Protocol):
    """Scores pages by how well they answer a question."""

    @property
    def reads_pictures(self) -> bool:
        """Whether it reads pictures of pages; otherwise texts only."""
        ...

    def scores(self, question: str, pages: Sequence[str | U8]) -> F32:
        """The scores (N,) in 0..1 of N pages, each its text or, if it `reads_pictures`, its picture (H, W, 3) uint8."""
        ...


@dataclass(frozen=True)
class ThirdStage:
    """Reranks the first `count` hits of an answer with `model`.

    `undrawn` collects the pages that a model which reads pictures had no picture of, with the reasons.
    """

    model: PageReranker
    count: int = DEFAULT_RERANKED
    undrawn: dict[PageRef, str] = field(default_factory=dict, compare=False, repr=False)

    def answer(
        self,
        found: Hits,
        question: str,
        k: int,
        text_of: Callable[[PageRef], str],
        pictures: PagePictures | None = None,
    ) -> Hits:
        """The best `k` hits of an answer, the first `count` of them by the model's scores.

        A model that reads pictures gets those of `pictures`, or the text of a page without one; a page with neither
        keeps its place and has the score of the hit before it. Equal scores stay in the order of the hits. Hits behind
        the first `count` follow in their order, with the lowest of the new scores at most. The confidence, which is of
        the order before, is left out. A query without words stays as it is.
        """
        if not question.strip() or not found:
            return found[:k]
        read, rest = list(found[: self.count]), list(found[self.count :])
        sees = self.model.reads_pictures
        pages = [self._page(hit.ref, text_of, pictures) if sees else text_of(hit.ref) for hit in read]
        unread = {i for i, page in enumerate(pages) if sees and isinstance(page, str) and not page.strip()}
        if len(unread) == len(read):
            return found[:k]
        scores = self.model.scores(question, pages)
        ranked = iter([i for i in np.argsort(-scores, kind="stable").tolist() if i not in unread])
        last = max(float(scores[i]) for i in range(len(read)) if i not in unread)
        hits: list[Hit] = []
        for place in range(len(read)):
            if place in unread:
                hits.append(replace(read[place], score=last))
            else:
                i = next(ranked)
                last = float(scores[i])
                hits.append(replace(read[i], score=last))
        share = hits[-1].score / rest[0].score if rest and rest[0].score > 0 else 0.0
        hits += [replace(hit, score=hit.score * share) for hit in rest]
        best: list[Hit] = [replace(hit, rank=rank) for rank, hit in enumerate(hits[:k], 1)]
        return Hits(best, found.text, unread_letters=found.unread_letters, mode=found.mode)

    def _page(self, ref: PageRef, text_of: Callable[[PageRef], str], pictures: PagePictures | None) -> str | U8:
        """The picture of a page, or its text where there is none."""
        if pictures is None:
            self.undrawn[ref] = "the index was opened without a source of pictures"
        else:
            try:
                return pictures.pixels(ref)
            except DocsearchError as err:
                self.undrawn[ref] = str(err)
        return text_of(ref)
