"""Scores of very many pages by tokens: compiled code and numpy are tested against `scoring.score_tokens`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.kernels.native.library import NUMPY, SWITCH, available_settings
from docsearch.engine.kernels.token_scores import scores
from docsearch.engine.records import F32, I64, QueryExpansion, QueryVectors
from docsearch.engine.retrieval.candidates import only_tokens, token_groups
from docsearch.engine.scoring import score_tokens

pytestmark = pytest.mark.usefixtures("instructions")


def random_query(tokens: int, terms: int, rng: np.random.Generator, *, contextual: bool = False) -> QueryVectors:
    weights = rng.random(tokens).astype(np.float32)
    own_floor = rng.uniform(0.3, 0.45, terms).astype(np.float32) if rng.random() < 0.5 else None
    expansion = QueryExpansion(
        np.zeros((terms, 4), np.float32),
        rng.integers(0, tokens, terms),
        rng.random(terms).astype(np.float32),
        own_floor,
    )
    floors = rng.uniform(0.3, 0.5, tokens).astype(np.float32)
    vectors, single = np.zeros((tokens, 4), np.float32), np.zeros(0, np.float32)
    return QueryVectors(
        vectors, weights / weights.sum(), single, ("w",) * tokens, floors, floors + np.float32(0.2),
        expansion=expansion if terms else None, contextual=contextual,
    )  # fmt: skip


def collection(pages: int, columns: int, rng: np.random.Generator) -> tuple[F32, I64]:
    """Maxima (pages, columns), half of them -inf, and the row of the first page of each page's document."""
    maxima = np.where(rng.random((pages, columns)) < 0.5, rng.uniform(0, 0.8, (pages, columns)), -np.inf)
    return maxima.astype(np.float32), np.sort(rng.integers(0, pages, pages))


@given(
    st.sampled_from([1, 7, 16, 17, 100]), st.integers(1, 6), st.integers(0, 5), st.booleans(), st.integers(0, 10_000)
)
def test_scores_equal_scoring_score_tokens(pages: int, tokens: int, terms: int, contextual: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = random_query(tokens, terms, rng, contextual=contextual)
    maxima, first_pages = collection(pages, tokens + terms, rng)
    want = score_tokens(maxima, maxima[first_pages], query)[1]
    np.testing.assert_allclose(scores.token_scores(list(maxima.T), first_pages, query), want, atol=1e-6)


@given(st.sampled_from([1, 7, 17, 100]), st.integers(1, 8), st.integers(0, 5), st.booleans(), st.integers(0, 10_000))
def test_tokens_added_in_groups_give_the_bits_of_the_whole_query(
    pages: int, tokens: int, terms: int, contextual: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    query = random_query(tokens, terms, rng, contextual=contextual)
    maxima, first_pages = collection(pages, tokens + terms, rng)
    sums = scores.Sums.of_none(pages)
    groups = token_groups(query, int(rng.integers(1, 5)))
    assert np.concatenate(groups).tolist() == list(range(tokens))
    for group in groups:
        of_group = tokens + np.flatnonzero(np.isin(query.expansion.tokens, group)) if query.expansion else []
        columns = list(maxima[:, [*group, *of_group]].T)
        sums = scores.add_tokens(sums, columns, first_pages, only_tokens(query, group))
    np.testing.assert_array_equal(sums.scores, scores.token_scores(list(maxima.T), first_pages, query))


def matches_of(codes: np.ndarray, units: F32) -> F32:
    """The matches (N, Q + A) that codes (N, Q + A) stand for."""
    return np.minimum(codes * units, np.float32(1)).astype(np.float32)


@given(
    st.sampled_from([1, 7, 16, 17, 100]), st.integers(1, 6), st.integers(0, 5), st.booleans(), st.integers(0, 10_000)
)
def test_scores_of_codes_equal_those_of_their_matches(
    pages: int, tokens: int, terms: int, contextual: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    query = random_query(tokens, terms, rng, contextual=contextual)
    expansion = query.expansion
    if expansion is not None:
        expansion = replace(expansion, floor=np.zeros(len(expansion.tokens), np.float32))
    plain = np.zeros(tokens, np.float32), np.ones(tokens, np.float32)
    query = replace(query, floor=plain[0], ceiling=plain[1], expansion=expansion)
    codes = (rng.integers(0, 256, (pages, tokens + terms)) * (rng.random((pages, tokens + terms)) < 0.5)).astype(
        np.uint8
    )
    units, first_pages = (
        rng.uniform(1 / 255, 1 / 100, tokens + terms).astype(np.float32),
        np.sort(rng.integers(0, pages, pages)),
    )
    matches = matches_of(codes, units)
    want = score_tokens(matches, matches[first_pages], query)[1]
    columns = [np.ascontiguousarray(column) for column in codes.T]
    found = []
    for setting in available_settings():
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(SWITCH, setting)
            sums = scores.add_codes(scores.Sums.of_none(pages), columns, units, first_pages, query)
        np.testing.assert_allclose(sums.scores, want, atol=1e-6)
        if setting != NUMPY:
            found.append(sums)
    for other in found[1:]:
        np.testing.assert_array_equal(other.totals.view(np.uint32), found[0].totals.view(np.uint32))
        np.testing.assert_array_equal(other.best.view(np.uint32), found[0].best.view(np.uint32))


@given(st.integers(16, 200), st.integers(1, 6), st.integers(0, 5), st.integers(0, 10_000))
def test_every_instruction_set_gives_the_same_bits(pages: int, tokens: int, terms: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = random_query(tokens, terms, rng)
    maxima, first_pages = collection(pages, tokens + terms, rng)
    found = []
    for setting in available_settings():
        if setting != NUMPY:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv(SWITCH, setting)
                found.append(scores.token_scores(list(maxima.T), first_pages, query))
    for other in found[1:]:
        np.testing.assert_array_equal(other.view(np.uint32), found[0].view(np.uint32))


def test_tokens_added_in_two_parts_give_the_bits_of_the_whole_query() -> None:
    rng = np.random.default_rng(4)
    query = random_query(5, 0, rng)
    maxima, first_pages = collection(100, 5, rng)
    sums = scores.Sums.of_none(100)
    for part in (slice(0, 2), slice(2, 5)):
        tokens = replace(
            query, vectors=query.vectors[part], weights=query.weights[part], tokens=query.tokens[part],
            floor=query.floors[part], ceiling=query.ceilings[part],
        )  # fmt: skip
        sums = scores.add_tokens(sums, list(maxima[:, part].T), first_pages, tokens)
    np.testing.assert_array_equal(sums.scores, scores.token_scores(list(maxima.T), first_pages, query))


def test_pages_of_one_document_need_not_follow_each_other() -> None:
    query = random_query(3, 0, np.random.default_rng(1))
    maxima, _ = collection(64, 3, np.random.default_rng(2))
    first_pages = np.where(np.arange(64) % 4 == 1, 5, 0)  # the first and the last of any sixteen belong together
    want = score_tokens(maxima, maxima[first_pages], query)[1]
    np.testing.assert_allclose(scores.token_scores(list(maxima.T), first_pages, query), want, atol=1e-6)


def test_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    query = random_query(5, 4, rng)
    maxima, first_pages = collection(1000, 9, rng)
    whole = scores.token_scores(list(maxima.T), first_pages, query)
    monkeypatch.setattr(scores, "BLOCK_PAGES", 37)
    np.testing.assert_array_equal(scores.token_scores(list(maxima.T), first_pages, query), whole)
