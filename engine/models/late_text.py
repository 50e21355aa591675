"""Late-interaction models of text, over the text layers of pages: ColBERT, and models of PyLate.

A model reads some hundred tokens at once, a page may have more: its text is embedded in passages, one after the other,
and the page has the vectors of all of them. Pages without a text layer have no vectors, and are not found.
Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction", 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..records import F16, F32, WHOLE_PAGE, PageImage, PageVectors, Ragged
from .encoder import EmbeddedPages, TextVectors
from .late_interaction import NO_SINGLE, LateInteraction, unmasked, without_special_tokens

TEXT_BATCH = 8
MAX_TOKENS = 512
"""Tokens of a passage at most, also where a model would read more: attention takes memory in the square of them."""
DEFAULT_TOKENS = 300
"""Tokens of a passage where a model does not say how many it reads, as ColBERT has it."""


class LateText(LateInteraction):
    """A model that embeds the text layers of pages."""

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed the text layers of pages. All vectors have the whole page as their box."""
        vectors = [each.astype(np.float16) for each in self._encode([page.text for page in pages])]
        boxes = np.tile(WHOLE_PAGE, (sum(map(len, vectors)), 1))
        none: F16 = np.zeros((len(pages), 0), np.float16)
        refs = tuple(page.ref for page in pages)
        return EmbeddedPages(PageVectors(refs, Ragged.of(vectors), boxes, none), words=None)

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Embed texts as documents; a text longer than the model reads is embedded in passages."""
        single = np.zeros((len(texts), len(NO_SINGLE)), np.float32)
        return TextVectors(Ragged.of(self._encode(texts)), single)

    def _encode(self, texts: Sequence[str]) -> list[F32]:
        """The vectors (T, D) of each text; T is 0 for blank ones."""
        with self._using_model:
            passages = [self._passages(text) for text in texts]
            every = [passage for own in passages for passage in own]
            raw = self.model.encode_document(every, batch_size=TEXT_BATCH, output_value=None, show_progress_bar=False)
        vectors = iter([unmasked(each, self.spec.dim)[0] for each in raw])
        none: F32 = np.zeros((0, self.spec.dim), np.float32)
        return [np.concatenate([none, *(next(vectors) for _ in own)]) for own in passages]

    def _passages(self, text: str) -> list[str]:
        """A text in passages that the model reads whole, cut between tokens."""
        if not text.strip():
            return []
        tokenizer = self.model.tokenizer
        plain = without_special_tokens(text, tokenizer)
        room = max(1, self._tokens_read() - len(tokenizer(self.model.prompts.get("document") or "")["input_ids"]))
        tokens = tokenizer(plain, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        offsets = tokens["offset_mapping"]
        starts = [offsets[first][0] for first in range(0, len(offsets), room)]
        cut = [plain[start:end] for start, end in zip(starts, [*starts[1:], len(plain)], strict=True)]
        return [passage for passage in cut if passage.strip()]

    def _tokens_read(self) -> int:
        """The tokens of a document that the model reads, with its prompt and special tokens."""
        first: Any = self.model[0]
        limits = [getattr(first, "document_length", None), self.model.max_seq_length]
        return min([MAX_TOKENS, *(int(limit) for limit in limits if limit)] if any(limits) else [DEFAULT_TOKENS])
