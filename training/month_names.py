"""Writes the names of months that dates are read by, `engine/query/months.txt`, from Unicode's CLDR.

    python -m docsearch.training.month_names

Needs babel, which nothing else does.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

from ..engine.models.pixel.words import WORD

LANGUAGES = (
    "en de fr es it pt nl da sv nb fi is et lv lt pl cs sk hu ro sl hr sr bs sq tr az el bg mk ru uk be ca gl eu ga cy "
    "af sw id ms vi ar fa he hi bn ta"
)
MIN_CHARS = 3
FILE = Path(__file__).parents[1] / "engine" / "query" / "months.txt"
HEAD = """\
# Names of the months in {count} languages, in normal form: wide and abbreviated, alone and within a date. Made from the
# Unicode Common Locale Data Repository by training/month_names.py; Copyright © 1991-2024 Unicode, Inc., Unicode License
# V3 (https://www.unicode.org/license.txt). A name that two languages give to different months stands twice.
"""


def month_names() -> dict[int, list[str]]:
    """The names of each month, 1 to 12, sorted."""
    from babel import Locale

    found: dict[int, set[str]] = {month: set() for month in range(1, 13)}
    for language in LANGUAGES.split():
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for month, name in months[context][width].items():
                    found[month].update(_spelled(name))
    return {month: sorted(names) for month, names in found.items()}


def _spelled(name: str) -> set[str]:
    """A name in normal form, without and with its diacritics; nothing if it is no single word."""
    plain = unicodedata.normalize("NFKC", name).casefold().strip(" .'’")
    decomposed = unicodedata.normalize("NFKD", plain)
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    is_latin = any("a" <= letter <= "z" for letter in bare)
    spelled = {plain, bare} if is_latin else {plain}
    return {
        word for word in spelled if len(word) >= MIN_CHARS and not any(map(str.isdigit, word)) and WORD.fullmatch(word)
    }


def main() -> None:
    """Write the file."""
    lines = [f"{month}: {' '.join(names)}\n" for month, names in month_names().items()]
    FILE.write_text(HEAD.format(count=len(LANGUAGES.split())) + "".join(lines), "utf-8")


if __name__ == "__main__":
    main()
