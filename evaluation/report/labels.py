"""Names for people: of metrics, and of parts of the page."""

from __future__ import annotations

from html import escape

from ...engine.printable import printable

LABELS = {"ndcg": "nDCG", "recall": "recall", "mrr": "MRR", "success": "success"}


def label(name: str) -> str:
    """The name of a metric as people write it.

    >>> label("ndcg@10"), label("mrr")
    ('nDCG@10', 'MRR')
    """
    kind, at, k = name.partition("@")
    return f"{LABELS[kind]}{at}{k}"


def scrolling(name: str) -> str:
    """Attributes of an element that scrolls where it is too wide, so that the keyboard can scroll it, too."""
    return f'tabindex="0" role="region" aria-label="{escape(printable(name))}"'
