"""Terms in headings, which count more than those in running text: a field of the page, as in BM25F.

Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields", 2004.
"""

from __future__ import annotations

from collections import Counter

from ..query.terms import terms_of

HEADING_WEIGHT = 3
"""How often a term in a heading counts, as in BM25F; docs/log.md#headings compares 1 to 9."""
HEADINGS_OF_TERM = 3
"""Headings of a page that a term is counted in, at most: a term in more is in every row of a table."""


def with_headings(counted: Counter[str], headings: str) -> Counter[str]:
    """How often a page has each term, where a term in one of its `headings` counts HEADING_WEIGHT times.

    A term is in no more headings than the page has it: words that cannot be seen are in `headings`, but not in the
    text.
    """
    if not headings:
        return counted
    in_headings = Counter(term for heading in headings.split("\n") for term in set(terms_of(heading)))
    more = {term: min(n, HEADINGS_OF_TERM, counted[term]) for term, n in in_headings.items() if term in counted}
    return counted + Counter({term: (HEADING_WEIGHT - 1) * n for term, n in more.items()})
