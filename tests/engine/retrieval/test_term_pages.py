"""The cache of terms: it gives back what was looked up, and its memory is bounded."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.retrieval import term_pages
from docsearch.engine.retrieval.term_pages import TermCache, TermPages


def pages(count: int) -> TermPages:
    """A term that `count` pages have."""
    ones = np.ones(count)
    return TermPages(np.arange(count), ones.astype(np.uint8), ones > 0, ones.astype(np.float32), 1.0)


def test_a_term_with_other_spellings_is_another_one() -> None:
    cache = TermCache()
    plain, spelled = pages(3), pages(5)
    cache.add({("acme", ()): plain, ("acme", (("=acme", 1.0),)): spelled})
    found = cache.known([("acme", ()), ("acme", (("=acme", 1.0),)), ("other", ())])
    assert [len(each.rows) for each in found.values()] == [3, 5]


def test_the_terms_that_were_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(term_pages, "CACHED_BYTES", 3 * pages(100).nbytes)
    cache = TermCache()
    for term in "abc":
        cache.add({(term, ()): pages(100)})
    cache.add(cache.known([("a", ())]))
    cache.add({("d", ()): pages(100)})
    assert [term for term, _ in cache.known([(term, ()) for term in "abcd"])] == ["a", "c", "d"]
    cache.add({("e", ()): pages(10_000)})
    assert not cache.known([("e", ())])  # more than there is room for
