"""Reading other scripts: a second network of the same architecture, on the parts of a page whose print asks for it.

A linear detector on the features of the first network, which has read the page already, says in which cells the print
is Chinese, Japanese, Korean, Arabic, Hebrew, Devanagari, Bengali, Tamil or Thai. A page without such print costs the
detector alone. What the first network takes for words where the second reads units is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file

from ...records import F32, U8
from . import spec
from .architecture import STRIDE_PX
from .detections import MIN_SALIENCY, NO_DETECTIONS, Detections, concatenated, detect_words
from .features import PassOutput
from .inference import PageNetwork
from .page_scaling import pad_to_cells, resized
from .regions import Bools, xy_cut
from .weights import PageWeights

DETECTOR = ("detector.weight", "detector.bias")
"""Names of the detector's weight (C,) and bias (1,) in the file of the network."""
SMOOTH_CELLS = 3
"""Side of the square of cells over which the detector's probabilities are averaged."""
MIN_SHARE = 0.5
"""Mean probability from which a cell is in another script."""
MIN_CELLS = 4
"""A part of a page with fewer such cells is not read again."""
GAP_CELLS, CUTS = 4, 3
"""Parts between gaps of more than GAP_CELLS empty rows or columns of cells are read apart; see `regions.xy_cut`."""
MARGIN_CELLS, KEPT_CELLS = 3, 2
"""Margins of a part, in cells of the base pass: what is read, and where units are kept."""
LARGE_PX, REDUCED = 64.0, 3
"""Units taller than LARGE_PX are read on the page reduced by the factor REDUCED."""
PRINT_SALIENCY = 0.62
"""Least mean saliency of the units of a part. It is 0.48 to 0.59 where the print is turned by 90°, Latin letters among
it, and 0.64 to 0.94 where it is in another script and upright.
"""
SAME_UNIT = 0.8
"""Cosine from which two units of a page are copies, of which one is enough; docs/log.md#units-once compares."""
UNITS = 400
"""Units of a page that are kept in any case; of a page with more, only those that are no copies."""
OVERLAP = 1.25
"""Factor by which the ranges of heights that two passes read overlap."""


@dataclass(frozen=True)
class ScriptPages:
    """The page side of the second network, and the detector: `weight` (C,) and `bias` of a logistic regression."""

    network: PageNetwork
    weight: F32
    bias: float

    @staticmethod
    def load(file: Path = spec.SCRIPT_VISION_FILE) -> ScriptPages:
        """Read the weights; the network computes in the arithmetic of the first."""
        tensors = load_file(file)
        weight, bias = (tensors.pop(name).astype(np.float32) for name in DETECTOR)
        return ScriptPages(PageNetwork.of(PageWeights.of(tensors)), weight, float(bias[0]))

    def read_print(self, outputs: Sequence[PassOutput], grey: Image.Image, scale: float = 1) -> ScriptPrint:
        """The units on a grey page, given the passes of the first network over the parts of it, at `scale`."""
        found = self.find(outputs)
        units = self.read(grey, scale, found) if found.cells.any() else NO_DETECTIONS
        return ScriptPrint(found, units)

    def find(self, outputs: Sequence[PassOutput]) -> OtherPrint:
        """Where passes of the first network over the parts of a page see print in another script."""
        if not outputs:
            return OtherPrint(np.zeros((0, 0), np.bool_), (0, 0))
        x, y = (min(output.corner[i] for output in outputs) for i in range(2))
        places = [
            (round((each.corner[1] - y) / STRIDE_PX), round((each.corner[0] - x) / STRIDE_PX)) for each in outputs
        ]
        ends = [
            (top + each.words.shape[0], left + each.words.shape[1])
            for each, (top, left) in zip(outputs, places, strict=True)
        ]
        logits = np.full((max(bottom for bottom, _ in ends), max(right for _, right in ends)), -np.inf, np.float32)
        for output, (top, left), (bottom, right) in zip(outputs, places, ends, strict=True):
            logits[top:bottom, left:right] = output.features @ self.weight + self.bias
        likely = np.float32(1) / (1 + np.exp(-logits.clip(-30, 30)))
        return OtherPrint(smoothed(likely) > MIN_SHARE, (x, y))

    def read(self, grey: Image.Image, scale: float, found: OtherPrint) -> Detections:
        """The units on the parts of a grey page that are in another script, read at the resolution of the page.

        `scale` is that of the image in which the parts were `found`, from `grey`.
        """
        parts = [NO_DETECTIONS]
        for box in found.boxes():
            at = (np.array(box) + np.array([-1, -1, 1, 1]) * MARGIN_CELLS * STRIDE_PX) / scale
            left, top = (max(0, int(v)) for v in at[:2])
            right, bottom = min(grey.width, int(at[2]) + 1), min(grey.height, int(at[3]) + 1)
            image = grey.crop((left, top, right, bottom))
            fine = detect_words(read_pass(self.network, pad_to_cells(image), (left, top)), grey.size, is_unit=True)
            small = resized(image, 1 / REDUCED)
            large = detect_words(read_pass(self.network, pad_to_cells(small)), small.size, is_unit=True)
            whole = np.array([image.width, image.height] * 2, np.float32)
            shift = np.array([left, top] * 2, np.float32)
            boxes = (large.boxes * whole + shift) / np.array(grey.size * 2, np.float32)
            large = large._replace(boxes=boxes.astype(np.float32), heights=large.heights * REDUCED)
            both = [fine.select(fine.heights < LARGE_PX * OVERLAP), large.select(large.heights > LARGE_PX)]
            kept = np.array(box) + np.array([-1, -1, 1, 1]) * KEPT_CELLS * STRIDE_PX
            part = within(concatenated(both), kept / scale / np.array(grey.size * 2))
            if len(part.heights) and part.saliency.mean() >= PRINT_SALIENCY:
                parts.append(part)
        units = without_copies(concatenated(parts))
        return units._replace(heights=(units.heights * scale).astype(np.float32))


