"""Evaluate the shipped network of other scripts: `python -m docsearch.training.pixel.evaluate_scripts [FOLDER]`.

Prints for each language what share of units is spotted (the patch in the unit's box ranks it first among the units of
its page) on drawn pages in fonts that training does not use, and how often a question of a few words drawn from a page
ranks that page first among the pages of its document. With FOLDER, the same for the PDFs in it, from their text layers.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pymupdf
from PIL import Image

from ...engine.models.pixel import spec
from ...engine.models.pixel.detections import Detections, detect_words
from ...engine.models.pixel.page_scaling import pad_to_cells
from ...engine.models.pixel.pages import PixelPages
from ...engine.models.pixel.scripts import read_pass
from ...engine.models.pixel.text import PixelText
from ...engine.models.pixel.units import CJK, PAIRED, RUN, WORD_SCRIPTS, clusters, simplify
from ...engine.records import F32
from ..synthetic import script_pages, script_words
from ..synthetic.script_fonts import Fonts
from .labelled_pages import POINTS_PER_INCH, UNREAD, LabelledPage, as_image, render_grey

SLACK_PX = 4
"""How far outside a unit's box the centre of its patch may lie."""
DRAWN_PAGES = 6
QUESTION_RUNS = (3, 4)
"""Words of a question; of a script without spaces, as many characters times CHARACTERS."""
CHARACTERS = 2
QUESTIONS_PAGE = 4
PERCENTILES = (10, 50, 90, 98)
"""Of the best cosines on a page, of units that are on it and of units of the page before that are not."""
SCRIPTS = {"CJK": CJK, "THAI": "\u0e00-\u0e7f", **WORD_SCRIPTS}


class ReadPage(NamedTuple):
    """A page with the boxes of its units, what was detected on it, and its runs of letters, in order."""

    page: LabelledPage
    found: Detections
    runs: list[str]


def drawn(code: str, seed: int, pages: PixelPages) -> list[ReadPage]:
    """Pages of a language in held-out fonts, read by the second network alone."""
    out = []
    source = script_pages.synthetic_pages(random.Random(seed), drawn=10**6, codes=(code,), held_out=True)
    for page in islice(source, DRAWN_PAGES):
        image = Image.fromarray(page.pixels)
        found = detect_words(read_pass(pages.scripts.network, pad_to_cells(image)), image.size)
        out.append(ReadPage(page, found, [unit for unit in page.words if unit != UNREAD]))
    return out


def real(path: Path, pages: PixelPages) -> list[ReadPage]:
    """The pages of a PDF that have text in another script, read as `docsearch index` does."""
    out = []
    with pymupdf.open(path) as document:
        for page in document:
            boxes, units, found_runs = units_of_page(page)
            if len(units) < 20:
                continue
            dpi = min(spec.SPEC.render_dpi, (spec.SPEC.max_pixels / (page.rect.width * page.rect.height)) ** 0.5 * 72)
            none = np.zeros((0, 4), np.float32)
            scaled = np.array(boxes, np.float32).reshape(-1, 4) * dpi / POINTS_PER_INCH
            labelled = LabelledPage(render_grey(page, dpi), scaled, tuple(units), none, (), coarse=False)
            out.append(ReadPage(labelled, pages.read(as_image(labelled, dpi)), found_runs))
    return out


def units_of_page(page: pymupdf.Page) -> tuple[list[tuple[float, ...]], list[str], list[str]]:
    """The boxes, in points, and names of the units in a page's text layer, and its runs of letters."""
    boxes: list[tuple[float, ...]] = []
    units: list[str] = []
    found: list[str] = []
    for block in page.get_text("rawdict", flags=pymupdf.TEXT_PRESERVE_WHITESPACE)["blocks"]:
        for line in block.get("lines", ()):
            if abs(line["dir"][1]) > 0.1:
                continue
            letters = [letter for span in line["spans"] for letter in span["chars"]]
            for start, end in runs_of(letters):
                run = simplify("".join(letter["c"] for letter in letters[start:end]))
                if not re.fullmatch(RUN, run):
                    continue
                found.append(run)
                part = [letter["bbox"] for letter in letters[start:end]]
                if not re.match(PAIRED, run):
                    boxes.append(around(part))
                    units.append(run)
                elif sum(map(len, clusters(run))) == len(part):
                    pieces, ends = clusters(run), np.cumsum([0, *map(len, clusters(run))]).tolist()
                    for i in range(max(1, len(pieces) - 1)):
                        boxes.append(around(part[ends[i] : ends[min(i + 2, len(pieces))]]))
                        units.append("".join(pieces[i : i + 2]))
    return boxes, units, found


