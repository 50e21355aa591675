"""Count false hits: `python -m docsearch.training.pixel.false_hits INDEX`.

Draws numbers, codes and names (`drawn_words`) that no text layer of INDEX has, asks for each, and prints how many get a
hit, and how many one that is not said to be no good match.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from ...engine.models.pixel.words import split_words
from ...engine.searcher import Searcher, open_searcher
from .drawn_words import KINDS

WORDS = 300
NAMES = "name of two words"


def absent(printed: frozenset[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Endless pairs of a kind, each in turn, and something of that kind that has no word in common with `printed`.

    Of a name of two words one may be printed: the whole is not.
    """
    for kind in cycle(KINDS):
        while True:
            text = KINDS[kind](rng)
            words = frozenset(split_words(text))
            if not words & printed or (kind == NAMES and not words <= printed):
                yield kind, text
                break


def printed_words(searcher: Searcher) -> frozenset[str]:
    """The words of all text layers of an index, in normal form."""
    snapshot = searcher.snapshot
    return frozenset(word for row in range(len(snapshot)) for word in split_words(snapshot.text(row)))


def main() -> None:
    """Print a table by kind of word, once by pictures alone, once by pictures and text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("--seed", type=int, default=170)
    arguments = parser.parse_args()
    with open_searcher(arguments.index) as searcher:
        asked = list(islice(absent(printed_words(searcher), random.Random(arguments.seed)), WORDS))
        for mode in ("visual", "hybrid"):
            answers = [(kind, searcher.search(text, k=1, mode=mode)) for kind, text in asked]
            print(f"{mode}: {len(asked)} asked, a hit for {sum(bool(hits) for _, hits in answers)}, good matches:")
            for kind in KINDS:
                good = [not hits.no_good_match for each, hits in answers if each == kind]
                print(f"  {kind:25} {sum(good):3} of {len(good)}")
            print(f"  {'all':25} {sum(not hits.no_good_match for _, hits in answers):3} of {len(answers)}")


if __name__ == "__main__":
    main()
