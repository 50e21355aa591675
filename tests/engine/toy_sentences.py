"""A toy sentence encoder: texts mean what the topics of their words are, in two languages."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from docsearch.engine.models.sentences import SentenceSpec
from docsearch.engine.records import F32

TOPICS = {"boat": 0, "schiff": 0, "bread": 1, "brot": 1, "cloud": 2, "wolke": 2}


class ToySentences:
    """Counts the words of each topic; other words are a topic of their own, of little weight."""

    spec = SentenceSpec("toy-sentences", "toy", "toy", 4)

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> F32:
        self.encoded += len(texts)
        found = np.zeros((len(texts), 4), np.float32)
        for row, text in enumerate(texts):
            found[row, 3] = 0.1
            for word in text.lower().split():
                found[row, TOPICS.get(word, 3)] += 1 if word in TOPICS else 0.01
        return found / np.linalg.norm(found, axis=1, keepdims=True)


class HashedWords:
    """Texts are near each other that share words, of any language: counts of words in 64 buckets."""

    spec = SentenceSpec("hashed-words", "toy", "toy", 64)

    def encode(self, texts: Sequence[str]) -> F32:
        found = np.zeros((len(texts), 64), np.float32)
        for row, text in enumerate(texts):
            found[row, 0] = 0.1
            for word in text.lower().split():
                found[row, zlib.crc32(word.encode()) % 64] += 1
        return found / np.linalg.norm(found, axis=1, keepdims=True)
