"""The mode semantic: pages that say it in other words, and where there is no such mode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from test_cross_language import PAGES, WordsEncoder, set_cross_language
from toy_sentences import ToySentences

import toy_words
from docsearch.engine.confidence import Calibration
from docsearch.engine.errors import UsageError
from docsearch.engine.models import sentences
from docsearch.engine.records import Mode
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_combined

ENGLISH = "what is the {} of this and that which they have"
"""A text whose language is known, as is that of a question with these words."""
QUESTION = "where is the boat which they have"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Page 8 says in other words, and in the same language, what page 9 says in the words of QUESTION."""
    monkeypatch.setattr(sentences, "load_sentence_encoder", lambda name: ToySentences())
    texts = [ENGLISH.format("w1")] * PAGES
    texts[7], texts[8] = ENGLISH.format("schiff"), ENGLISH.format("boat w9")
    shown = [[1, 2, 3]] * PAGES
    shown[8] = [1, 2, 3, 9, 10, 11]
    toy_words.write(tmp_path / "index", {"a.pdf": shown}, texts={"a.pdf": texts})
    set_cross_language(tmp_path / "index", "toy-sentences")
    return tmp_path / "index"


@pytest.fixture
def searcher(directory: Path) -> Iterator[Searcher]:
    with open_searcher(directory, encoder=WordsEncoder()) as opened:
        yield opened


def scores(searcher: Searcher, mode: Mode, k: int = PAGES, **options: object) -> dict[int, float]:
    hits = searcher.search(QUESTION, k=k, mode=mode, **options)  # type: ignore[arg-type]
    assert hits.mode == mode
    return {hit.ref.page: hit.score for hit in hits}


def test_a_page_that_says_it_in_other_words_gains_much_more_than_in_the_mode_hybrid(searcher: Searcher) -> None:
    hybrid, semantic = scores(searcher, "hybrid"), scores(searcher, "semantic")
    assert semantic[8] > hybrid.get(8, 0.0) + 0.05
    assert semantic[8] > max(score for page, score in semantic.items() if page not in (8, 9))


def test_a_page_that_also_has_the_words_stays_first(searcher: Searcher) -> None:
    found = scores(searcher, "semantic")
    assert [*found][:2] == [9, 8]


def test_candidates_of_stage_1_include_what_only_the_meaning_finds(searcher: Searcher) -> None:
    proposed, every = scores(searcher, "semantic", 3, candidates=3), scores(searcher, "semantic", exact=True)
    assert [*proposed][:2] == [9, 8]
    assert all(score == every[page] for page, score in proposed.items())


def test_the_share_of_the_meaning_is_explained(searcher: Searcher) -> None:
    hits = searcher.search(QUESTION, k=2, mode="semantic")
    for hit, its in zip(hits, searcher.explain(QUESTION, hits, mode="semantic"), strict=True):
        assert its.mode == "semantic"
        assert its.from_passages > 0.05
        parts = (its.from_picture, its.from_text, its.from_document, its.prior, its.from_passages, its.from_kinds)
        assert sum(parts) == pytest.approx(hit.score, abs=1e-6)


def test_an_index_without_vectors_of_passages_says_how_to_make_them(directory: Path) -> None:
    set_cross_language(directory, None)
    with open_searcher(directory, encoder=WordsEncoder()) as opened:
        assert opened.modes == ("visual", "text", "hybrid")
        with pytest.raises(
            UsageError, match=r"does not have; 'docsearch index PATH\.\.\. --cross-language' makes them"
        ):
            opened.search(QUESTION, mode="semantic")


def test_an_index_with_them_has_every_mode(searcher: Searcher) -> None:
    assert searcher.modes == get_args(Mode)


def test_several_indexes_have_the_mode_only_where_all_have(directory: Path) -> None:
    other = directory.parent / "other"
    toy_words.write(other, {"b.pdf": [[4]] * 3}, texts={"b.pdf": [ENGLISH.format("schiff")] * 3})
    for name in (None, "toy-sentences"):
        set_cross_language(other, name)
        with Searcher(open_combined({"one": directory, "two": other}), WordsEncoder()) as opened:
            assert ("semantic" in opened.modes) == (name is not None)


