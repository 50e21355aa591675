"""Scores depend on nothing but query and collection: not on other queries, batches, threads, or what is cached."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.chance import Chance
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.query import weighting
from docsearch.engine.records import Query, QueryExpansion, QueryVectors
from docsearch.engine.retrieval import first_stage
from docsearch.engine.scoring import weighted_sum
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder

pytestmark = pytest.mark.usefixtures("instructions")

PAGES = 60
LARGE = {"candidates": 40}
WAYS = {"exact": {"exact": True}, "two stages": LARGE, "large": LARGE}


class MixedEncoder(ToyEncoder):
    """Words of unequal weight; "?" at the end adds expansion terms, "!" makes the query a contextual one."""

    spec = replace(ToyEncoder.spec, chance=Chance(-0.3, 0.03, 0.4, 0.05, 0.04))

    def encode_query(self, text: str) -> QueryVectors:
        query = super().encode_query(text.rstrip("?!"))
        weights = 1 / np.arange(1, len(query.vectors) + 1, dtype=np.float32)
        query = replace(query, weights=weights / weights.sum(), contextual=text.endswith("!"))
        if not text.endswith("?"):
            return query
        terms = toy_words.directions()[[200, 201]]
        return replace(query, expansion=QueryExpansion(terms, np.array([0, 0]), np.array([0.5, 0.4], np.float32)))


def words(seed: int, count: int) -> str:
    return " ".join(f"w{i}" for i in np.random.default_rng(seed).permutation(100)[:count].tolist())


QUESTIONS = [
    words(1, 80), words(2, 60), *(f"w{i}" for i in range(0, 40, 3)), words(3, 12), words(4, 9) + "?", words(5, 9) + "!",
    "w5 w7?", "w9 w11!", words(6, 33),
]  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    pages = [np.unique((100 * rng.random(60) ** 2).astype(int)).tolist() for _ in range(PAGES)]  # low ones are common
    index = tmp_path_factory.mktemp("law") / "index"
    toy_words.write(index, {f"{i}.pdf": pages[12 * i : 12 * i + 12] for i in range(PAGES // 12)})
    return index


def new_searcher(directory: Path) -> Searcher:
    return open_searcher(directory, encoder=MixedEncoder(pairs=True))


@pytest.mark.parametrize("way", WAYS)
def test_scores_are_the_same_bits_in_any_order_batch_and_thread(
    directory: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "large":
        monkeypatch.setattr(first_stage, "EXACT_VECTORS", 0)
    options = WAYS[way]

    def ask(searcher: Searcher, text: str) -> list[object]:
        return [*searcher.search(text, k=PAGES, **options)]

    alone = {}
    for text in QUESTIONS:
        with new_searcher(directory) as fresh:
            alone[text] = ask(fresh, text)
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(QUESTIONS).tolist()
        with new_searcher(directory) as searcher:
            assert {text: ask(searcher, text) for text in order} == {text: alone[text] for text in order}
        with new_searcher(directory) as searcher:
            batch = searcher.search_many([Query(text, text) for text in order], k=PAGES, **options)
            assert all(hits == alone[query.text] for query, hits in batch)
        with new_searcher(directory) as searcher, ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda text: ask(searcher, text) == alone[text], order))


class RoundedInBatches(MixedEncoder):
    """As a language model, whose vectors differ in their last bits in a batch."""

    def encode_queries(self, texts: list[str]) -> list[QueryVectors]:
        encoded = [self.encode_query(text) for text in texts]
        return [replace(query, vectors=query.vectors * np.float32(1 - len(texts) * 1e-6)) for query in encoded]


def test_scores_of_a_model_that_encodes_batches_differ_by_its_rounding_alone(directory: Path) -> None:
    with open_searcher(directory, encoder=RoundedInBatches()) as searcher:
        for query, hits in searcher.search_many([Query(text, text) for text in QUESTIONS]):
            alone = searcher.search(query.text)
            assert [hit.ref for hit in hits] == [hit.ref for hit in alone]
            np.testing.assert_allclose([h.score for h in hits], [h.score for h in alone], atol=len(QUESTIONS) * 1e-5)


def test_two_stages_over_all_pages_give_the_bits_of_exact_search(directory: Path) -> None:
    with new_searcher(directory) as searcher:
        for text in QUESTIONS:
            exact = searcher.search(text, k=PAGES, exact=True)
            assert searcher.search(text, k=PAGES, candidates=PAGES) == exact
            assert searcher.search(text, k=PAGES, path="*", exact=True) == exact


def test_floors_are_lowered_where_the_model_knows_chance_alone(directory: Path) -> None:
    with new_searcher(directory) as searcher, open_searcher(directory, encoder=ToyEncoder()) as plain:
        lowered, fixed = (each.encode("w150 w1") for each in (searcher, plain))
        assert (lowered.floors < fixed.floors).any()
        assert (lowered.floors <= fixed.floors).all()
        assert (lowered.ceilings == fixed.ceilings).all()
        whole = searcher.encode("w150 w1!")
        assert whole.contextual
        assert (whole.floors == fixed.floors[0]).all()
        expanded = searcher.encode("w150 w1?")
        assert expanded.expansion is not None
        assert (expanded.every_floor[2:] == fixed.floors[0]).all()


def test_tokens_that_are_dropped_from_the_cache_are_counted_again(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_searcher(directory) as searcher:
        wanted = [searcher.encode(text).weights.tolist() for text in QUESTIONS]
    monkeypatch.setattr(weighting, "CACHED_TOKENS", 4)
    with new_searcher(directory) as searcher:
        assert [searcher.encode(text).weights.tolist() for text in QUESTIONS] == wanted


def test_weighted_sum_ignores_the_layout_of_its_array() -> None:
    rng = np.random.default_rng(0)
    matches, weights = rng.random((50, 40), np.float32), rng.random(40, np.float32)
    whole = weighted_sum(matches, weights)
    np.testing.assert_array_equal(weighted_sum(np.asfortranarray(matches), weights), whole)
    np.testing.assert_array_equal(np.concatenate([weighted_sum(row[None], weights) for row in matches]), whole)


def test_the_vector_of_a_word_has_the_same_bits_whatever_words_are_embedded_with_it() -> None:
    known, other = ["revenue", "chart", "2023", "invoice", "meeting"], ["lease", "boat"]
    alone = {word: PixelText.load().embed([word]) for word in known}
    together, text = PixelText.load().embed(known), PixelText.load()
    text.embed([*other, "chart"])
    later = text.embed(known)
    for i, word in enumerate(known):
        for vectors, rarities in (together, later):
            np.testing.assert_array_equal(vectors[i], alone[word][0][0])
            assert rarities[i] == alone[word][1][0]
