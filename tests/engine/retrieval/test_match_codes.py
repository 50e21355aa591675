"""Matches in a byte: what a code stands for, what counts as present, and what the cache keeps."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.query.weighting import PRESENT_MATCH
from docsearch.engine.records import F32, I64, U8
from docsearch.engine.retrieval import match_codes
from docsearch.engine.retrieval.inverted_index import InvertedIndex
from docsearch.engine.retrieval.match_codes import FAINT_FLOOR, FAINT_SLACK, SLACK, CodeScales, MatchCodes, code_scales

PAGES = 100


@given(st.floats(-0.5, 0.8), st.floats(0.05, 1), st.integers(0, 1000))
def test_codes_are_matches_and_say_exactly_who_is_present(floor: float, width: float, seed: int) -> None:
    floors, ceilings = np.array([floor], np.float32), np.array([floor + width], np.float32)
    scales = code_scales(floors, ceilings)
    slack = FAINT_SLACK if floors[0] < np.float32(FAINT_FLOOR) else SLACK
    lowered, threshold = floor - slack, floor + PRESENT_MATCH * width
    similarities = np.random.default_rng(seed).uniform(floor - 0.2, floor + width + 0.2, 300)
    similarities = similarities[abs(similarities - threshold) > 1e-5]  # those at the threshold may be rounded
    codes = np.ceil(np.clip((similarities - scales.floors) * scales.scales, 0, 255))
    matches = np.clip((similarities - lowered) / (floor + width - lowered), 0, 1)
    np.testing.assert_allclose(np.minimum(codes * scales.units, 1), matches, atol=1.01 / 127)
    np.testing.assert_array_equal(codes > scales.absent, similarities > threshold)


class CountingIndex:
    """Stands in for the inverted index: codes that depend on the arguments, and how many vectors were looked up."""

    def __init__(self) -> None:
        self.looked_up = 0

    def codes(self, vectors: F32, floors: F32, scales: F32, *, within: F32, probes: I64) -> list[U8]:
        self.looked_up += len(vectors)
        sums = vectors.sum(axis=1) + 10 * floors + scales + 100 * within + probes
        return [np.full(PAGES, int(each) % 256, np.uint8) for each in sums]


def some_scales(count: int) -> CodeScales:
    return code_scales(np.full(count, 0.5, np.float32), np.full(count, 0.7, np.float32))


def test_vectors_are_looked_up_once_for_each_use() -> None:
    index = CountingIndex()
    codes = MatchCodes(cast("InvertedIndex", index), PAGES)
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    first = codes.of_each(vectors, some_scales(3))
    again = codes.of_each(vectors[[2, 0, 2]], some_scales(3))
    assert index.looked_up == 3
    for found, wanted in zip(again, (first[2], first[0], first[2]), strict=True):
        np.testing.assert_array_equal(found, wanted)
    as_term = codes.of_each(vectors[:2], some_scales(2), terms=1)
    assert index.looked_up == 4
    np.testing.assert_array_equal(as_term[0], first[0])


def test_the_cache_keeps_what_was_asked_for_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_codes, "CODES_BYTES", 2 * PAGES)
    index = CountingIndex()
    codes = MatchCodes(cast("InvertedIndex", index), PAGES)
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert len(codes.of_each(vectors, some_scales(3))) == 3
    codes.of_each(vectors[1:], some_scales(2))
    assert index.looked_up == 3
    codes.of_each(vectors[:1], some_scales(1))
    assert index.looked_up == 4