@dataclass(frozen=True)
class OtherPrint:
    """The `cells` (R, C) of a base pass, which begin at `corner` of its image, in px, with print in another script."""

    cells: Bools
    corner: tuple[int, int]

    def boxes(self) -> list[tuple[int, int, int, int]]:
        """The parts of the image to read again, x0, y0, x1, y1 in px."""
        if np.count_nonzero(self.cells) < MIN_CELLS:
            return []
        out = []
        for part in xy_cut(self.cells, CUTS, GAP_CELLS):
            if part.count >= MIN_CELLS:
                x0, y0 = self.corner[0] + part.left * STRIDE_PX, self.corner[1] + part.top * STRIDE_PX
                x1, y1 = self.corner[0] + part.right * STRIDE_PX, self.corner[1] + part.bottom * STRIDE_PX
                out.append((x0, y0, x1, y1))
        return out

    def holds(self, words: Detections, size: tuple[int, int]) -> Bools:
        """Whether the centre of each of `words` (T,) lies in such a cell, on an image of `size`, width and height."""
        places = (words.boxes[:, :2] + words.boxes[:, 2:]) / 2 * np.array(size, np.float32)
        column, row = np.floor((places - np.array(self.corner)) / STRIDE_PX).astype(int).T
        rows, columns = self.cells.shape
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        out = np.zeros(len(places), bool)
        out[inside] = self.cells[row[inside], column[inside]]
        return out


class ScriptPrint(NamedTuple):
    """The print of a page in other scripts: `where` it is, and its `units`."""

    where: OtherPrint
    units: Detections

    def without(self, words: Detections, size: tuple[int, int]) -> Detections:
        """Those of the first network's `words` that are no units; `size` is that of the image which it read."""
        if not len(self.units.heights):
            return words
        return words.select(~(self.where.holds(words, size) & is_covered(words, self.units)))


def read_pass(network: PageNetwork, pixels: U8, corner: tuple[int, int] = (0, 0)) -> PassOutput:
    """One pass of a network over a grey image (H, W), both multiples of 16, which begins at `corner` of a page."""
    features, logits = network.features(pixels)
    words, figures = np.moveaxis(np.float32(1) / (np.float32(1) + np.exp(-logits)), 2, 0)
    cells = np.nonzero(words > MIN_SALIENCY)
    vectors, boxes = network.heads(features[cells])
    return PassOutput(features, words, figures, (cells[0], cells[1]), vectors, boxes, pixels.shape[::-1], corner)


def without_copies(units: Detections) -> Detections:
    """Units of a page, most salient first; if there are more than UNITS, without copies of more salient ones, of which
    as many stay as make UNITS.

    A page full of Chinese has some thousand pairs of characters, and a third of them stand there more than once.
    """
    units = units.select(np.argsort(-units.saliency, kind="stable"))
    if len(units.heights) <= UNITS:
        return units
    same = units.vectors @ units.vectors.T > SAME_UNIT
    is_first = np.ones(len(same), np.bool_)
    for row in range(1, len(same)):
        is_first[row] = not (same[row, :row] & is_first[:row]).any()
    copies = np.flatnonzero(~is_first)[: max(0, UNITS - np.count_nonzero(is_first))]
    is_first[copies] = True
    return units.select(is_first)


def is_covered(words: Detections, units: Detections) -> Bools:
    """Whether the centre of each of `words` (T,) lies in the box of one of `units`."""
    x, y = ((words.boxes[:, i] + words.boxes[:, i + 2]) / 2 for i in range(2))
    x0, y0, x1, y1 = units.boxes.T[:, :, None]
    covered: Bools = ((x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)).any(axis=0)
    return covered


def within(words: Detections, box: NDArray[np.floating]) -> Detections:
    """Those of `words` whose centre lies in a box (4,), page fractions."""
    middles = (words.boxes[:, :2] + words.boxes[:, 2:]) / 2
    inside: Bools = np.asarray(((middles >= box[:2]) & (middles < box[2:])).all(axis=1))
    return words.select(inside)


def smoothed(cells: F32) -> F32:
    """Means over squares of SMOOTH_CELLS a side around each of the cells (R, C), with zeros outside."""
    reach = SMOOTH_CELLS // 2
    padded = np.pad(cells, reach)
    rows, columns = cells.shape
    down: F32 = np.add.reduce([padded[i : i + rows] for i in range(SMOOTH_CELLS)])
    across: F32 = np.add.reduce([down[:, i : i + columns] for i in range(SMOOTH_CELLS)])
    return across / np.float32(SMOOTH_CELLS**2)
