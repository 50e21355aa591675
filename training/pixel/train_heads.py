"""Teaches the readouts that tell kinds of figures and of pages: `python -m docsearch.training.pixel.heads --pages FOLDER`.

They learn from real pages labelled by eye, and from synthetic ones. They look at what the trained vision network makes
of a page, and so are learned last, by `training/pixel/export.py`. Labels are few, so inputs are disturbed, and a long
document, or a frequent kind, does not count page by page.
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
from ...engine.models.pixel.concepts import CONCEPTS, FAMILY, MARK, PAINTED, WHOLE_PAGE
from ...engine.models.pixel.detections import found_in
from ...engine.models.pixel.features import FIGURE_CELLS
from ...engine.models.pixel.heads import Readout, figure_readout, page_readout
from ...engine.models.pixel.network import STRIDE_PX
from ...engine.models.pixel.pages import COARSE_FACTOR, PixelPages
from ...engine.models.pixel.pictures import inked, read_grey, resized
from ...engine.models.pixel.text import PixelText
from ...engine.records import F32, I64, U8
from ..synthetic import figures, pages, vocabulary
from ..synthetic.layouts import page_kinds
from . import page_pool, visual_words
from .page_pool import LabelledPage

log = logging.getLogger(__name__)

PAGE_LABELS = Path(__file__).with_name("page_labels.jsonl")
PAGE_KINDS = tuple(name.removeprefix(MARK + "page ") for name in WHOLE_PAGE)
REAL_FIGURE_PAGES, SYNTHETIC_FIGURE_PAGES, SYNTHETIC_PAGES = 1200, 1500, 1500
SYNTHETIC_DPI = (110, 165)
SYNTHETIC_SHARE = 0.5
UNKNOWN, NO_FIGURE = -1, 0
BLOCK_CELLS = FIGURE_CELLS * COARSE_FACTOR
LEAST_CELLS = 8
"""Cells of a block, of BLOCK_CELLS a side, that a figure has to fill for the block to show it."""
RIM = 2
"""Cells around a figure that are neither in it nor surely outside."""
STEPS, BATCH, LR = 1500, 512, 2e-3
WEIGHT_DECAY, NOISE, INPUT_DROPOUT, DROPOUT, SMOOTHING = 0.1, 0.3, 0.2, 0.4, 0.05
WORDS_AVOIDED, EMBEDDED = 4000, 5000
"""The commonest words of each language, which no concept may resemble, and how many are embedded at a time."""


def export(folder: Path, seed: int) -> None:
    """Teach both with the labelled PDFs below `folder` and the vision and text weights in the package; write them."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    names = ((*CONCEPTS, *FAMILY), (*WHOLE_PAGE, *PAINTED))
    readouts = {"figures": figure_readout(), "pages": page_readout()}
    if not spec.READOUTS_FILE.exists():
        save(readouts)  # the page and the text side open with some
    own = torch.from_numpy(apart(PixelText.load(), len(names[0]) + len(names[1]) + 1, rng))
    for readout, named in zip(readouts.values(), names, strict=True):
        readout.vectors.copy_(own[: len(named)])
        own = own[len(named) :]
        readout.aside.copy_(own[-1])
    vision = PixelPages.load(device="cpu")
    learn_figures(readouts["figures"], folder, vision, rng)
    learn_pages(readouts["pages"], folder, vision, rng)
    save(readouts)
    centroids = vision.code.centroids
    visual_words.save(visual_words.holding(centroids, visual_words.told(*readouts.values())))


def save(readouts: dict[str, Readout]) -> None:
    """Write readouts in float16."""
    states = {f"{name}.{key}": value for name, each in readouts.items() for key, value in each.state_dict().items()}
    save_file({key: value.half().contiguous() for key, value in states.items()}, spec.READOUTS_FILE)


