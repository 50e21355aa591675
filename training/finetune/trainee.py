"""The protocol of a trainable model: questions and pages to vectors with gradients, and saving the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from ...engine.models.encoder import EncoderSpec
from ...engine.records import U8

Input = TypeVar("Input")


@dataclass(frozen=True, slots=True)
class Vectors:
    """The embedding of a question or page.

    `multi` (T, D) are unit vectors; `weights` (T,), which sum to 1, are those of a question's tokens; `single` (S,),
    not normalised, is the single vector, if the model has one; `penalty` is a loss of a page by itself.
    """

    multi: Tensor
    weights: Tensor
    single: Tensor | None = None
    penalty: Tensor | None = None


class Trainee(Protocol[Input]):
    """A trainable model. Its vectors do not depend on how inputs are batched, up to rounding."""

    @property
    def spec(self) -> EncoderSpec: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def dims(self) -> tuple[int, ...]:
        """The Matryoshka lengths of single vectors, ascending; empty if the model has none."""
        ...

    @property
    def learning_rate(self) -> float:
        """The default learning rate."""
        ...

    @property
    def temperature(self) -> float:
        """The default temperature, by which scores are divided before the softmax."""
        ...

    @property
    def has_floor(self) -> bool:
        """Whether the engine's score ignores similarities below a floor."""
        ...

    def match(self, similarities: Tensor) -> Tensor:
        """Similarities to matches, as in the engine's score, but with a nonzero slope everywhere."""
        ...

    @property
    def parameters(self) -> Mapping[str, nn.Parameter]:
        """The trained parameters, by names that are stable between runs."""
        ...

    def read_query(self, text: str) -> Input:
        """A question as model input; UsageError if it has nothing to search for."""
        ...

    def read_page(self, pixels: U8) -> Input:
        """The picture of a page (H, W, 3) uint8 as model input."""
        ...

    def read_text(self, text: str) -> Input:
        """A passage as model input; UsageError if it is blank, or the model is trained on pages only."""
        ...

    def embed(self, inputs: Sequence[Input]) -> Iterator[tuple[Sequence[int], list[Vectors]]]:
        """Yield batches of positions in `inputs` with their vectors; a batch is as large as memory should hold."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model into an empty folder, so that `--model FOLDER` opens it."""
        ...
