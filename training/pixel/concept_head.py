"""The heads for concepts as they are trained, in torch; see `engine.models.pixel.heads`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...engine.models.pixel.architecture import DIM
from ...engine.models.pixel.heads import MAX_DEVIATION, ConceptHead, HeadShape


class TrainedHead(nn.Module):
    """An MLP with one hidden layer: statistics (N, F) to logits (N, K)."""

    mean: Tensor
    spread: Tensor
    vectors: Tensor
    aside: Tensor

    def __init__(self, shape: HeadShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.inputs))
        self.register_buffer("spread", torch.ones(shape.inputs))
        self.register_buffer("vectors", torch.zeros(shape.concepts, DIM))
        self.register_buffer("aside", torch.zeros(DIM))
        self.hidden = nn.Linear(shape.inputs, shape.hidden)
        self.out = nn.Linear(shape.hidden, shape.outputs)

    def standardise(self, statistics: Tensor) -> Tensor:
        """Statistics (N, F) with mean 0 and standard deviation 1, clipped to MAX_DEVIATION."""
        out: Tensor = ((statistics - self.mean) / self.spread).clamp(-MAX_DEVIATION, MAX_DEVIATION)
        return out

    def forward(self, statistics: Tensor) -> Tensor:
        out: Tensor = self.out(torch.relu(self.hidden(self.standardise(statistics))))
        return out

    def for_inference(self) -> ConceptHead:
        """The same head in numpy."""
        tensors: dict[str, np.ndarray] = {name: value.detach().numpy() for name, value in self.state_dict().items()}
        return ConceptHead.of(tensors, self.shape)