def learn_figures(readout: Readout, folder: Path, vision: PixelPages, rng: random.Random) -> None:
    """Kinds of figures, in blocks of cells."""
    real = figure_blocks(vision, islice(page_pool.labelled_pages(folder, rng, at_base=True), REAL_FIGURE_PAGES))
    pictures = figures.photos(folder)
    drawn = pages.synthetic_pages(rng, drawn=pages.EASY_PAGES, coarse=True, at_base=True, pictures=pictures)
    made = figure_blocks(vision, islice(drawn, SYNTHETIC_FIGURE_PAGES))
    (seen, kinds), (more, their) = real, made
    share = np.concatenate([by_rarity(kinds) * (1 - SYNTHETIC_SHARE), by_rarity(their) * SYNTHETIC_SHARE])
    target = torch.from_numpy(np.concatenate([kinds, their]))

    def loss(logits: Tensor, met: Tensor) -> Tensor:
        return functional.cross_entropy(logits, target[met], label_smoothing=SMOOTHING)

    teach(readout, np.concatenate([seen, more]), share, loss)


def figure_blocks(vision: PixelPages, pages: Iterable[LabelledPage]) -> tuple[F32, I64]:
    """Blocks of pages whose kind is known: their statistics (N, F), and NO_FIGURE or 1 + the concept's place."""
    seen, kinds = [], []
    for page in pages:
        picture = Image.fromarray(page.pixels)
        box = inked(picture)
        if not box.any():
            continue
        found = vision.block_statistics(vision.overview(picture), vision.look_at(picture, box[None]))
        labels = block_kinds(figure_grid(page), found.shape[0], found.shape[1])
        known = labels != UNKNOWN
        seen.append(found.numpy()[known])
        kinds.append(labels[known])
    return np.concatenate(seen), np.concatenate(kinds)


