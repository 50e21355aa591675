"""What a document's file says of itself (title, author, subject, keywords), as the child process reports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.store.columns import AUTHOR, KEYWORDS, KIND, SPOKEN, SUBJECT, TITLE

NAMES = (*SPOKEN, KIND)
VALUE_MAX_CHARS = 1000
"""Longer values are cut: a title has no more, and a hostile file may have anything."""
INFORMATION_KEYS = {TITLE: "title", AUTHOR: "author", SUBJECT: "subject", KEYWORDS: "keywords"}
"""The keys of a PDF's document information, in lower case."""


def of_pdf(information: Mapping[str, object]) -> dict[str, str]:
    """The properties in the document information of a PDF, a mapping whose keys may be capitalised."""
    lowered = {key.lower(): value for key, value in information.items()}
    found = {name: lowered.get(key) for name, key in INFORMATION_KEYS.items()}
    texts = {name: " ".join(value.split())[:VALUE_MAX_CHARS] for name, value in found.items() if isinstance(value, str)}
    return {KIND: "pdf", **{name: text for name, text in texts.items() if text}}


def received(value: Any) -> dict[str, str]:
    """Properties as the child process sent them, checked: a document may have made it send anything. Raises
    ValueError.
    """
    if not isinstance(value, dict) or not all(
        name in NAMES and isinstance(text, str) and len(text) <= VALUE_MAX_CHARS for name, text in value.items()
    ):
        raise ValueError("properties that are no short texts")
    return value
