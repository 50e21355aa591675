"""Training batches for pixel: random crops of labelled pages, image augmentation, and the targets of every cell."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ...engine.models.pixel.architecture import STRIDE_PX
from ...engine.records import F32, I64, U8
from .labelled_pages import UNREAD, LabelledPage

CROP_H, CROP_W = 256, 512
"""Size of a crop, px."""
POOL_PAGES = 500
"""Pages kept for reuse: drawing one takes far longer than cutting a crop from it."""
WARM_PAGES = 40
"""Pages in the pool before the first batch."""
CLEAN_BATCHES = 500
"""The share of augmented crops rises from 0 to 1 over this many batches."""
MIN_WORD_PX, MAX_WORD_PX = 9.0, 80.0
"""Heights of words that are learned; others are ignored."""
IGNORE, EMPTY, WORD, FIGURE = -1, 0, 1, 1
CELLS_PER_FIGURE = 8
"""Cells of a figure, at most, whose vectors learn its concept."""
LATIN = "abcdefghijklmnopqrstuvwxyz0123456789"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ"
GREEK = "αβγδεζηθικλμνξοπρσςτυφχψω"
ALPHABET = LATIN + CYRILLIC + GREEK + ".,'&"
"""Characters that the auxiliary heads read; accents are removed first."""
LETTER = {character: i for i, character in enumerate(ALPHABET)}


@dataclass(frozen=True, slots=True)
class Batch:
    """B crops with targets for their cells, which are STRIDE_PX pixels per side.

    `pixels` (B, H, W) uint8. `saliency` (B, h, w) int8 is IGNORE, EMPTY or WORD for each cell. The M word cells are
    `cells` (M, 3) int64 as crop, row, column, `boxes` (M, 4) float32 as dx, dy, log w, log h in cells, and `words`.
    `letters` (L, 4) int64 holds each character of the words as crop, row, column, index in `ALPHABET`. `figures`
    (B, h, w) int8 is IGNORE, EMPTY or FIGURE; `figure_cells` (F, 3) are a sample of the FIGURE cells, with `concepts`.
    """

    pixels: U8
    saliency: NDArray[np.int8]
    cells: I64
    boxes: F32
    words: tuple[str, ...]
    letters: I64
    figures: NDArray[np.int8]
    figure_cells: I64
    concepts: tuple[str, ...]


def degrade(picture: U8, rng: random.Random) -> U8:
    """Degrade a picture, (H, W) or (H, W, 3), at random: rescale, blur, rotate, JPEG, threshold, noise, contrast."""
    image = Image.fromarray(picture)
    width, height = image.size
    if rng.random() < 0.25:
        factor = rng.uniform(0.6, 0.95)
        small = image.resize((int(width * factor), int(height * factor)), Image.Resampling.BILINEAR)
        image = small.resize((width, height), Image.Resampling.BICUBIC)
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
    if rng.random() < 0.15:
        paper = int(np.median(picture))
        fill = paper if picture.ndim == 2 else (paper,) * 3
        image = image.rotate(rng.uniform(-1.5, 1.5), Image.Resampling.BILINEAR, fillcolor=fill)
    if rng.random() < 0.15:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=rng.randrange(15, 70))
        image = Image.open(buffer)
    out = np.asarray(image, np.float32)
    if rng.random() < 0.06:
        light = out if out.ndim == 2 else np.repeat(out.mean(axis=2, keepdims=True), 3, axis=2)
        out = np.where(light > rng.uniform(90, 200), 255.0, 0.0)
    if rng.random() < 0.35:
        noise = np.random.default_rng(rng.getrandbits(32))
        out = out + noise.standard_normal(out.shape, np.float32) * rng.uniform(2, 22)
    if rng.random() < 0.4:
        low, high = rng.uniform(0, 70), rng.uniform(170, 255)
        out = low + out * ((high - low) / 255)
    return out.clip(0, 255).astype(np.uint8)


def augment(crop: U8, rng: random.Random) -> U8:
    """Degrade a crop, and invert one in eight."""
    out = degrade(crop, rng)
    return 255 - out if rng.random() < 0.12 else out


def random_crop(page: LabelledPage, rng: random.Random) -> tuple[U8, F32, list[str], F32]:
    """A crop (CROP_H, CROP_W), the boxes (W, 4) and words that overlap it, and all figures (F, 4), in its coordinates.

    Pages smaller than the crop are padded with the colour of the paper.
    """
    height, width = page.pixels.shape
    if len(page.boxes) and rng.random() < 0.85:
        # Near a word, so that crops of sparse pages are not all blank.
        x0, y0, x1, y1 = page.boxes[rng.randrange(len(page.boxes))]
        left = int((x0 + x1) / 2 - rng.uniform(0.05, 0.95) * CROP_W)
        top = int((y0 + y1) / 2 - rng.uniform(0.05, 0.95) * CROP_H)
    else:
        left, top = rng.randrange(max(width - CROP_W, 1)), rng.randrange(max(height - CROP_H, 1))
    left, top = max(min(left, width - CROP_W), 0), max(min(top, height - CROP_H), 0)
    crop = page.pixels[top : top + CROP_H, left : left + CROP_W]
    if crop.shape != (CROP_H, CROP_W):
        paper = int(np.median(page.pixels[:8]))
        crop = np.pad(crop, ((0, CROP_H - crop.shape[0]), (0, CROP_W - crop.shape[1])), constant_values=paper)
    corner = np.array([left, top, left, top], np.float32)
    boxes = page.boxes - corner
    touches = (boxes[:, 2] > 0) & (boxes[:, 3] > 0) & (boxes[:, 0] < CROP_W) & (boxes[:, 1] < CROP_H)
    return crop, boxes[touches], [page.words[i] for i in np.flatnonzero(touches)], page.figures - corner


def figure_targets(
    page: LabelledPage, figures: F32, taken: I64, rng: random.Random
) -> tuple[NDArray[np.int8], I64, list[str]]:
    """Figure targets of a crop: a label (h, w) for each cell, and a sample of figure cells (n, 2) with their concepts.

    `figures` (F, 4) are those of `page`, in the crop's coordinates. Word cells, `taken` (M, 2), are not sampled.
    """
    rows, columns = CROP_H // STRIDE_PX, CROP_W // STRIDE_PX
    inside = np.full((rows, columns), EMPTY if page.coarse else IGNORE, np.int8)
    free = np.ones((rows, columns), bool)
    free[taken[:, 0], taken[:, 1]] = False
    cells: list[tuple[int, int]] = []
    concepts: list[str] = []
    for box, concept in zip(figures, page.concepts, strict=True):
        # A cell belongs to a figure if its centre does; cells at the rim are ignored.
        left, top, right, bottom = np.rint(box / STRIDE_PX).astype(int).clip(0, [columns, rows, columns, rows])
        rim = np.s_[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
        inside[rim] = np.where(inside[rim] == FIGURE, FIGURE, IGNORE)
        if concept == UNREAD or right <= left or bottom <= top:
            continue
        inside[top:bottom, left:right] = FIGURE
        within = [(r, c) for r in range(top, bottom) for c in range(left, right) if free[r, c]]
        chosen = rng.sample(within, min(len(within), CELLS_PER_FIGURE))
        cells += chosen
        concepts += [concept] * len(chosen)
    return inside, np.array(cells, np.int64).reshape(-1, 2), concepts


def cell_targets(boxes: F32, words: list[str]) -> tuple[NDArray[np.int8], I64, F32, list[str]]:
    """Word targets of a crop: saliency (h, w), cells (M, 2), boxes (M, 4), words. A cell goes to its widest word."""
    saliency = np.zeros((CROP_H // STRIDE_PX, CROP_W // STRIDE_PX), np.int8)
    taken: dict[tuple[int, int], int] = {}
    for i in np.argsort(boxes[:, 0] - boxes[:, 2], kind="stable"):
        x0, y0, x1, y1 = boxes[i]
        row, column = int((y0 + y1) / 2 // STRIDE_PX), int((x0 + x1) / 2 // STRIDE_PX)
        if not (0 <= row < saliency.shape[0] and 0 <= column < saliency.shape[1]) or (row, column) in taken:
            continue
        inside = x0 >= -1 and y0 >= -2 and x1 <= CROP_W + 1 and y1 <= CROP_H + 2
        readable = MIN_WORD_PX <= y1 - y0 <= MAX_WORD_PX and x1 - x0 >= 2
        saliency[row, column] = WORD if inside and readable and words[i] != UNREAD else IGNORE
        taken[row, column] = int(i) if saliency[row, column] == WORD else -1
    found = [(cell, i) for cell, i in taken.items() if i >= 0]
    cells = np.array([cell for cell, _ in found], np.int64).reshape(-1, 2)
    kept = boxes[[i for _, i in found]].reshape(-1, 4)
    centre = np.stack([kept[:, 0] + kept[:, 2], kept[:, 1] + kept[:, 3]], 1) / (2 * STRIDE_PX) - cells[:, ::-1] - 0.5
    size = np.log(np.stack([kept[:, 2] - kept[:, 0], kept[:, 3] - kept[:, 1]], 1) / STRIDE_PX)
    return saliency, cells, np.concatenate([centre, size], 1).astype(np.float32), [words[i] for _, i in found]


def letter_cells(boxes: F32, words: list[str]) -> I64:
    """The cell of each character, (L, 3) as row, column, index in `ALPHABET`, assuming that all are equally wide."""
    out = []
    rows, columns = CROP_H // STRIDE_PX, CROP_W // STRIDE_PX
    for (x0, y0, x1, y1), word in zip(boxes.tolist(), words, strict=True):
        if not word or y1 - y0 < MIN_WORD_PX:
            continue
        row = int((y0 + y1) / 2 // STRIDE_PX)
        for i, character in enumerate(word):
            column = int((x0 + (i + 0.5) / len(word) * (x1 - x0)) // STRIDE_PX)
            if 0 <= row < rows and 0 <= column < columns and character in LETTER:
                out.append((row, column, LETTER[character]))
    return np.array(out, np.int64).reshape(-1, 3)


def batches(
    sources: list[tuple[float, Iterator[LabelledPage]]], size: int, rng: random.Random, *, start: int = 0
) -> Iterator[Batch]:
    """Endless batches from weighted sources of pages; the first batch is number `start`.

    Crops come from a pool of recent pages, in which each batch replaces one page.
    """
    weights = [w for w, _ in sources]
    pool = [next(rng.choices(sources, weights)[0][1]) for _ in range(WARM_PAGES)]
    for count in itertools.count(start):
        page = next(rng.choices(sources, weights)[0][1])
        if len(pool) < POOL_PAGES:
            pool.append(page)
        else:
            pool[rng.randrange(POOL_PAGES)] = page
        pixels, saliency, cells, boxes, letters, figures, figure_cells = [], [], [], [], [], [], []
        words: list[str] = []
        concepts: list[str] = []
        for position in range(size):
            source = rng.choice(pool)
            crop, crop_boxes, crop_words, crop_figures = random_crop(source, rng)
            grid, at, box, names = cell_targets(crop_boxes, crop_words)
            inside, within, shown = figure_targets(source, crop_figures, at, rng)
            figures.append(inside)
            figure_cells.append(np.insert(within, 0, position, axis=1))
            concepts += shown
            pixels.append(augment(crop, rng) if rng.random() < count / CLEAN_BATCHES else crop)
            saliency.append(grid)
            cells.append(np.insert(at, 0, position, axis=1))
            boxes.append(box)
            words += names
            letters.append(np.insert(letter_cells(crop_boxes, crop_words), 0, position, axis=1))
        yield Batch(
            np.stack(pixels),
            np.stack(saliency),
            np.concatenate(cells),
            np.concatenate(boxes),
            tuple(words),
            np.concatenate(letters),
            np.stack(figures),
            np.concatenate(figure_cells),
            tuple(concepts),
        )
