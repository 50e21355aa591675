"""The detector of other scripts: logistic regression on the shipped network's features of each cell."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from ...engine.models.pixel.architecture import STRIDE_PX
from ...engine.models.pixel.inference import PageNetwork
from ...engine.models.pixel.page_scaling import BASE_PIXELS, pad_to_cells
from ...engine.models.pixel.weights import PageWeights
from ...engine.records import F32
from ..synthetic import pages, script_pages
from . import labelled_pages
from .labelled_pages import UNREAD, LabelledPage

SCRIPT_PAGES, LATIN_PAGES, DRAWN_LATIN_PAGES = 160, 160, 200
"""Pages of other scripts, drawn, and pages in Latin, Greek and Cyrillic script, real and drawn, to train on."""
REDUCED = (0.55, 1.0)
"""Range of the factor by which drawn pages are reduced: they have the size at which the second network reads."""
OTHER, PRINT, UNKNOWN = 1, 0, -1
BLANK_SHARE = 0.15
"""Share of the cells without a label that are trained on, as cells without print in another script."""
STEPS, LEARNING_RATE, DECAY = 1500, 0.02, 1e-4
FALSE_WEIGHT = 4.0
"""Weight of a cell of Latin print: those of a page cost time, and words, if they are taken for another script."""


def cell_labels(page: LabelledPage, factor: float, rows: int, columns: int) -> NDArray[np.int8]:
    """The label of each cell (rows, columns) of a page reduced by a factor: OTHER in a unit's box, PRINT in others."""
    out = np.full((rows, columns), UNKNOWN, np.int8)
    for box, word in sorted(zip(page.boxes.tolist(), page.words, strict=True), key=lambda pair: pair[1] != UNREAD):
        x0, y0, x1, y1 = (round(v * factor / STRIDE_PX) for v in box)
        y1, x1 = max(y1, y0 + 1), max(x1, x0 + 1)
        out[max(y0, 0) : y1, max(x0, 0) : x1] = OTHER if word != UNREAD else PRINT
    return out


def script_cells(network: PageNetwork, drawn: Iterable[LabelledPage], rng: random.Random) -> tuple[F32, F32]:
    """Features (N, C) and labels (N,), 1 for another script, of cells of drawn pages."""
    features, labels = [], []
    for page in drawn:
        factor = rng.uniform(*REDUCED)
        image = Image.fromarray(page.pixels)
        small = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        seen, _ = network.features(pad_to_cells(small))
        label = cell_labels(page, factor, *seen.shape[:2])
        blank = (label == UNKNOWN) & (np.random.default_rng(rng.getrandbits(32)).random(label.shape) < BLANK_SHARE)
        chosen = (label != UNKNOWN) | blank
        features.append(seen[chosen].astype(np.float16))
        labels.append((label[chosen] == OTHER).astype(np.float32))
    return np.concatenate(features), np.concatenate(labels)


def latin_cells(network: PageNetwork, folder: Path, rng: random.Random) -> F32:
    """Features (N, C) of cells of the PDFs below a folder, at the resolution of the base pass, and of drawn pages."""
    out = []
    dpi = (BASE_PIXELS / (8.27 * 11.69)) ** 0.5
    real = islice(labelled_pages.real_pages(folder, rng, dpi=(dpi, dpi)), LATIN_PAGES)
    drawn = islice(pages.synthetic_pages(rng, drawn=pages.EASY_PAGES), DRAWN_LATIN_PAGES)
    for page in chain(real, drawn):
        out.append(network.features(pad_to_cells(Image.fromarray(page.pixels)))[0].reshape(-1, 192).astype(np.float16))
    return np.concatenate(out)


def train(folder: Path, seed: int) -> tuple[F32, F32]:
    """The weight (C,) and bias (1,) of the detector, from drawn pages and the Latin ones below `folder`."""
    rng = random.Random(seed)
    network = PageNetwork.of(PageWeights.load())
    drawn = islice(script_pages.synthetic_pages(rng, drawn=script_pages.EASY_PAGES), SCRIPT_PAGES)
    inputs, labels = script_cells(network, drawn, rng)
    latin = latin_cells(network, folder, rng)
    x = torch.from_numpy(np.concatenate([inputs, latin])).float()
    y = torch.from_numpy(np.concatenate([labels, np.zeros(len(latin), np.float32)]))
    weight = torch.where(torch.arange(len(y)) < len(labels), 1.0, FALSE_WEIGHT * len(labels) / len(latin))
    mean, spread = x.mean(0), x.std(0) + 1e-3
    w, b = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([w, b], lr=LEARNING_RATE)
    torch.manual_seed(seed)
    for _ in range(STEPS):
        rows = torch.randint(len(y), (4096,))
        logits = (x[rows] - mean) / spread @ w + b
        loss = functional.binary_cross_entropy_with_logits(logits, y[rows], weight=weight[rows]) + DECAY * (w**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        plain = w / spread
        logits = x @ plain + b - (mean * plain).sum()
        found, false = logits[: len(labels)][y[: len(labels)] > 0] > 0, logits[len(labels) :] > 0
        print(f"detector: {found.float().mean():.3f} of cells found, {false.float().mean():.4f} of Latin cells taken")
    return plain.numpy(), (b - (mean * plain).sum()).detach().numpy()