def figure_grid(page: LabelledPage) -> I64:
    """What each cell of a page shows, (h, w): NO_FIGURE, 1 + a concept's place, or UNKNOWN, as rims are."""
    rows, columns = (-(-side // STRIDE_PX) for side in page.pixels.shape)
    grid = np.full((rows, columns), NO_FIGURE)
    areas = (page.figures[:, 2] - page.figures[:, 0]) * (page.figures[:, 3] - page.figures[:, 1])
    for i in np.argsort(-areas, kind="stable"):  # what lies in another figure is drawn over it
        left, top, right, bottom = np.rint(page.figures[i] / STRIDE_PX).astype(int).clip(0, [columns, rows] * 2)
        around = grid[max(top - RIM, 0) : bottom + RIM, max(left - RIM, 0) : right + RIM]
        around[around == NO_FIGURE] = UNKNOWN
        grid[top:bottom, left:right] = UNKNOWN
        if page.concepts[i] in CONCEPTS:
            grid[top:bottom, left:right] = 1 + CONCEPTS.index(page.concepts[i])
    return grid


def block_kinds(grid: I64, rows: int, columns: int) -> I64:
    """The kind of each block (rows, columns) of a grid of cells (h, w): the figure that fills most of it."""
    out = np.full((rows, columns), UNKNOWN)
    for row, column in np.ndindex(rows, columns):
        cells = grid[BLOCK_CELLS * row :, BLOCK_CELLS * column :][:BLOCK_CELLS, :BLOCK_CELLS]
        if not cells.size:
            continue
        kinds, counts = np.unique(cells[cells > NO_FIGURE], return_counts=True)
        if len(kinds) and counts.max() >= min(LEAST_CELLS, cells.size):
            out[row, column] = kinds[counts.argmax()]
        elif (cells == NO_FIGURE).mean() > 0.5:
            out[row, column] = NO_FIGURE
    return out


def by_rarity(kinds: I64) -> np.ndarray:
    """How often each block should be met, (N,), summing to 1: a kind by the root of its blocks."""
    return normal(np.bincount(kinds)[kinds] ** -0.5)


def learn_pages(readout: Readout, folder: Path, vision: PixelPages, rng: random.Random) -> None:
    """Kinds of whole pages."""
    real = list(labelled_pages(folder))
    of_document = Counter(path for _, _, path in real)
    drawn = islice(page_kinds.kind_pages(rng, figures.photos(folder), dpi=SYNTHETIC_DPI), SYNTHETIC_PAGES)
    seen, kinds = [], []
    for pixels, shown in chain(((in_colour(folder, path, page), ks) for ks, page, path in real), drawn):
        grey, scale = read_grey(pixels)
        picture = resized(grey, scale)
        base = found_in(vision.look_at(picture, inked(picture)[None]), picture.size)
        seen.append(vision.page_statistics(vision.overview(picture), pixels, base))
        kinds.append([kind in shown for kind in PAGE_KINDS])
    share = normal(np.array([of_document[path] ** -0.5 for _, _, path in real])) * (1 - SYNTHETIC_SHARE)
    share = np.concatenate([share, np.full(SYNTHETIC_PAGES, SYNTHETIC_SHARE / SYNTHETIC_PAGES)])
    target = torch.tensor(kinds, dtype=torch.float32)

    def loss(logits: Tensor, met: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits, target[met])

    teach(readout, np.stack(seen), share, loss)


def labelled_pages(folder: Path) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """Pages of the PDFs below `folder` labelled by eye: their kinds, number and path."""
    for line in PAGE_LABELS.read_text("utf-8").splitlines():
        row = json.loads(line)
        if (folder / row["path"]).is_file():
            yield tuple(row["kinds"]), row["page"], row["path"]


def in_colour(folder: Path, path: str, number: int) -> U8:
    """A page as the renderer hands it over, (H, W, 3)."""
    with pymupdf.open(folder / path) as document:
        page = document[number - 1]
        inches = page.rect.width * page.rect.height / page_pool.POINTS_PER_INCH**2
        return page_kinds.in_colour(page, min(spec.SPEC.render_dpi, (spec.SPEC.max_pixels / inches) ** 0.5))


def teach(readout: Readout, seen: F32, share: np.ndarray, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Train on statistics `seen` (N, F), each met by its `share` (N,); `loss` takes logits (B, K) and places (B,)."""
    inputs = torch.from_numpy(seen)
    readout.mean.copy_(inputs.mean(0))
    readout.spread.copy_(inputs.std(0) + 1e-2)
    odds = torch.from_numpy(share)
    optimizer = torch.optim.AdamW(readout.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    for step in range(STEPS):
        met = torch.multinomial(odds, BATCH, replacement=True)
        normal = readout.normal(inputs[met])
        disturbed = functional.dropout(normal + NOISE * torch.randn_like(normal), INPUT_DROPOUT)
        logits = readout.out(functional.dropout(torch.relu(readout.hidden(disturbed)), DROPOUT))
        wrong = loss(logits, met)
        for group in optimizer.param_groups:
            group["lr"] = LR * (1 - step / STEPS)
        optimizer.zero_grad()
        wrong.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    log.info("%d examples, loss %.3f", len(seen), wrong.item())
    readout.eval()


def normal(weights: np.ndarray) -> np.ndarray:
    """Weights that sum to 1."""
    out: np.ndarray = weights / weights.sum()
    return out


def apart(text: PixelText, count: int, rng: random.Random) -> F32:
    """`count` unit vectors (count, 128) at right angles to each other that no word comes near.

    Words hardly leave a space of fewer dimensions than they have: the vectors lie in what is left.
    """
    words = [word for language in vocabulary.load().values() for word in language.words[:WORDS_AVOIDED]]
    seen = np.concatenate([text.embed(words[i : i + EMBEDDED])[0] for i in range(0, len(words), EMBEDDED)])
    empty = np.linalg.eigh(seen.T @ seen)[1][:, :count]  # (128, count), least used first
    turned = np.linalg.qr(np.random.default_rng(rng.getrandbits(32)).standard_normal((count, count)))[0]
    out: F32 = (empty @ turned).T.astype(np.float32)
    return out


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pages", type=Path, required=True, help="folder of PDFs that the labels are of")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    export(a.pages, a.seed)


if __name__ == "__main__":
    main()