def runs_of(letters: Sequence[dict[str, object]]) -> Iterator[tuple[int, int]]:
    """Where runs of letters of one kind begin and end."""
    text = "".join(str(letter["c"]) for letter in letters)
    if len(text) != len(letters):
        return
    pattern = "|".join(f"[{ranges}\u0640\u064b-\u065f\u0591-\u05c7]+" for ranges in SCRIPTS.values())
    for match in re.finditer(pattern, text):
        yield match.span()


def around(boxes: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The box around boxes."""
    array = np.array(boxes)
    return (*array[:, :2].min(axis=0).tolist(), *array[:, 2:].max(axis=0).tolist())


def embedded(text: PixelText, units: Sequence[str]) -> F32:
    """The vectors (N, 128) of units."""
    return text.embed(list(units))[0]


def spotted(read: ReadPage, text: PixelText) -> list[bool]:
    """Whether each unit of a page is spotted."""
    names = sorted(set(read.page.words) - {UNREAD})
    if not len(read.found.vectors):
        return [False] * sum(word != UNREAD for word in read.page.words)
    best = (read.found.vectors @ embedded(text, names).T).argmax(axis=1)
    size = np.array([read.page.pixels.shape[1], read.page.pixels.shape[0]] * 2)
    centres = (read.found.boxes * size).reshape(-1, 2, 2).mean(axis=1)
    out = []
    for box, word in zip(read.page.boxes, read.page.words, strict=True):
        if word != UNREAD:
            inside = ((centres >= box[:2] - SLACK_PX) & (centres <= box[2:] + SLACK_PX)).all(axis=1)
            out.append(any(names[i] == word for i in best[inside]))
    return out


def questions(read: ReadPage, rng: random.Random) -> Iterator[str]:
    """Questions of a few neighbouring words, or of a few characters, of a page."""
    for _ in range(QUESTIONS_PAGE):
        count = rng.choice(QUESTION_RUNS)
        if re.match(PAIRED, read.runs[0]):
            long = [run for run in read.runs if len(clusters(run)) >= 2]
            picked = rng.sample(long, min(len(long), count))
            yield " ".join("".join(clusters(run)[: CHARACTERS * 2]) for run in picked)
        else:
            at = rng.randrange(max(1, len(read.runs) - count))
            yield " ".join(read.runs[at : at + count])


def ranks(document: Sequence[ReadPage], text: PixelText, rng: random.Random) -> list[int]:
    """The rank of its page, from 0, for questions drawn from the pages of a document."""
    out = []
    for number, read in enumerate(document):
        for question in questions(read, rng):
            query = text.encode_tokens(question)
            scores = []
            for other in document:
                cosines = (query.vectors @ other.found.vectors.T).max(axis=1, initial=0)
                scores.append(float(query.weights @ ((cosines - spec.FLOOR) / (spec.CEILING - spec.FLOOR)).clip(0, 1)))
            out.append(sum(score >= scores[number] for i, score in enumerate(scores) if i != number))
    return out


def best_cosines(read: ReadPage, units: set[str], text: PixelText) -> list[float]:
    """The best cosine on a page of each of some units."""
    if not units or not len(read.found.vectors):
        return []
    best: list[float] = (read.found.vectors @ embedded(text, sorted(units)).T).max(axis=0).tolist()
    return best


def report(name: str, document: Sequence[ReadPage], text: PixelText, seed: int) -> None:
    """Print what was measured on a document."""
    flags = [flag for read in document for flag in spotted(read, text)]
    names = [set(read.page.words) - {UNREAD} for read in document]
    placed = ranks(document, text, random.Random(seed)) if len(document) > 1 else []
    first = f"{np.mean([rank == 0 for rank in placed]):.3f} of {len(placed)}" if placed else "-"
    others = [names[i - 1] - own for i, own in enumerate(names)]
    cosines = [
        [cosine for read, units in zip(document, wanted, strict=True) for cosine in best_cosines(read, units, text)]
        for wanted in (names, others)
    ]
    present, absent = (np.percentile(each, PERCENTILES).round(2).tolist() if each else "-" for each in cosines)
    print(f"{name[:44]:44} pages {len(document):3}  spotted {np.mean(flags):.3f} of {len(flags):5}  first {first}  "
          f"cosines on the page {present}, not on it {absent}", flush=True)  # fmt: skip


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=Path, nargs="?", help="folder of PDFs with text layers")
    p.add_argument("--languages", default=",".join(script_words.LANGUAGES))
    p.add_argument("--seed", type=int, default=11)
    a = p.parse_args()
    text, pages = PixelText.load(), PixelPages.load()
    for code in filter(None, a.languages.split(",")):
        if Fonts.load((code,), held_out=True).families[code]:
            report(code, drawn(code, a.seed, pages), text, a.seed)
    for path in sorted(a.folder.rglob("*.pdf")) if a.folder else ():
        if document := real(path, pages):
            report(path.name, document, text, a.seed)


if __name__ == "__main__":
    main()
