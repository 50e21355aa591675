"""Fine-tuning of the embedded model: the blocks of the page network are trained; the stem and the text side are frozen.

A typed word therefore keeps its vector, and the visual words of stage 1 remain valid. Two penalties keep the vectors
and the detections of every page close to those of the original network, so that it does not forget how to read
(distillation from the old network, as in Li and Hoiem, "Learning without Forgetting", 2016).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from ...engine.errors import UsageError
from ...engine.models import device as devices
from ...engine.models.encoder import EncoderSpec
from ...engine.models.pixel import spec
from ...engine.models.pixel.detections import MIN_SALIENCY
from ...engine.models.pixel.page_scaling import pad_to_cells, read_grey, resized
from ...engine.models.pixel.text import PixelText
from ...engine.records import U8
from ..pixel.network import PixelNetwork, as_input, load_network
from .trainee import Vectors

LEARNING_RATE, TEMPERATURE = 3e-4, 0.1
OUTSIDE_SLOPE = 0.2
"""Slope of a match below the floor and above the ceiling, relative to the slope in between.

The engine's score is flat there, but training needs a gradient.
"""
TRAINED_PREFIXES = ("blocks.", "embed.")
"""Prefixes of the names of the parameters that are trained."""
VECTORS_PENALTY, HEADS_PENALTY = 4.0, 0.5
"""Weights of the penalties on changed vectors, and on changed detections."""


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """A page as the trained blocks take it, with the outputs of the original network.

    `stem_features` (1, C, h, w); the T salient `cells` (2, T) as row and column; `old_vectors` (T, D) of these cells;
    and `old_detections` (6, h, w): saliency, figure and box of every cell.
    """

    stem_features: Tensor
    cells: Tensor
    old_vectors: Tensor
    old_detections: Tensor


PixelInput = PreparedPage | Vectors
"""A page, or the vectors of a question, which training does not change."""


class PixelTrainee:
    """The page network with its trainable blocks, and the frozen text side."""

    dims: tuple[int, ...] = ()
    learning_rate, temperature, has_floor = LEARNING_RATE, TEMPERATURE, True

    def __init__(self, folder: Path | None, *, device: str = "auto") -> None:
        self.device = devices.choose(device)
        self._folder = folder or spec.FOLDER
        self._text = PixelText.load(folder)
        self._network = load_network(folder).to(self.device).eval().requires_grad_(requires_grad=False)
        self._before = deepcopy(self._network)
        self.parameters: Mapping[str, nn.Parameter] = {
            name: parameter for name, parameter in self._network.named_parameters() if name.startswith(TRAINED_PREFIXES)
        }
        for parameter in self.parameters.values():
            parameter.requires_grad_()

    @property
    def spec(self) -> EncoderSpec:
        return self._text.spec

    def read_query(self, text: str) -> PixelInput:
        """The vectors of a question's words, with their weights."""
        query = self._text.encode_query(text)
        return Vectors(torch.from_numpy(query.vectors).to(self.device), torch.from_numpy(query.weights).to(self.device))

    def read_text(self, text: str) -> PixelInput:  # noqa: ARG002 - as other models have it
        """Raise UsageError: the model reads pictures."""
        raise UsageError("pixel is trained on pages; rows with texts are for jina-embeddings-v4")

    def read_page(self, pixels: U8) -> PixelInput:
        """A page at the resolution of the engine's base pass."""
        grey, scale = read_grey(pixels)
        with torch.no_grad():
            features = self._network.stem(as_input(pad_to_cells(resized(grey, scale)), self.device))
            vectors, detections = page_outputs(self._before, features)
            cells = torch.stack((torch.sigmoid(detections[0]) > MIN_SALIENCY).nonzero(as_tuple=True))
            return PreparedPage(features, cells, vectors[cells[0], cells[1]], detections)

    def embed(self, inputs: Sequence[PixelInput]) -> Iterator[tuple[Sequence[int], list[Vectors]]]:
        """Yield all questions, then one page at a time, because pages differ in size."""
        asked = [(place, each) for place, each in enumerate(inputs) if isinstance(each, Vectors)]
        if asked:
            yield [place for place, _ in asked], [each for _, each in asked]
        for place, each in enumerate(inputs):
            if isinstance(each, PreparedPage):
                yield [place], [self._vectors(each)]

    def _vectors(self, page: PreparedPage) -> Vectors:
        vectors, detections = page_outputs(self._network, page.stem_features)
        salient = vectors[page.cells[0], page.cells[1]]
        penalty = HEADS_PENALTY * functional.smooth_l1_loss(detections, page.old_detections)
        if len(salient):
            penalty = penalty + VECTORS_PENALTY * (1 - (salient * page.old_vectors).sum(dim=1)).mean()
        weights = torch.full((len(salient),), 1 / max(len(salient), 1), device=self.device)
        return Vectors(salient, weights, penalty=penalty)

    def match(self, similarities: Tensor) -> Tensor:
        """The engine's match, 0 at the floor and 1 at the ceiling, with a slope of OUTSIDE_SLOPE outside."""
        matches = (similarities - spec.FLOOR) / (spec.CEILING - spec.FLOOR)
        return matches.clamp(0, 1) * (1 - OUTSIDE_SLOPE) + matches * OUTSIDE_SLOPE

    def save(self, folder: Path) -> None:
        """Write the page network in float32; copy the text side and the visual words."""
        state = {name: value.detach().cpu().contiguous() for name, value in self._network.state_dict().items()}
        save_file(state, folder / spec.FILES[0])
        for name in spec.FILES[1:]:
            shutil.copyfile(self._folder / name, folder / name)


def page_outputs(network: PixelNetwork, stem_features: Tensor) -> tuple[Tensor, Tensor]:
    """Stem features (1, C, h, w) of a page to unit vectors (h, w, D), and to saliency, figure and box (6, h, w)."""
    vectors, saliency, figure, boxes = network.heads(network.blocks(stem_features))
    rows = vectors[0].flatten(1).T  # (h w, D)
    unit = functional.normalize(network.centre(rows), dim=1).view(*saliency.shape[1:], -1)
    return unit, torch.cat([saliency, figure, boxes[0]])
