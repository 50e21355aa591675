"""What a small network reads off statistics of the page network's features: what is sure becomes a patch vector.

The vision network is trained on words and synthetic figures, and stays as it is. These read kinds of figures and of
pages off it, learned last from real pages labelled by eye, which are few, beside synthetic ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ...records import F32, I64
from . import spec
from .concepts import CONCEPTS, FAMILY, PAINTED, WHOLE_PAGE
from .features import BLOCK_STATISTICS, PAGE_STATISTICS
from .network import DIM

FAR = 5.0
"""Spreads from the mean beyond which a statistic says no more."""
PAGE_HIDDEN, FIGURE_HIDDEN = 64, 128
MOST_TOGETHER = 2
"""What is surely told has a cosine of CEILING: more do not fit into a unit vector."""


class Readout(nn.Module):
    """Statistics (N, F) to log-odds (N, K), through one hidden layer.

    `vectors` (M, 128) are what can be told, unit vectors at right angles that no printed word is near, and the words of
    queries that name it; `aside` (128,) is one more.
    """

    mean: Tensor
    spread: Tensor
    vectors: Tensor
    aside: Tensor

    def __init__(self, inputs: int, hidden: int, outputs: int, told: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.register_buffer("vectors", torch.zeros(told, DIM))
        self.register_buffer("aside", torch.zeros(DIM))
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, outputs)

    def normal(self, statistics: Tensor) -> Tensor:
        """Statistics (N, F), each about 0 and as wide as the others."""
        out: Tensor = ((statistics - self.mean) / self.spread).clamp(-FAR, FAR)
        return out

    def forward(self, statistics: Tensor) -> Tensor:
        out: Tensor = self.out(torch.relu(self.hidden(self.normal(statistics))))
        return out

    def tell(self, sure: F32, *, together: int = 1) -> tuple[I64, F32]:
        """Patch vectors for what is `sure` (N, M), 0 to 1, which is how well they match the query word: the rows that
        they are of (T,), and the vectors (T, 128).

        A vector holds at most MOST_TOGETHER, and `together`, of them: they lie at right angles, so that each has its
        own cosine.
        """
        assert together <= MOST_TOGETHER
        vectors, aside = self.vectors.numpy(), self.aside.numpy()
        order = np.argsort(-sure, axis=1, kind="stable")
        count = (sure > 0).sum(axis=1)
        rows_of, found = [np.zeros(0, np.int64)], [np.zeros((0, DIM), np.float32)]
        for first in range(0, int(count.max(initial=0)), together):
            rows = np.flatnonzero(count > first)
            told = order[rows, first : first + together]
            surely = np.take_along_axis(sure[rows], told, axis=1)
            cosine = np.where(surely > 0, spec.FLOOR + (spec.CEILING - spec.FLOOR) * surely, 0)[:, :, None]
            rest = np.sqrt(1 - (cosine**2).sum(axis=1))
            found.append(((cosine * vectors[told]).sum(axis=1) + rest * aside).astype(np.float32))
            rows_of.append(rows)
        return np.concatenate(rows_of), np.concatenate(found)


def figure_readout() -> Readout:
    """For blocks of cells; its outputs are "no figure" and CONCEPTS, which do exclude each other; tells FAMILY too."""
    return Readout(BLOCK_STATISTICS, FIGURE_HIDDEN, 1 + len(CONCEPTS), len(CONCEPTS) + len(FAMILY))


def page_readout() -> Readout:
    """For whole pages; its outputs are WHOLE_PAGE, which do not exclude each other. It tells PAINTED too."""
    return Readout(PAGE_STATISTICS, PAGE_HIDDEN, len(WHOLE_PAGE), len(WHOLE_PAGE) + len(PAINTED))


def load(folder: Path | None = None) -> tuple[Readout, Readout]:
    """Those of figures and of pages, as they ship, or from the `folder` of a fine-tuned model.

    Raises UsageError where that is of another revision.
    """
    weights = load_file((folder or spec.FOLDER) / spec.READOUTS)
    out = []
    for name, readout in (("figures", figure_readout()), ("pages", page_readout())):
        own = {k.removeprefix(f"{name}."): v.float() for k, v in weights.items() if k.startswith(f"{name}.")}
        try:
            readout.load_state_dict(own)
        except RuntimeError as err:
            raise spec.of_another_revision(folder) from err
        out.append(readout.eval())
    return out[0], out[1]
