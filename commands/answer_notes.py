"""What is said of an answer besides its hits: words that were searched for instead, and that no page matches well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..engine.printable import printable


def answer_notes(about: Mapping[str, Any], model: str, *, is_empty: bool) -> Iterator[str]:
    """The notes on an answer of a `model`, a sentence each. `about` is what `Hits.as_dict` tells of it."""
    for typed, instead in about["corrections"].items():
        yield f"showing results for '{printable(instead)}': no page has '{printable(typed)}'"
    for phrase in about["missing_phrases"]:
        yield f'no page has the phrase "{printable(phrase)}": showing pages with its words'
    if about.get("missing_shards"):
        names = ", ".join(about["missing_shards"])
        yield f"{about['missing_pages']:,} pages were not searched: shard {names} did not answer"
    if about["unread_letters"]:
        yield f"{model} does not read these letters: {about['unread_letters']} ('docsearch models' lists other models)"
    if about["no_good_match"] and not is_empty:
        yield (
            f"no good match: these are the closest pages (confidence {about['confidence']:.2f}); try other words, as "
            "they would be printed on the page"
        )
    if about.get("try_mode"):
        yield f"--mode {about['try_mode']} also finds pages that say it in other words"
