"""The concepts that a page shows as detections: its figures, its kinds and its colours.

A detected concept has the vectors that words naming it look for (`heads.ConceptHead`), at a strength that grows with
the probability of the concept.
"""

from __future__ import annotations

import numpy as np

from ...records import F32
from .architecture import STRIDE_PX
from .concepts import FAMILIES, FIGURE_NAMES, MARK, PAGE_CONCEPTS
from .detections import Detections
from .features import COLOURS_START, FIGURE_CELLS, HUES
from .heads import MAX_PER_VECTOR, ConceptHead
from .page_scaling import BASE_PIXELS

FIGURE_MIN, FIGURE_FULL = 0.3, 0.8
"""Probabilities of a kind of figure at which a block begins to match the words that name it, and matches them fully."""
KIND_MIN, KIND_FULL = 0.35, 0.85
"""The same for kinds of pages."""
COVER = PAGE_CONCEPTS.index(MARK + "page cover")
COVER_LOG_ODDS = (1.6, -1.4)
"""Added to the logit of "cover" on the first page of a document, and on other pages: log likelihood ratios. Of 13
labelled covers 11 are page 1, and of 1,145 other pages 183 (each count plus one).
"""
COLOUR_MIN, COLOUR_FULL = 0.005, 0.08
"""Shares of a page at which a colour begins to match the words that name it, and matches them fully, on a log scale."""
GROUP_BLOCKS = 2
"""Side of a group of blocks, in blocks; the blocks of a group share the vectors of the figures that they show."""
BEYOND_PAGE = 1 << 30
"""A coordinate larger than that of any block."""
IN_FAMILY = np.array([[name in kinds for _, kinds in FAMILIES.values()] for name in FIGURE_NAMES], np.float32)
"""Whether a kind of figure belongs to a family, (K, F)."""
TINY = 1e-9
"""Smallest share of which the logarithm is taken."""
WHOLE_PAGE = np.array([0, 0, 1, 1], np.float32)
"""The box of vectors for the page as a whole."""


def detect_figures(head: ConceptHead, statistics: F32, size: tuple[int, int]) -> Detections:
    """The figures on a page, of kinds and families that are named by concepts.

    `head` is that for blocks of cells, `statistics` its input (rows, columns, BLOCK_STATISTICS), and `size` the width
    and height in pixels of the image of the coarse pass.
    """
    logits = head.logits(statistics.reshape(-1, statistics.shape[2]))
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = odds[:, 1:] / odds.sum(axis=1, keepdims=True)
    probabilities = np.concatenate([probabilities, probabilities @ IN_FAMILY], axis=1)
    strengths = ((probabilities - FIGURE_MIN) / (FIGURE_FULL - FIGURE_MIN)).clip(0, 1).astype(np.float32)
    grouped, boxes = group_blocks(strengths.reshape(*statistics.shape[:2], -1))
    groups, vectors = head.concept_vectors(grouped, per_vector=MAX_PER_VECTOR)
    side = FIGURE_CELLS * STRIDE_PX
    corners = boxes[groups] * side / np.array(size * 2, np.float32)
    heights = np.full(len(groups), side, np.float32)
    saliency = grouped.max(axis=1, initial=0)[groups]
    return Detections(vectors, corners.astype(np.float32), heights, saliency, np.zeros(len(groups), np.bool_))


def classify_page(head: ConceptHead, number: int, statistics: F32) -> Detections:
    """The kinds and colours of page `number` of a document, as detections whose box is the page.

    `head` is that for whole pages, `statistics` its input (PAGE_STATISTICS,) float32.
    """
    logits = head.logits(statistics[None])[0]
    logits[COVER] += COVER_LOG_ODDS[number != 1]
    kinds = (sigmoid(logits) - KIND_MIN) / (KIND_FULL - KIND_MIN)
    shares = statistics[COLOURS_START : COLOURS_START + len(HUES)]
    colours = np.log(np.maximum(shares, TINY) / COLOUR_MIN) / np.log(COLOUR_FULL / COLOUR_MIN)
    strengths = np.concatenate([kinds, colours]).clip(0, 1).astype(np.float32)
    _, vectors = head.concept_vectors(strengths[None])
    ones = np.ones(len(vectors), np.float32)
    boxes = np.tile(WHOLE_PAGE, (len(vectors), 1))
    return Detections(vectors, boxes, ones * BASE_PIXELS**0.5, ones * strengths.max(), ones == 0)


def group_blocks(strengths: F32) -> tuple[F32, F32]:
    """Concept strengths of blocks (R, C, M), 0 to 1, as their maxima (G, M) over groups of GROUP_BLOCKS a side.

    Also the box (G, 4) of the blocks of each group that show a concept, as x0, y0, x1, y1 in blocks.
    """
    rows, columns, concepts = strengths.shape
    down, across = -(-rows // GROUP_BLOCKS), -(-columns // GROUP_BLOCKS)
    whole = np.zeros((down * GROUP_BLOCKS, across * GROUP_BLOCKS, concepts), np.float32)
    whole[:rows, :columns] = strengths
    parts = whole.reshape(down, GROUP_BLOCKS, across, GROUP_BLOCKS, concepts).swapaxes(1, 2)
    row, column = np.mgrid[: len(whole), : whole.shape[1]].reshape(2, down, GROUP_BLOCKS, across, GROUP_BLOCKS)
    shown = parts.any(axis=4)
    ends = []
    for place in (column.swapaxes(1, 2), row.swapaxes(1, 2)):
        first = np.where(shown, place, BEYOND_PAGE).min(axis=(2, 3))
        ends.append((first, np.where(shown, place + 1, 0).max(axis=(2, 3))))
    (x0, x1), (y0, y1) = ends
    boxes = np.stack([x0, y0, x1, y1], axis=-1).reshape(-1, 4).astype(np.float32)
    return parts.max(axis=(2, 3)).reshape(-1, concepts), boxes


def sigmoid(logits: F32) -> F32:
    """Logits as probabilities, of the same shape."""
    out: F32 = np.float32(1) / (np.float32(1) + np.exp(-logits))
    return out
