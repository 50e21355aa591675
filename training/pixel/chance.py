"""Fit what words match by chance: `python -m docsearch.training.pixel.chance INDEX`.

INDEX has pages with text layers: real documents, and those of `drawn_words` for numbers and codes. Words of the text
layers, of every length and frequency, are compared with collections of some of the documents, from a few pages to all
of them: how similar to a word is the best page that does not print it? Prints the constants of `engine.chance.Chance`
(all but `below`, which is a choice) and how far off they are, by kind of word and by number of pages.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...engine.chance import Chance
from ...engine.models.pixel.calibration import CHANCE
from ...engine.models.pixel.text import PixelText
from ...engine.models.pixel.words import split_words
from ...engine.page_maxima import evenly_spaced, token_maxima
from ...engine.query.weighting import SAMPLE_PAGES
from ...engine.records import F32, F64, I64
from ...engine.store import open_snapshot
from .labelled_pages import READ_SCRIPTS

MIN_PAGE_WORDS = 20
"""Pages with fewer words in their text layer are left out: what they print may be a picture."""
WORDS_PER_GROUP = 60
"""Words of one kind, length and frequency."""
SHARES = (1.0, 0.5, 0.3, 0.1, 0.05, 0.03, 0.015, 0.008)
"""Shares of the documents that make up a collection; collections of each share but the first are drawn DRAWS times."""
DRAWS = 8
MAX_PRESENT_SHARE = 0.05
"""Words on more of the pages have a lower IDF than matters here."""
LONG_DIGITS = 10


@dataclass(frozen=True, slots=True)
class WordMaxima:
    """MaxSim `maxima` (N, W) of `words` (W) with N pages, which are printed, `is_printed` (N, W), and `paths` (N)."""

    words: list[str]
    maxima: F32
    is_printed: NDArray[np.bool_]
    paths: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Sample:
    """Words in one collection of `pages`: their level there, and the `best` page without them; all (n,)."""

    words: NDArray[np.str_]
    level: F32
    best: F32
    pages: I64


def kind(word: str) -> str:
    """What a word is made of: letters, digits, or both."""
    has_digits, has_letters = any(map(str.isdigit, word)), any(map(str.isalpha, word))
    if has_digits and has_letters:
        return "code"
    if not has_digits:
        return "word"
    return "long number" if sum(map(str.isdigit, word)) >= LONG_DIGITS else "number"


def read(index: Path, rng: random.Random) -> WordMaxima:
    """Words of the pages of an index, some of each kind, length and frequency."""
    with open_snapshot(index) as snapshot:
        refs = snapshot.refs(range(len(snapshot)))
        texts = [split_words(snapshot.text(row)) for row in range(len(snapshot))]
        rows = np.array(
            [row for row, words in enumerate(texts) if len(words) >= MIN_PAGE_WORDS and snapshot.lengths[row]]
        )
        pages: dict[str, set[int]] = defaultdict(set)
        for place, row in enumerate(rows.tolist()):
            for word in texts[row]:
                pages[word].add(place)
        groups: dict[tuple[str, int, int], list[str]] = defaultdict(list)
        for word in sorted(pages):
            if READ_SCRIPTS.fullmatch(word):
                groups[kind(word), len(word), min(4, len(pages[word]).bit_length())].append(word)
        words = [word for group in groups.values() for word in rng.sample(group, min(len(group), WORDS_PER_GROUP))]
        maxima = token_maxima(snapshot, PixelText.load().embed(words)[0], rows)
    is_printed = np.zeros(maxima.shape, np.bool_)
    for column, word in enumerate(words):
        is_printed[list(pages[word]), column] = True
    return WordMaxima(words, maxima, is_printed, np.array([refs[row].path for row in rows.tolist()]))


def samples(found: WordMaxima, rng: random.Random) -> Iterator[Sample]:
    """The words in collections of some of the documents."""
    documents = sorted(set(found.paths.tolist()))
    for share in SHARES:
        for _ in range(1 if share == 1 else DRAWS):
            chosen = rng.sample(documents, max(1, round(share * len(documents))))
            rows = np.flatnonzero(np.isin(found.paths, chosen))
            maxima, is_printed = found.maxima[rows], found.is_printed[rows]
            present = is_printed.sum(axis=0)
            few = (present <= max(1, MAX_PRESENT_SHARE * len(rows))) & (present < len(rows))
            level_only = Chance(0.0, 0.0, CHANCE.usual_level, 0.0, 0.0)
            level = level_only.expected(maxima[evenly_spaced(len(rows), SAMPLE_PAGES)], len(rows))
            best = np.where(is_printed, np.float32(-1), maxima).max(axis=0)
            words = np.array(found.words)[few]
            yield Sample(words, level[few], best[few], np.full(len(words), len(rows)))


def fit(level: F32, best: F32, pages: I64) -> tuple[float, float, F64]:
    """The bias and the slope with ln N of `best` - `level`, and the residuals (n,)."""
    rows = np.column_stack([np.ones(len(level)), np.log(pages)])
    found, *_ = np.linalg.lstsq(rows, (best - level).astype(np.float64), rcond=None)
    return float(found[0]), float(found[1]), best - level - rows @ found


def main() -> None:
    """Print the constants, and how far off they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    found = read(arguments.index, rng)
    drawn = list(samples(found, rng))
    words, level, best, pages = (
        np.concatenate([getattr(each, name) for each in drawn]) for name in ("words", "level", "best", "pages")
    )
    bias, per_log_page, residuals = fit(level, best, pages)
    print(f"{len(found.words):,} words, {len(found.paths):,} pages, {len(level):,} words in collections")
    print(f"bias={bias:.3f}, per_log_page={per_log_page:.4f}, spread={residuals.std():.3f}")
    print(f"usual_level={level[pages == pages.max()].mean():.2f} (now {CHANCE.usual_level})")
    kinds = np.array([kind(word) for word in words.tolist()])
    for low, high in ((1, 10), (10, 100), (100, 1000), (1000, math.inf)):
        within = (pages >= low) & (pages < high)
        for name in sorted(set(kinds.tolist())):
            off = residuals[within & (kinds == name)]
            if len(off):
                print(f"{low:>5} pages and more, {name:12} {off.mean():+.3f} ± {off.std():.3f}  of {len(off):,}")


if __name__ == "__main__":
    main()
