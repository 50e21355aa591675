"""Writes the filter of English words that are no typing errors, `engine/query/english_words.npy`.

    python -m docsearch.training.english_words

Needs symspellpy, whose dictionary of 82,765 words it reads; nothing else does.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from ..engine.models.pixel.words import normal_form
from ..engine.query.characters import folded
from ..engine.query.known_words import FILE, word_filter

DICTIONARY = "frequency_dictionary_en_82_765.txt"


def main() -> None:
    """Write the file."""
    lines = files("symspellpy").joinpath(DICTIONARY).read_text("utf-8").splitlines()
    np.save(FILE, word_filter(folded(normal_form(line.split()[0])) for line in lines if line.strip()))


if __name__ == "__main__":
    main()
