"""Stage 3, on request: a cross-encoder reads the texts of the first hits, and puts these in its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..hits import Hits
from ..records import F32, Hit, PageRef

DEFAULT_RERANKED = 20
"""Hits that are read by default: a model reads some hundred tokens of each."""


class TextReranker(Protocol):
    """Scores texts by how well they answer a question."""

    def scores(self, question: str, texts: Sequence[str]) -> F32:
        """The scores (N,) in 0..1 of N texts."""
        ...


@dataclass(frozen=True)
class ThirdStage:
    """Reranks the first `count` hits of an answer with `model`."""

    model: TextReranker
    count: int = DEFAULT_RERANKED

    def answer(self, found: Hits, question: str, k: int, text_of: Callable[[PageRef], str]) -> Hits:
        """The best `k` hits of an answer, the first `count` of them by the model's scores of their texts.

        Equal scores stay in the order of the hits. Hits behind the first `count` follow in their order, with the lowest
        of the new scores at most. The confidence, which is of the order before, is left out. A query without words
        stays as it is.
        """
        if not question.strip() or not found:
            return found[:k]
        read, rest = list(found[: self.count]), list(found[self.count :])
        scores = self.model.scores(question, [text_of(hit.ref) for hit in read])
        order = np.argsort(-scores, kind="stable").tolist()
        hits = [replace(read[i], score=float(scores[i])) for i in order]
        share = hits[-1].score / rest[0].score if rest and rest[0].score > 0 else 0.0
        hits += [replace(hit, score=hit.score * share) for hit in rest]
        ranked: list[Hit] = [replace(hit, rank=rank) for rank, hit in enumerate(hits[:k], 1)]
        return Hits(ranked, found.text, unread_letters=found.unread_letters, mode=found.mode)
