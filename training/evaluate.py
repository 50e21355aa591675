"""Word spotting on real pages: how often a word's patch ranks the right word first among all words of its page.

`python -m docsearch.training.evaluate FOLDER` prints the share by word height, by length, and for words with digits,
over pages of the PDFs below FOLDER, read as `docsearch index` reads them.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..engine.models.pixel import spec
from ..engine.models.pixel.pages import PixelPages
from ..engine.models.pixel.text import PixelText
from ..engine.records import PageImage, PageRef
from . import page_pool

HEIGHTS_PX = (6, 8, 10, 12, 16, 20, 24, 32, 44, 64, 96, 200)
"""Word box heights at 110 dpi, as upper bounds."""
NOMINAL_DPI = 110


def spotted(folder: Path, pages: int, seed: int) -> Iterator[tuple[str, float, bool]]:
    """For each word of `pages` random pages: the word, its box height in px at 110 dpi, and whether it is found."""
    vision, text = PixelPages.load(device="cpu"), PixelText.load()
    source = page_pool.real_pages(folder, random.Random(seed), dpi=(spec.SPEC.render_dpi, spec.SPEC.render_dpi))
    for _ in range(pages):
        page = next(source)
        image = PageImage(PageRef("", "", 1), np.repeat(page.pixels[:, :, None], 3, axis=2), spec.SPEC.render_dpi)
        found = vision.read(image)
        names = sorted(set(page.words) - {page_pool.UNREAD})
        if not names or not len(found.vectors):
            continue
        similarity = found.vectors @ text.embed(names)[0].T  # (T, W)
        size = np.array([page.pixels.shape[1], page.pixels.shape[0]] * 2)
        centres = (found.boxes * size).reshape(-1, 2, 2).mean(axis=1)
        for box, word in zip(page.boxes, page.words, strict=True):
            if word == page_pool.UNREAD:
                continue
            inside = ((centres >= box[:2] - 4) & (centres <= box[2:] + 4)).all(axis=1)
            right = bool(inside.any()) and any(names[i] == word for i in similarity[inside].argmax(axis=1))
            yield word, float(box[3] - box[1]) * NOMINAL_DPI / spec.SPEC.render_dpi, right


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=Path)
    p.add_argument("--pages", type=int, default=100)
    p.add_argument("--seed", type=int, default=7)
    a = p.parse_args()
    groups: dict[tuple[int, str], list[bool]] = defaultdict(list)
    for word, height, right in spotted(a.folder, a.pages, a.seed):
        bound = next((h for h in HEIGHTS_PX if height <= h), HEIGHTS_PX[-1])
        groups[0, f"height <= {bound:3d} px"].append(right)
        kind = "digits" if any(c.isdigit() for c in word) else "letters"
        groups[1, f"with {kind}"].append(right)
        length = "1" if len(word) == 1 else "2" if len(word) == 2 else "3-13" if len(word) < 14 else ">= 14"
        groups[2, f"length {length}"].append(right)
        groups[3, "all"].append(right)
    for (_, name), rights in sorted(groups.items()):
        print(f"{name:18} {np.mean(rights):.3f}  of {len(rights)}")


if __name__ == "__main__":
    main()
