"""What a model must offer to be fine-tuned: questions and pages to vectors with gradients, and a way to be saved."""

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
    """A question or page of T vectors: `multi` (T, D) of unit length, `weights` (T,) of a question's that sum to 1, and
    `single` (S,) of any length, where the model has one. `penalty` is a loss that a page has on its own.
    """

    multi: Tensor
    weights: Tensor
    single: Tensor | None = None
    penalty: Tensor | None = None


class Trainee(Protocol[Input]):
    """A model that learns; the same vectors come out however many inputs are embedded together, up to rounding."""

    @property
    def spec(self) -> EncoderSpec: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def dims(self) -> tuple[int, ...]:
        """The lengths to which single vectors may be cut, rising; none without single vectors."""
        ...

    @property
    def learning_rate(self) -> float:
        """What fits where nobody asks for another."""
        ...

    @property
    def temperature(self) -> float:
        """What divides scores before the softmax where nobody asks for another."""
        ...

    @property
    def has_floor(self) -> bool:
        """Whether similarities below a floor count nothing in the engine's score."""
        ...

    def match(self, similarities: Tensor) -> Tensor:
        """What similarities count in a score, with a slope everywhere."""
        ...

    @property
    def parameters(self) -> Mapping[str, nn.Parameter]:
        """What is learned, by names that stay the same from run to run."""
        ...

    def read_query(self, text: str) -> Input:
        """A question as the network takes it; raises UsageError when it holds nothing to search for."""
        ...

    def read_page(self, pixels: U8) -> Input:
        """A page's picture (H, W, 3) as the network takes it."""
        ...

    def embed(self, inputs: Sequence[Input]) -> Iterator[tuple[Sequence[int], list[Vectors]]]:
        """Yield the inputs' places with their vectors, as many at a time as memory is meant to hold."""
        ...

    def save(self, folder: Path) -> None:
        """Write a model that `--model FOLDER` opens into an empty folder."""
        ...
