"""The text side of pixel as a trainable network: hashed character n-grams to a unit vector and a rarity.

Hashed subword n-grams as in Bojanowski et al., "Enriching Word Vectors with Subword Information", 2017.
`engine.models.pixel.text` computes the same in numpy from the exported weights; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...engine.models.pixel.architecture import DIM
from ...engine.models.pixel.words import BUCKETS, word_features
from ...engine.records import I64

BAG_DIM = 192
"""Length of an n-gram's embedding."""
UNIT_BAG_DIM = 128
"""The same of a feature of units of other scripts, which have twice as many buckets."""
HIDDEN = 512


@lru_cache(maxsize=400_000)
def features_of(word: str) -> I64:
    return word_features(word)


class TextTower(nn.Module):
    """N words to unit vectors (N, 128) and rarities (N,), the negative log10 of a word's frequency.

    `features` are the bucket ids, below `buckets`, of a word.
    """

    def __init__(
        self, features: Callable[[str], I64] = features_of, buckets: int = BUCKETS, bag_dim: int = BAG_DIM
    ) -> None:
        super().__init__()
        self.features = features
        self.bag = nn.EmbeddingBag(buckets, bag_dim, mode="sum")
        nn.init.normal_(self.bag.weight, std=0.1)
        self.hidden = nn.Linear(bag_dim, HIDDEN)
        self.out = nn.Linear(HIDDEN, DIM)
        self.centre = nn.BatchNorm1d(DIM, affine=False)
        self.rarity = nn.Linear(HIDDEN, 1)

    def forward(self, words: Sequence[str]) -> tuple[Tensor, Tensor]:
        features = [self.features(w) for w in words]
        lengths = np.array([len(f) for f in features])
        offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        bag = self.bag(torch.from_numpy(np.concatenate(features)), offsets)
        bag = bag / torch.from_numpy(np.sqrt(lengths)).float()[:, None]
        hidden = torch.relu(self.hidden(bag))
        return functional.normalize(self.centre(self.out(hidden)), dim=1), self.rarity(hidden)[:, 0]
