"""Train the heads for kinds of figures and pages: `python -m docsearch.training.pixel.train_heads --pages FOLDER`.

They learn from hand-labelled real pages and from synthetic ones. Their inputs are statistics of the trained vision
network's features, so they are trained last, by `export`. Labels are few: inputs are augmented with noise and dropout,
and the pages of a long document, or the blocks of a frequent kind, are down-weighted.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pymupdf
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from ...engine.models.pixel import spec
from ...engine.models.pixel.architecture import STRIDE_PX
from ...engine.models.pixel.concepts import COLOUR_CONCEPTS, FAMILY_CONCEPTS, FIGURE_CONCEPTS, MARK, PAGE_CONCEPTS
from ...engine.models.pixel.features import FIGURE_CELLS, page_statistics
from ...engine.models.pixel.heads import FIGURE_HEAD, PAGE_HEAD
from ...engine.models.pixel.pages import COARSE_FACTOR, PixelPages
from ...engine.models.pixel.text import PixelText
from ...engine.records import F32, I64, U8
from ..synthetic import figures, pages, vocabulary
from ..synthetic.layouts import page_kinds
from . import labelled_pages, visual_words
from .concept_head import TrainedHead
from .labelled_pages import LabelledPage

log = logging.getLogger(__name__)

PAGE_LABELS = Path(__file__).with_name("page_labels.jsonl")
"""Kinds of real pages, labelled by hand."""
PAGE_KINDS = tuple(name.removeprefix(MARK + "page ") for name in PAGE_CONCEPTS)
REAL_FIGURE_PAGES, SYNTHETIC_FIGURE_PAGES, SYNTHETIC_PAGES = 1200, 1500, 1500
SYNTHETIC_DPI = (110, 165)
SYNTHETIC_SHARE = 0.5
"""Sampling weight of all synthetic examples together."""
UNKNOWN, NO_FIGURE = -1, 0
BLOCK_CELLS = FIGURE_CELLS * COARSE_FACTOR
"""Cells per side of a block, the unit whose kind of figure is predicted."""
MIN_CELLS = 8
"""Cells of a block that a figure must cover to be the block's label."""
RIM_CELLS = 2
"""Width of the rim around a figure that is labelled UNKNOWN."""
STEPS, BATCH, LR = 1500, 512, 2e-3
WEIGHT_DECAY, NOISE, INPUT_DROPOUT, DROPOUT, SMOOTHING = 0.1, 0.3, 0.2, 0.4, 0.05
WORDS_AVOIDED, EMBEDDING_CHUNK = 4000, 5000
"""Most frequent words of each language, which no concept's vector may resemble; how many are embedded at a time."""


