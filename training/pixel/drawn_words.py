"""Numbers, codes and names drawn at random, and pages that print them: words that no list of words has.

`python -m docsearch.training.pixel.drawn_words FOLDER` writes the pages, from which `chance` learns how they match.
"""

from __future__ import annotations

import argparse
import random
import string
from collections.abc import Callable
from pathlib import Path

import pymupdf

FONTS = ("helv", "hebo", "heit", "tiro", "tibo", "tiit", "cour", "cobo")
SIZES_PT = (7.0, 14.0)
PAGE_SIZES_PT = ((612, 792), (595, 842), (842, 595))
MARGIN_PT = 50
DOCUMENT_PAGES = 10
SYLLABLES = (
    *(
        "an",
        "bar",
        "bel",
        "bor",
        "bro",
        "ca",
        "chel",
        "cor",
        "dal",
        "den",
        "dor",
        "el",
        "fen",
        "gar",
        "gil",
        "grim",
        "hal",
    ),
    *(
        "har",
        "hex",
        "il",
        "jo",
        "kel",
        "kir",
        "lan",
        "lin",
        "lo",
        "mar",
        "mel",
        "mor",
        "nar",
        "nor",
        "ol",
        "os",
        "pel",
        "pry",
    ),
    *(
        "quen",
        "ral",
        "rin",
        "ros",
        "sal",
        "sed",
        "ster",
        "sul",
        "tam",
        "tel",
        "thor",
        "tre",
        "ul",
        "van",
        "ver",
        "wex",
        "wil",
    ),
    *("yar", "zel", "zo"),
)
ENDINGS = (
    "",
    "a",
    "by",
    "dale",
    "en",
    "er",
    "ford",
    "ham",
    "ic",
    "ia",
    "ius",
    "ley",
    "low",
    "mere",
    "o",
    "son",
    "ton",
    "wick",
)
HEXADECIMAL = "0123456789abcdef"


def digits(rng: random.Random, count: int) -> str:
    """A number of `count` digits that begins with none of them 0."""
    return str(rng.randrange(10 ** (count - 1), 10**count))


def name(rng: random.Random) -> str:
    """A name of two or three syllables with an ending."""
    return ("".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))) + rng.choice(ENDINGS)).capitalize()


def code(rng: random.Random) -> str:
    """Capital letters and digits in runs, or one after the other: AB1047, K7T2M9Q4."""
    run = rng.choice((1, 1, 2, 3, 4))
    parts = rng.randint(2, 6) if run < 3 else rng.randint(2, 3)
    sources = rng.sample((string.ascii_uppercase, string.digits), 2)
    return "".join("".join(rng.choices(sources[i % 2], k=run)) for i in range(parts))


def amount(rng: random.Random) -> str:
    """An amount in one of the ways in which thousands and decimals are set apart."""
    thousands, decimals = rng.choice(((",", "."), (".", ","), ("", "."), ("", ",")))
    whole = f"{rng.randrange(10 ** rng.randint(1, 8)):,}".replace(",", thousands)
    return whole + (decimals + digits(rng, rng.randint(1, 2)) if rng.random() < 0.7 or not thousands else "")


KINDS: dict[str, Callable[[random.Random], str]] = {
    "number of 4 to 6 digits": lambda rng: digits(rng, rng.randint(4, 6)),
    "number of 7 to 9 digits": lambda rng: digits(rng, rng.randint(7, 9)),
    "number of 10 to 12 digits": lambda rng: digits(rng, rng.randint(10, 12)),
    "number of 13 to 20 digits": lambda rng: digits(rng, rng.randint(13, 20)),
    "amount": amount,
    "decimal": lambda rng: f"0.{rng.randrange(10**4):04}",
    "version": lambda rng: ".".join(str(rng.randrange(60)) for _ in range(rng.randint(3, 4))),
    "address": lambda rng: ".".join(str(rng.randrange(1, 256)) for _ in range(4)),
    "code": code,
    "long code": lambda rng: "".join(rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(12, 20))),
    "hexadecimal": lambda rng: "".join(rng.choices(HEXADECIMAL, k=rng.randint(6, 12))),
    "name": name,
    "name of two words": lambda rng: f"{name(rng)} {name(rng)}",
}
"""What can be drawn, by the name of its kind."""


def write_document(path: Path, rng: random.Random, words: Callable[[], str]) -> None:
    """Write a PDF whose DOCUMENT_PAGES pages print drawn words among `words` of running text."""
    document = pymupdf.open()
    for _ in range(DOCUMENT_PAGES):
        width, height = rng.choice(PAGE_SIZES_PT)
        page = document.new_page(width=width, height=height)
        font, size = pymupdf.Font(rng.choice(FONTS)), rng.uniform(*SIZES_PT)
        writer = pymupdf.TextWriter(page.rect)
        y = MARGIN_PT + size
        while y < height - MARGIN_PT:
            x, is_table = float(MARGIN_PT), rng.random() < 0.5
            while x < width - MARGIN_PT:
                text = rng.choice(list(KINDS.values()))(rng) if rng.random() < 0.25 else words()
                if x + font.text_length(text, size) > width - MARGIN_PT:
                    break
                writer.append((x, y), text, font, size)
                x += max(font.text_length(text + " ", size), 110.0 if is_table else 0)
            y += size * rng.uniform(1.3, 2.2)
        writer.write_text(page)
    document.save(path, deflate=True)
    document.close()


def main() -> None:
    """Write pages with drawn words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--seed", type=int, default=17)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    names = Path(__file__).parents[2] / "engine" / "query" / "quantities.txt"
    words = names.read_text("utf-8").replace(",", " ").replace(":", " ").replace("#", " ").split()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.documents):
        write_document(arguments.folder / f"drawn-{number:03}.pdf", rng, lambda: rng.choice(words))


if __name__ == "__main__":
    main()
