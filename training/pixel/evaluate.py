"""Evaluate the shipped weights on real pages: `python -m docsearch.training.pixel.evaluate FOLDER`.

Encodes pages of the PDFs below FOLDER as `docsearch index` does, and prints two tables: word-spotting accuracy (how
often the patch of a printed word ranks that word first among all words of its page) by word height, length and kind;
and percentiles of the best cosine on a page for words that are on it and words that are not, with the floor and the
ceiling of a match that follow from them.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ...engine.models.pixel import spec
from ...engine.models.pixel.detections import Detections
from ...engine.models.pixel.pages import PixelPages
from ...engine.models.pixel.text import PixelText
from ...engine.records import F32
from . import labelled_pages
from .labelled_pages import UNREAD, LabelledPage, as_image

HEIGHTS_PX = (6, 8, 10, 12, 16, 20, 24, 32, 44, 64, 96, 200)
"""Word box heights at NOMINAL_DPI, as upper bounds."""
NOMINAL_DPI = 110
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
SLACK_PX = 4
"""How far outside a word's box the centre of its patch may lie."""
ON_PAGE_SHARE = 0.05
"""Prior probability that a query word is on a page."""
RAMP_LOG_ODDS = 2.0
"""A match is 0 at minus these log-odds and 1 at plus: the nearly straight part of the logistic curve."""
NEWTON_STEPS = 30


def read_pages(folder: Path, seed: int) -> Iterator[tuple[LabelledPage, Detections]]:
    """Endless random pages of the PDFs below `folder`, each with what the model detects on it."""
    vision, dpi = PixelPages.load(), spec.SPEC.render_dpi
    for page in labelled_pages.real_pages(folder, random.Random(seed), dpi=(dpi, dpi)):
        yield page, vision.read(as_image(page, dpi))


def spotting_results(page: LabelledPage, found: Detections, text: PixelText) -> Iterator[tuple[str, float, bool]]:
    """Yield each word of a page, its height in px at NOMINAL_DPI, and whether its patch ranks the word first."""
    names = sorted(set(page.words) - {UNREAD})
    similarity = found.vectors @ text.embed(names)[0].T  # (T, W)
    size = np.array([page.pixels.shape[1], page.pixels.shape[0]] * 2)
    centres = (found.boxes * size).reshape(-1, 2, 2).mean(axis=1)
    for box, word in zip(page.boxes, page.words, strict=True):
        if word != UNREAD:
            inside = ((centres >= box[:2] - SLACK_PX) & (centres <= box[2:] + SLACK_PX)).all(axis=1)
            right = bool(inside.any()) and any(names[i] == word for i in similarity[inside].argmax(axis=1))
            yield word, float(box[3] - box[1]) * NOMINAL_DPI / spec.SPEC.render_dpi, right


def groups_of(word: str, height: float) -> list[str]:
    """The rows of the table in which a word counts."""
    bound = next((h for h in HEIGHTS_PX if height <= h), HEIGHTS_PX[-1])
    length = "1" if len(word) == 1 else "2" if len(word) == 2 else "3 to 13" if len(word) < 14 else "14 and more"
    kind = "with digits" if any(c.isdigit() for c in word) else "letters only"
    return [f"height up to {bound:3d} px", f"length {length}", kind, "all words"]


def floor_and_ceiling(present: F32, absent: F32) -> tuple[float, float]:
    """The cosines at which the log-odds that a word is on the page are -RAMP_LOG_ODDS and +RAMP_LOG_ODDS.

    Logistic regression on the best cosine of a word on a page, fitted by Newton's method: `present` (P,) for pages with
    the word, `absent` (A,) for pages without it, weighted to the prior ON_PAGE_SHARE.
    """
    cosines = np.concatenate([present, absent]).astype(np.float64)
    is_on = np.repeat([1.0, 0.0], [len(present), len(absent)])
    weight = np.repeat([0.5 / len(present), 0.5 / len(absent)], [len(present), len(absent)])
    inputs = np.stack([cosines - cosines.mean(), np.ones_like(cosines)], axis=1)
    line = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-inputs @ line))
        curvature = inputs.T @ (inputs * (weight * chance * (1 - chance))[:, None])
        line += np.linalg.solve(curvature, inputs.T @ (weight * (is_on - chance)))
    slope, offset = line
    even = cosines.mean() + (np.log((1 - ON_PAGE_SHARE) / ON_PAGE_SHARE) - offset) / slope
    return float(even - RAMP_LOG_ODDS / slope), float(even + RAMP_LOG_ODDS / slope)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=Path)
    p.add_argument("--pages", type=int, default=100)
    p.add_argument("--seed", type=int, default=7)
    a = p.parse_args()
    text = PixelText.load()
    table: dict[str, list[bool]] = defaultdict(list)
    present: list[np.ndarray] = []
    absent: list[np.ndarray] = []
    previous: set[str] = set()
    for page, found in islice(read_pages(a.folder, a.seed), a.pages):
        names = set(page.words) - {UNREAD}
        if not names or not len(found.vectors):
            continue
        for word, height, right in spotting_results(page, found, text):
            for group in groups_of(word, height):
                table[group].append(right)
        present.append((found.vectors @ text.embed(sorted(names))[0].T).max(axis=0))
        if others := sorted(previous - names):
            absent.append((found.vectors @ text.embed(others)[0].T).max(axis=0))
        previous = names
    print("word-spotting accuracy: share of words whose patch ranks the right word first")
    for name, rights in sorted(table.items()):
        print(f"  {name:22} {np.mean(rights):.3f}  of {len(rights)}")
    print("best cosine on the page, percentiles", PERCENTILES)
    print("  words on the page     ", np.percentile(np.concatenate(present), PERCENTILES).round(2))
    print("  words of another page ", np.percentile(np.concatenate(absent), PERCENTILES).round(2))
    floor, ceiling = floor_and_ceiling(np.concatenate(present), np.concatenate(absent))
    print(f"a match rises from 0 at a cosine of {floor:.2f} to 1 at {ceiling:.2f}")


if __name__ == "__main__":
    main()