def export(folder: Path, seed: int) -> None:
    """Train both heads on the labelled PDFs below `folder`, and write them with the visual words that they need.

    Uses the vision and text weights in the package.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    names = ((*FIGURE_CONCEPTS, *FAMILY_CONCEPTS), (*PAGE_CONCEPTS, *COLOUR_CONCEPTS))
    heads = {"figures": TrainedHead(FIGURE_HEAD), "pages": TrainedHead(PAGE_HEAD)}
    if not spec.HEADS_FILE.exists():
        save(heads)  # PixelPages.load and PixelText.load need a file
    free = torch.from_numpy(unused_directions(PixelText.load(), len(names[0]) + len(names[1]) + 1, rng))
    for head, named in zip(heads.values(), names, strict=True):
        head.vectors.copy_(free[: len(named)])
        free = free[len(named) :]
        head.aside.copy_(free[-1])
    vision = PixelPages.load()
    train_figure_head(heads["figures"], folder, vision, rng)
    train_page_head(heads["pages"], folder, vision, rng)
    save(heads)
    centroids = vision.visual_words.centroids
    visual_words.save(
        visual_words.replace_redundant(
            centroids, visual_words.head_vectors(*(head.for_inference() for head in heads.values()))
        )
    )


def save(heads: dict[str, TrainedHead]) -> None:
    """Write the heads in float16."""
    states = {f"{name}.{key}": value for name, each in heads.items() for key, value in each.state_dict().items()}
    save_file({key: value.half().contiguous() for key, value in states.items()}, spec.HEADS_FILE)


def train_figure_head(head: TrainedHead, folder: Path, vision: PixelPages, rng: random.Random) -> None:
    """Train the head for kinds of figures, on blocks of cells."""
    labelled = labelled_pages.figure_labelled_pages(folder, rng, at_base=True)
    real, real_kinds = figure_blocks(vision, islice(labelled, REAL_FIGURE_PAGES))
    pictures = figures.photos(folder)
    drawn = pages.synthetic_pages(rng, drawn=pages.EASY_PAGES, coarse=True, at_base=True, pictures=pictures)
    synthetic, synthetic_kinds = figure_blocks(vision, islice(drawn, SYNTHETIC_FIGURE_PAGES))
    weights = np.concatenate(
        [
            inverse_root_frequencies(real_kinds) * (1 - SYNTHETIC_SHARE),
            inverse_root_frequencies(synthetic_kinds) * SYNTHETIC_SHARE,
        ]
    )
    target = torch.from_numpy(np.concatenate([real_kinds, synthetic_kinds]))

    def loss(logits: Tensor, sampled: Tensor) -> Tensor:
        return functional.cross_entropy(logits, target[sampled], label_smoothing=SMOOTHING)

    fit(head, np.concatenate([real, synthetic]), weights, loss)


def figure_blocks(vision: PixelPages, pages: Iterable[LabelledPage]) -> tuple[F32, I64]:
    """The blocks of pages whose label is known: statistics (N, F), and labels (N,), NO_FIGURE or 1 + concept index."""
    blocks, kinds = [], []
    for page in pages:
        picture = Image.fromarray(page.pixels)
        base = vision.read_inked(picture)
        if not base:
            continue
        statistics = vision.block_statistics(vision.coarse_pass(picture), base)
        labels = block_kinds(figure_grid(page), statistics.shape[0], statistics.shape[1])
        known = labels != UNKNOWN
        blocks.append(statistics[known])
        kinds.append(labels[known])
    return np.concatenate(blocks), np.concatenate(kinds)


def figure_grid(page: LabelledPage) -> I64:
    """The label of each cell of a page, (h, w): NO_FIGURE, 1 + concept index, or UNKNOWN (rims, figures of no kind)."""
    rows, columns = (-(-side // STRIDE_PX) for side in page.pixels.shape)
    grid = np.full((rows, columns), NO_FIGURE)
    areas = (page.figures[:, 2] - page.figures[:, 0]) * (page.figures[:, 3] - page.figures[:, 1])
    for i in np.argsort(-areas, kind="stable"):  # a figure inside another one overwrites it
        left, top, right, bottom = np.rint(page.figures[i] / STRIDE_PX).astype(int).clip(0, [columns, rows] * 2)
        around = grid[max(top - RIM_CELLS, 0) : bottom + RIM_CELLS, max(left - RIM_CELLS, 0) : right + RIM_CELLS]
        around[around == NO_FIGURE] = UNKNOWN
        grid[top:bottom, left:right] = UNKNOWN
        if page.concepts[i] in FIGURE_CONCEPTS:
            grid[top:bottom, left:right] = 1 + FIGURE_CONCEPTS.index(page.concepts[i])
    return grid


def block_kinds(grid: I64, rows: int, columns: int) -> I64:
    """The label of each block, (rows, columns), from those of cells (h, w): the figure that covers most of it."""
    out = np.full((rows, columns), UNKNOWN)
    for row, column in np.ndindex(rows, columns):
        cells = grid[BLOCK_CELLS * row :, BLOCK_CELLS * column :][:BLOCK_CELLS, :BLOCK_CELLS]
        if not cells.size:
            continue
        kinds, counts = np.unique(cells[cells > NO_FIGURE], return_counts=True)
        if len(kinds) and counts.max() >= min(MIN_CELLS, cells.size):
            out[row, column] = kinds[counts.argmax()]
        elif (cells == NO_FIGURE).mean() > 0.5:
            out[row, column] = NO_FIGURE
    return out


def inverse_root_frequencies(kinds: I64) -> np.ndarray:
    """Sampling weights of N blocks, which sum to 1: each is proportional to 1 / √(number of blocks of its kind)."""
    return normalised(np.bincount(kinds)[kinds] ** -0.5)


def train_page_head(head: TrainedHead, folder: Path, vision: PixelPages, rng: random.Random) -> None:
    """Train the head for kinds of whole pages."""
    real = list(page_labels(folder))
    of_document = Counter(path for _, _, path in real)
    drawn = islice(page_kinds.pages_with_kinds(rng, figures.photos(folder), dpi=SYNTHETIC_DPI), SYNTHETIC_PAGES)
    inputs, kinds = [], []
    for pixels, shown in chain(((render_page(folder, path, page), ks) for ks, page, path in real), drawn):
        base = vision.base_pass(pixels)
        coarse = vision.coarse_pass(base.image)
        inputs.append(page_statistics(coarse, pixels, np.asarray(base.grey), base.words.boxes))
        kinds.append([kind in shown for kind in PAGE_KINDS])
    weights = normalised(np.array([of_document[path] ** -0.5 for _, _, path in real])) * (1 - SYNTHETIC_SHARE)
    weights = np.concatenate([weights, np.full(SYNTHETIC_PAGES, SYNTHETIC_SHARE / SYNTHETIC_PAGES)])
    target = torch.tensor(kinds, dtype=torch.float32)

    def loss(logits: Tensor, sampled: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits, target[sampled])

    fit(head, np.stack(inputs), weights, loss)


def page_labels(folder: Path) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """Hand-labelled pages of the PDFs below `folder`: kinds, page number and path."""
    for line in PAGE_LABELS.read_text("utf-8").splitlines():
        row = json.loads(line)
        if (folder / row["path"]).is_file():
            yield tuple(row["kinds"]), row["page"], row["path"]


def render_page(folder: Path, path: str, number: int) -> U8:
    """A page as the indexer renders it, (H, W, 3) uint8."""
    with pymupdf.open(folder / path) as document:
        page = document[number - 1]
        inches = page.rect.width * page.rect.height / labelled_pages.POINTS_PER_INCH**2
        return page_kinds.render_rgb(page, min(spec.SPEC.render_dpi, (spec.SPEC.max_pixels / inches) ** 0.5))


def fit(head: TrainedHead, statistics: F32, weights: np.ndarray, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Fit a head to `statistics` (N, F), sampled with the weights `weights` (N,).

    `loss` takes logits (B, K) and the indices (B,) of the sampled rows.
    """
    rows = torch.from_numpy(statistics)
    head.mean.copy_(rows.mean(0))
    head.spread.copy_(rows.std(0) + 1e-2)
    sampling = torch.from_numpy(weights)
    optimizer = torch.optim.AdamW(head.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    for step in range(STEPS):
        sampled = torch.multinomial(sampling, BATCH, replacement=True)
        standardised = head.standardise(rows[sampled])
        noisy = functional.dropout(standardised + NOISE * torch.randn_like(standardised), INPUT_DROPOUT)
        logits = head.out(functional.dropout(torch.relu(head.hidden(noisy)), DROPOUT))
        batch_loss = loss(logits, sampled)
        for group in optimizer.param_groups:
            group["lr"] = LR * (1 - step / STEPS)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
    log.info("%d examples, loss %.3f", len(statistics), batch_loss.item())
    head.eval()


def normalised(weights: np.ndarray) -> np.ndarray:
    """Weights that sum to 1."""
    out: np.ndarray = weights / weights.sum()
    return out


def unused_directions(text: PixelText, count: int, rng: random.Random) -> F32:
    """`count` orthonormal vectors (count, 128) that no word's vector comes near.

    Word vectors lie close to a subspace of fewer dimensions; these span what is left: the eigenvectors of the words'
    second moments with the smallest eigenvalues, randomly rotated.
    """
    words = [word for language in vocabulary.load().values() for word in language.words[:WORDS_AVOIDED]]
    vectors = np.concatenate(
        [text.embed(words[i : i + EMBEDDING_CHUNK])[0] for i in range(0, len(words), EMBEDDING_CHUNK)]
    )
    unused = np.linalg.eigh(vectors.T @ vectors)[1][:, :count]  # (128, count), least used first
    rotation = np.linalg.qr(np.random.default_rng(rng.getrandbits(32)).standard_normal((count, count)))[0]
    out: F32 = (unused @ rotation).T.astype(np.float32)
    return out


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pages", type=Path, required=True, help="folder of the PDFs that are labelled")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    export(a.pages, a.seed)


if __name__ == "__main__":
    main()
