"""The text side of the second network, in numpy: units of other scripts to vectors in the space of the first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...records import F32
from ..mapped_tensors import open_tensors
from .units import unit_features


@dataclass(frozen=True, slots=True)
class UnitText:
    """Hashed features of units to vectors and rarities, as `text.PixelText` has it for words.

    `bag` (B, E) int8 times `bag_scales` (B,) are the embeddings of features; `hidden`, `out` and `rarity` the weight
    and the bias of a layer.
    """

    bag: NDArray[np.int8]
    bag_scales: NDArray[np.float16]
    hidden: tuple[F32, F32]
    out: tuple[F32, F32]
    rarity: tuple[F32, F32]

    @staticmethod
    def load(file: Path) -> UnitText:
        """Read the weights; the table of features stays on disk until it is used."""
        t = open_tensors(file)
        hidden, out, rarity = (
            (t[f"{name}.weight"].astype(np.float32), t[f"{name}.bias"].astype(np.float32))
            for name in ("hidden", "out", "rarity")
        )
        scales = cast("NDArray[np.float16]", t["bag_scales"])
        return UnitText(cast("NDArray[np.int8]", t["bag"]), scales, hidden, out, rarity)

    def embed(self, unit: str) -> tuple[F32, np.float32]:
        """The unit vector (128,) of a unit, and its rarity, -log10 of its frequency in print."""
        features = unit_features(unit)
        rows = self.bag[features].astype(np.float32) * self.bag_scales[features].astype(np.float32)[:, None]
        bag = rows.sum(axis=0) / np.sqrt(np.float32(len(features)))
        hidden = np.maximum(self.hidden[0] @ bag + self.hidden[1], 0)
        vector = self.out[0] @ hidden + self.out[1]
        rarity = np.float32((self.rarity[0] @ hidden + self.rarity[1])[0])
        return (vector / np.linalg.norm(vector)).astype(np.float32), rarity
