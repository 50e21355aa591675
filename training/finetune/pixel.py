"""The embedded model goes in, to learn; a folder comes out whose pages look different, and whose words stay the same.

The blocks of the page side learn; the stem before them and the text side stay as they are, so that a word typed has the
vector it had, and the visual words of stage 1 hold. What a page's cells were before, and what they say of words and
figures, pulls back on what is learned: reading is not to be forgotten.
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

from ...engine.models import device as devices
from ...engine.models.encoder import EncoderSpec
from ...engine.models.pixel import spec
from ...engine.models.pixel.detections import SALIENT
from ...engine.models.pixel.inference import as_input
from ...engine.models.pixel.network import PixelNetwork
from ...engine.models.pixel.pages import trained_network
from ...engine.models.pixel.pictures import read_grey, resized, whole_cells
from ...engine.models.pixel.text import PixelText
from ...engine.records import U8
from .trainee import Vectors

LEARNING_RATE, TEMPERATURE = 3e-4, 0.1
SLOPE_OUTSIDE = 0.2
"""Of a match below the floor and above the ceiling, where the engine's score is level, relative to that between."""
LEARNS = ("blocks.", "embed.")
VECTORS_PULL, HEADS_PULL = 4.0, 0.5
"""Weights of the distance of a page's vectors, and of what its cells say, from what they were."""


@dataclass(frozen=True, slots=True)
class SeenPage:
    """A page behind the stem, `early` (1, C, h, w); its T salient `cells` (2, T) by row and column; what the network
    made of it before: vectors `was` (T, D), and what `heads` said of each cell, (6, h, w).
    """

    early: Tensor
    cells: Tensor
    was: Tensor
    heads: Tensor


PixelInput = SeenPage | Vectors
"""A page, or a question's vectors, which nothing changes."""


class PixelTrainee:
    """The page side, with the blocks that learn, and the text side."""

    dims: tuple[int, ...] = ()
    learning_rate, temperature, has_floor = LEARNING_RATE, TEMPERATURE, True

    def __init__(self, folder: Path | None, *, device: str = "auto") -> None:
        self.device = devices.choose(device)
        self._folder = folder or spec.FOLDER
        self._text = PixelText.load(folder)
        self._network = trained_network(folder).to(self.device).eval().requires_grad_(requires_grad=False)
        self._before = deepcopy(self._network)
        self.parameters: Mapping[str, nn.Parameter] = {
            name: parameter for name, parameter in self._network.named_parameters() if name.startswith(LEARNS)
        }
        for parameter in self.parameters.values():
            parameter.requires_grad_()

    @property
    def spec(self) -> EncoderSpec:
        return self._text.spec

    def read_query(self, text: str) -> PixelInput:
        """A question's words with their weights."""
        query = self._text.encode_query(text)
        return Vectors(torch.from_numpy(query.vectors).to(self.device), torch.from_numpy(query.weights).to(self.device))

    def read_page(self, pixels: U8) -> PixelInput:
        """A page as the base pass sees it."""
        grey, scale = read_grey(pixels)
        with torch.no_grad():
            early = self._network.stem(as_input(whole_cells(resized(grey, scale)), self.device, torch.float32))
            vectors, heads = looked_at(self._before, early)
            cells = torch.stack((torch.sigmoid(heads[0]) > SALIENT).nonzero(as_tuple=True))
            return SeenPage(early, cells, vectors[cells[0], cells[1]], heads)

    def embed(self, inputs: Sequence[PixelInput]) -> Iterator[tuple[Sequence[int], list[Vectors]]]:
        """Yield questions, then one page at a time: pages differ in size."""
        asked = [(place, each) for place, each in enumerate(inputs) if isinstance(each, Vectors)]
        if asked:
            yield [place for place, _ in asked], [each for _, each in asked]
        for place, each in enumerate(inputs):
            if isinstance(each, SeenPage):
                yield [place], [self._vectors(each)]

    def _vectors(self, page: SeenPage) -> Vectors:
        vectors, heads = looked_at(self._network, page.early)
        kept = vectors[page.cells[0], page.cells[1]]
        pull = HEADS_PULL * functional.smooth_l1_loss(heads, page.heads)
        if len(kept):
            pull = pull + VECTORS_PULL * (1 - (kept * page.was).sum(dim=1)).mean()
        return Vectors(kept, torch.full((len(kept),), 1 / max(len(kept), 1), device=self.device), penalty=pull)

    def match(self, similarities: Tensor) -> Tensor:
        """From 0 at the floor to 1 at the ceiling of a query word's match."""
        matches = (similarities - spec.FLOOR) / (spec.CEILING - spec.FLOOR)
        return matches.clamp(0, 1) * (1 - SLOPE_OUTSIDE) + matches * SLOPE_OUTSIDE

    def save(self, folder: Path) -> None:
        """Write the page side in float32; the text side and the visual words are copied."""
        state = {name: value.detach().cpu().contiguous() for name, value in self._network.state_dict().items()}
        save_file(state, folder / spec.FILES[0])
        for name in spec.FILES[1:]:
            shutil.copyfile(self._folder / name, folder / name)


def looked_at(network: PixelNetwork, early: Tensor) -> tuple[Tensor, Tensor]:
    """From a page behind the stem, (1, C, h, w): unit vectors (h, w, D), and saliency, figure and box (6, h, w)."""
    vectors, saliency, figure, boxes = network.heads(network.blocks(early))
    rows = vectors[0].flatten(1).T  # (h w, D)
    unit = functional.normalize(network.centre(rows), dim=1).view(*saliency.shape[1:], -1)
    return unit, torch.cat([saliency, figure, boxes[0]])