def test_of_several_indexes_the_error_names_those_that_lack_the_mode(directory: Path) -> None:
    others = {str(directory.parent / name): directory.parent / name for name in ("other", "third")}
    for path in others.values():
        toy_words.write(path, {"b.pdf": [[4]] * 3}, texts={"b.pdf": [ENGLISH.format("schiff")] * 3})
    (one, path), both = next(iter(others.items())), " ".join(others)
    told = {
        f"which {one} does not have; 'docsearch index PATH... --index {one} --cross-language' makes them": {one: path},
        "which Letters does not have; 'docsearch index PATH... --cross-language' makes them": {"Letters": path},
        f"which {both.replace(' ', ', ')} do not have; 'docsearch index PATH... --cross-language' makes them for each "
        "of them": others,
    }
    for message, lacking in told.items():
        with (
            Searcher(open_combined({"has it": directory} | lacking), WordsEncoder()) as opened,
            pytest.raises(UsageError, match=re.escape(message)),
        ):
            opened.search(QUESTION, mode="semantic")


def test_a_picture_or_a_page_is_searched_by_what_it_shows_in_this_mode_too(searcher: Searcher) -> None:
    hit = searcher.search(QUESTION, k=1)[0]
    assert [each.score for each in searcher.more_like(hit.ref, k=3)]
    with pytest.raises(UsageError, match=r"nonsense is no mode of search; there are visual, text, hybrid, semantic"):
        searcher.search(QUESTION, mode="nonsense")  # type: ignore[arg-type]


class CalibratedEncoder(WordsEncoder):
    spec = replace(toy_words.SPEC, calibration=Calibration(-4.0, (6.0, 1.0, 1.0, 0.1, 0.5), 0.3))


@pytest.mark.parametrize("encoder", [WordsEncoder, CalibratedEncoder])
def test_an_answer_without_hits_tells_of_the_mode_where_the_index_has_it(
    directory: Path, encoder: type[WordsEncoder]
) -> None:
    for name in ("toy-sentences", None):
        set_cross_language(directory, name)
        with open_searcher(directory, encoder=encoder()) as opened:
            hits = opened.search("w290", mode="text")
            assert not hits
            assert hits.try_mode == ("semantic" if name else None)
            assert hits.as_dict().get("try_mode") == hits.try_mode


class MeaningEncoder(WordsEncoder):
    """Trusts the cosine of a passage alone, in the mode semantic."""

    spec = replace(
        toy_words.SPEC,
        calibration=Calibration(-20.0, (0.0,) * 5, 0.3, Calibration(-4.0, (0.0,) * 6 + (8.0,), 0.4)),
    )


def test_the_mode_has_a_confidence_that_knows_the_meaning(directory: Path) -> None:
    with open_searcher(directory, encoder=MeaningEncoder()) as opened:
        by_words = opened.search("w3 boat", mode="hybrid")
        assert by_words.no_good_match
        by_meaning = opened.search("w3 boat", mode="semantic")
        assert by_meaning[0].ref.page in (8, 9)
        assert by_meaning.confidence is not None
        assert by_meaning.confidence > 0.8
        assert not by_meaning.no_good_match
        features = opened.best_hit_features("w3 boat", by_meaning[0], "semantic")
        assert features.shape == (7,)
        assert opened.best_hit_features("w3 boat", by_meaning[0], "hybrid").shape == (5,)
        own = MeaningEncoder.spec.calibration
        assert own is not None
        assert own.by_meaning is not None
        assert own.by_meaning.confidence(features) == pytest.approx(by_meaning.confidence)


def test_a_weak_answer_tells_of_the_mode_and_a_good_one_does_not(directory: Path) -> None:
    with open_searcher(directory, encoder=CalibratedEncoder()) as opened:
        good, weak = opened.search("w9 w10 w11"), opened.search("w3 w280 w290")
        assert (good.no_good_match, good.try_mode) == (False, None)
        assert (weak.no_good_match, weak.try_mode) == (True, "semantic")
        assert opened.search("w3 w280 w290", mode="semantic").try_mode is None
