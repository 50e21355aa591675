"""What is said of an answer besides its hits: letters that the model does not read, and that no page matches well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def answer_notes(about: Mapping[str, Any], model: str, *, is_empty: bool) -> Iterator[str]:
    """The notes on an answer of a `model`, a sentence each. `about` is what `Hits.as_dict` tells of it."""
    if about["unread_letters"]:
        yield f"{model} does not read these letters: {about['unread_letters']} ('docsearch models' lists other models)"
    if about["no_good_match"] and not is_empty:
        yield (
            f"no good match: these are the closest pages (confidence {about['confidence']:.2f}); try other words, as "
            "they would be printed on the page"
        )
